// Supervised fine-tuning: mean negative log-likelihood of the target tokens.
#pragma once
#include <cstdint>

namespace graft {

// See graft_loss_sft.
double sft_loss(int64_t n, const float *logps, int64_t total, float *weights);

}  // namespace graft
