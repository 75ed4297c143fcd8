#include "loss_sft.h"

namespace graft {

double sft_loss(int64_t n, const float *logps, int64_t total, float *weights) {
  // loss = -(1/total) Σ logp;  d loss / d logp = -1/total
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    sum += double(logps[i]);
    weights[i] = float(-1.0 / double(total));
  }
  return -sum / double(total);
}

}  // namespace graft
