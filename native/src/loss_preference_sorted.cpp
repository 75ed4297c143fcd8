// AOT, Melnyk et al. 2024, arXiv:2406.05882: stochastic dominance of one distribution of scores over another. In one dimension optimal transport
// pairs the k-th smallest with the k-th smallest, so both are sorted over the whole optimizer step; equal values keep their order.
#include <algorithm>
#include <numeric>

#include "loss_preference_kinds.h"

namespace graft {

namespace {

std::vector<size_t> order_of(const std::vector<double> &values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  return order;
}

// L_k = -(1-ε) log σ(βΔ_k) - ε log σ(-βΔ_k): sigmoid_loss of the k-th quantiles; a small change of a score does not change the order, so
// dL/d(score) is that of the quantile which the score is.
ScoreLoss of_quantiles(double upper, double lower, const PreferenceOptions &o) { return sigmoid_loss(upper, lower, o, 0); }

}  // namespace

// Paired: the policy's margins over the reference's. Δ_k = k-th of (policy chosen - policy rejected) - k-th of (reference chosen - reference rejected).
void aot_loss(const std::vector<Score> &scores, const PreferenceOptions &o, std::vector<ScoreLoss> &result) {
  const size_t n = scores.size() / 2;
  std::vector<double> policy(n), reference(n);
  for (size_t i = 0; i < n; i++) {
    policy[i] = scores[2 * i].policy - scores[2 * i + 1].policy;
    reference[i] = scores[2 * i].reference - scores[2 * i + 1].reference;
  }
  const std::vector<size_t> p = order_of(policy), r = order_of(reference);
  // policy margin = chosen - rejected, so the derivative by it is that by chosen, and minus that by rejected
  for (size_t k = 0; k < n; k++) result[p[k]] = of_quantiles(policy[p[k]], reference[r[k]], o);
}

// Unpaired: all chosen ratios over all rejected ratios. Δ_k = k-th of (chosen policy - reference) - k-th of (rejected policy - reference).
// The loss of a quantile is booked on the pair whose chosen answer it is.
void aot_unpaired_loss(const std::vector<Score> &scores, const PreferenceOptions &o, std::vector<ScoreLoss> &result) {
  const size_t n = scores.size() / 2;
  std::vector<double> chosen(n), rejected(n);
  for (size_t i = 0; i < n; i++) {
    chosen[i] = scores[2 * i].ratio();
    rejected[i] = scores[2 * i + 1].ratio();
  }
  const std::vector<size_t> c = order_of(chosen), r = order_of(rejected);
  for (size_t k = 0; k < n; k++) {
    const ScoreLoss loss = of_quantiles(chosen[c[k]], rejected[r[k]], o);
    result[c[k]].loss = loss.loss;
    result[c[k]].d_chosen = loss.d_chosen;
    result[r[k]].d_rejected = loss.d_rejected;
  }
}

}  // namespace graft
