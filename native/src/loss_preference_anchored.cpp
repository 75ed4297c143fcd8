// Losses that hold each answer against an anchor of its own: c and r are the scores of chosen and rejected. Each derivative stands under its formula.
#include <algorithm>

#include "loss_preference_kinds.h"

namespace graft {

// APO-zero, D'Oosterlinck et al. 2024, arXiv:2408.06266, eq. 7: chosen up, rejected down.
ScoreLoss apo_zero_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double x = o.beta * chosen, y = o.beta * rejected;
  // L = 1 - σ(βc) + σ(βr);  σ' = σ(·) σ(-·), so dL/dc = -β σ(x) σ(-x), dL/dr = β σ(y) σ(-y)
  return {sigmoid(-x) + sigmoid(y), -o.beta * sigmoid(x) * sigmoid(-x), o.beta * sigmoid(y) * sigmoid(-y)};
}

// APO-down, ibid. eq. 8: chosen down, rejected further down.
ScoreLoss apo_down_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double x = o.beta * chosen, y = o.beta * (chosen - rejected);
  const double d_margin = -o.beta * sigmoid(y) * sigmoid(-y);
  // L = σ(βc) + 1 - σ(β(c-r));  dL/dc = β σ(x) σ(-x) - β σ(y) σ(-y), dL/dr = β σ(y) σ(-y)
  return {sigmoid(x) + sigmoid(-y), o.beta * sigmoid(x) * sigmoid(-x) + d_margin, -d_margin};
}

// SPPO with hard labels, Wu et al. 2024, arXiv:2405.00675, eq. 4.7 with P = 1 for the winner and 0 for the loser.
ScoreLoss sppo_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double u = chosen - 0.5 / o.beta, v = rejected + 0.5 / o.beta;
  // L = (c - 1/(2β))² + (r + 1/(2β))²;  dL/dc = 2u, dL/dr = 2v
  return {u * u + v * v, 2 * u, 2 * v};
}

// NCA, Chen et al. 2024, arXiv:2402.05369, for two answers.
ScoreLoss nca_loss(double chosen, double rejected, const PreferenceOptions &o, double) {
  const double x = o.beta * chosen, y = o.beta * rejected;
  // L = -log σ(x) - ½ log σ(-x) - ½ log σ(-y);  dL/dc = β (½ σ(x) - σ(-x)), dL/dr = ½ β σ(y)
  return {-log_sigmoid(x) - 0.5 * log_sigmoid(-x) - 0.5 * log_sigmoid(-y), o.beta * (0.5 * sigmoid(x) - sigmoid(-x)), 0.5 * o.beta * sigmoid(y)};
}

// BCO, Jung et al. 2024, arXiv:2404.04656; δ is the running mean of all rewards (a constant for the gradient), 0 gives the form without shift.
ScoreLoss bco_loss(double chosen, double rejected, const PreferenceOptions &o, double delta) {
  const double x = o.beta * chosen - delta, y = o.beta * rejected - delta;
  // L = -log σ(βc - δ) - log σ(-(βr - δ));  dL/dc = -β σ(-x), dL/dr = β σ(y)
  return {-log_sigmoid(x) - log_sigmoid(-y), -o.beta * sigmoid(-x), o.beta * sigmoid(y)};
}

// KTO, Ethayarajh et al. 2024, arXiv:2402.01306, eq. 8; z is the KL estimate (a constant for the gradient), not below 0.
ScoreLoss kto_loss(double score, bool desirable, const PreferenceOptions &o, double kl) {
  const double x = o.beta * (score - std::max(kl, 0.0)), slope = o.beta * sigmoid(x) * sigmoid(-x);
  // desirable: L = λ_D (1 - σ(β(s - z))), dL/ds = -λ_D β σ(x) σ(-x);  undesirable: L = λ_U (1 - σ(β(z - s))), dL/ds = λ_U β σ(x) σ(-x)
  if (desirable) return {o.desirable_weight * sigmoid(-x), -o.desirable_weight * slope, 0};
  return {o.undesirable_weight * sigmoid(x), o.undesirable_weight * slope, 0};
}

}  // namespace graft
