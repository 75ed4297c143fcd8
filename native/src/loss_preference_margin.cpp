// Losses of the margin m = chosen - rejected between a pair's scores. Each derivative stands under its formula.
#include <algorithm>

#include "loss_preference_kinds.h"

namespace graft {

namespace {

ScoreLoss of_margin(double loss, double d_margin) { return {loss, d_margin, -d_margin}; }

// log(1 - e^a), a < 0; two branches, so that neither cancels.
double log1mexp(double a) { return a < -0.6931471805599453 ? std::log1p(-std::exp(a)) : std::log(-std::expm1(a)); }

}  // namespace

// DPO, Rafailov et al. 2023, arXiv:2305.18290, eq. 7; with ε > 0 conservative DPO, Mitchell 2023 (https://ericmitchell.ai/cdpo.pdf).
// CPO's preference term, Xu et al. 2024, arXiv:2401.08417, eq. 3, is the same function of the policy's scores alone.
ScoreLoss sigmoid_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double x = o.beta * (chosen - rejected), e = o.label_smoothing;
  // L = -(1-ε) log σ(x) - ε log σ(-x), x = βm
  // dL/dm = β (ε σ(x) - (1-ε) σ(-x))
  return of_margin(-(1 - e) * log_sigmoid(x) - e * log_sigmoid(-x), o.beta * (e * sigmoid(x) - (1 - e) * sigmoid(-x)));
}

// Provably robust DPO, Ray Chowdhury et al. 2024, arXiv:2403.00409, eq. 12: unbiased when a share ε of the labels is flipped.
ScoreLoss robust_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double x = o.beta * (chosen - rejected), e = o.label_smoothing;
  // L = (-(1-ε) log σ(x) + ε log σ(-x)) / (1-2ε), x = βm
  // dL/dm = -β ((1-ε) σ(-x) + ε σ(x)) / (1-2ε)
  return of_margin((-(1 - e) * log_sigmoid(x) + e * log_sigmoid(-x)) / (1 - 2 * e), -o.beta * ((1 - e) * sigmoid(-x) + e * sigmoid(x)) / (1 - 2 * e));
}

// SLiC-HF, Zhao et al. 2023, arXiv:2305.10425, on normalized likelihoods as in RSO, Liu et al. 2023, arXiv:2309.06657: 1/β is the wanted margin.
ScoreLoss hinge_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double slack = 1 - o.beta * (chosen - rejected);
  // L = max(0, 1 - βm);  dL/dm = -β where L > 0, else 0 (also at the kink)
  return slack > 0 ? of_margin(slack, -o.beta) : of_margin(0, 0);
}

// IPO, Azar et al. 2023, arXiv:2310.12036, eq. 17 with τ = β; scores are means over tokens, as its authors confirmed to TRL.
ScoreLoss ipo_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double error = chosen - rejected - 1 / (2 * o.beta);
  // L = (m - 1/(2β))²;  dL/dm = 2 (m - 1/(2β))
  return of_margin(error * error, 2 * error);
}

// EXO, Ji et al. 2024, arXiv:2402.00856, eq. 16 for two answers: KL(q || p), q = (σ(x), σ(-x)), p = (1-ε, ε).
ScoreLoss exo_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double x = o.beta * (chosen - rejected), q = sigmoid(x), r = sigmoid(-x);
  const double log_p = std::log1p(-o.label_smoothing), log_e = std::log(o.label_smoothing);
  // L = q (log q - log(1-ε)) + r (log r - log ε), x = βm, r = 1-q
  // dq/dx = q r and log q - log r = x, so dL/dm = β q r (x - log(1-ε) + log ε)
  return of_margin(q * (log_sigmoid(x) - log_p) + r * (log_sigmoid(-x) - log_e), o.beta * q * r * (x - log_p + log_e));
}

// SimPO, Meng et al. 2024, arXiv:2405.14734, eq. 6; scores are the policy's means over tokens.
ScoreLoss simpo_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double x = o.beta * (chosen - rejected) - o.gamma, e = o.label_smoothing;
  // L = -(1-ε) log σ(x) - ε log σ(-x), x = βm - γ
  // dL/dm = β (ε σ(x) - (1-ε) σ(-x))
  return of_margin(-(1 - e) * log_sigmoid(x) - e * log_sigmoid(-x), o.beta * (e * sigmoid(x) - (1 - e) * sigmoid(-x)));
}

// ORPO's odds-ratio term, Hong et al. 2024, arXiv:2403.07691, eq. 7 (β is its λ); scores are the policy's means over tokens, p = e^a.
ScoreLoss orpo_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  // A probability of exactly 1 has infinite odds: logs stop at -1e-7, one rounding of a float logp below 0.
  const double a = std::min(chosen, -1e-7), b = std::min(rejected, -1e-7);
  const double x = (a - b) - (log1mexp(a) - log1mexp(b)), d = -o.beta * sigmoid(-x);
  // L = -β log σ(x), x = logit(e^a) - logit(e^b), logit(e^a) = a - log(1-e^a)
  // d logit(e^a)/da = 1 + e^a/(1-e^a) = 1/(1-e^a), so dL/da = -β σ(-x) / (1-e^a), dL/db = β σ(-x) / (1-e^b)
  return {-o.beta * log_sigmoid(x), d / -std::expm1(a), -d / -std::expm1(b)};
}

}  // namespace graft
