// A model's tokenizer as a GGUF of its own, for a llama.cpp that need not know the model.
#pragma once
#include <string>

#include "gguf.h"

namespace graft {

class GgufWriter;
constexpr int64_t kMaxTokenizerTokens = 1 << 24;

// Checks tokenizer.* and writes it all, with a one-layer llama of width 32 whose weights are zero (18 bytes a token), to `path`.
// llama.cpp reads these keys without looking (a score array of another type, a vocabulary with the same text twice or a byte token of another form
// ends its process), so what it would trip over is refused here: GRAFT_BAD_FILE naming the key. Ids of special tokens are written as u32,
// as llama.cpp wants them; an id of -1 (none) is left out.
void write_tokenizer_gguf(const Gguf &gguf, const std::string &path);

// Only the checks. Returns the number of tokens.
int64_t check_tokenizer(const Gguf &gguf);

// The parts of that one-layer model: its hyperparameters, and its tensors for so many tokens.
void set_tiny_model(GgufWriter &writer, std::string_view name);
void add_tiny_tensors(GgufWriter &writer, int64_t tokens);

}  // namespace graft
