// Models with random weights, for benches and tests, or to be pretrained.
#pragma once
#include <cstdint>
#include <string>

namespace graft {

struct RandomModelSpec {
  std::string architecture = "llama";   // llama, qwen2 (adds biases), qwen3 (adds norms of q and k)
  int32_t layers = 1, width = 64, heads = 2, kv_heads = 1;
  int32_t head_width = 0;               // 0: width / heads
  int32_t feed_forward = 128, context_length = 2048;
  int32_t vocabulary_size = 512;        // ignored when `vocabulary` is given
  bool tied = false;                    // no output matrix: the embedding serves
  std::string mix = "F32";              // see TypeMix
  std::string vocabulary;               // a GGUF whose tokenizer.* is copied; empty: see below
  int64_t seed = 0;
  float deviation = 0;                  // 0: for benches and tests; else of the matrices of a model to be pretrained
  float rope_base = 0;                  // 0: the architecture's own
  std::string name;                     // general.name
};

// Writes the model, whole or not at all, in bounded memory. For benches and tests, matrices have deviation 1/sqrt(row), so activations and logits stay of order 1;
// norms lie near 1, biases near 0. To be pretrained, norms are 1, biases 0, matrices uniform around 0 with the deviation given, those that end in the residual
// stream (attn_output, ffn_down) divided by sqrt(2 layers) (Radford et al. 2019). The same spec gives the same bytes.
//
// Its own vocabulary, when none is given, is SentencePiece-like: <unk> <s> </s>, 256 byte tokens, <|im_start|> <|im_end|>, the space, then filler
// "t0", "t1", ...; any text becomes bytes. With it comes a ChatML template.
// Throws GRAFT_USAGE (a size out of range or not fitting another), GRAFT_BAD_FILE (the vocabulary), GRAFT_IO.
void write_random_model(const std::string &path, const RandomModelSpec &spec);

}  // namespace graft
