// Draws one token from logits.
#pragma once
#include <cstdint>

namespace graft {

struct SamplerOptions {
  float temperature;  // 0: greedy
  int32_t top_k;      // 0: off
  float top_p;        // 1: off (Holtzman et al. 2020)
  float min_p;        // 0: off (Nguyen et al. 2024)
  double random;      // in [0,1)
};

// logits [v], host. *logp: under the untempered softmax. Ties go to the lowest id. Throws GRAFT_NOT_FINITE when no logit is a number.
int32_t sample_token(const float *logits, int32_t v, const SamplerOptions &options, float *logp);

}  // namespace graft
