// Draws one token from logits.
#pragma once
#include <cstdint>

namespace graft {

// See graft_generator_sample.
struct SamplerOptions {
  float temperature = 0;         // 0: greedy
  int32_t top_k = 0;             // 0: off
  float top_p = 1;               // 1: off (Holtzman et al. 2020)
  float min_p = 0;               // 0: off (Nguyen et al. 2024)
  float repetition_penalty = 1;  // 1: off (Keskar et al. 2019)
  float presence_penalty = 0, frequency_penalty = 0;
  int32_t n_bias = 0;
  const int32_t *bias_ids = nullptr;
  const float *biases = nullptr;
  const uint64_t *mask = nullptr;  // bit i % 64 of word i / 64: token i may come, none beyond the words; NULL: all may
  int64_t mask_words = 0;
};

// Tokens before the one to be drawn; the answer's are those from `prompt` on.
struct TokenHistory {
  const int32_t *tokens = nullptr;
  int64_t prompt = 0, count = 0;
};

// Throws GRAFT_USAGE naming what is out of its range.
void check_sampler(const SamplerOptions &options, int32_t vocabulary);
// logits [v], host; random in [0,1). Ties go to the lowest id. Throws GRAFT_NOT_FINITE when a logit is not a number, or none that may come is finite.
int32_t sample_token(const float *logits, int32_t v, const SamplerOptions &options, const TokenHistory &history, double random);
// Natural log-probabilities under softmax(logits): of a token, and of the n likeliest, likeliest first.
float log_probability(const float *logits, int32_t v, int32_t token, int32_t n, int32_t *top_ids, float *top_logps);

}  // namespace graft
