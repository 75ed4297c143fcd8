// A vocabulary made here, as a GGUF that any llama.cpp loads for its tokenizer.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace graft {

// A byte-pair vocabulary in llama.cpp's terms (tokenizer.ggml.model "gpt2").
struct VocabularySpec {
  std::string name;                     // general.name
  std::string pre;                      // tokenizer.ggml.pre: which pre-tokenizer splits text before merges
  std::vector<std::string> tokens;      // in GPT-2's byte alphabet, special tokens as they are written; all different, none empty
  std::vector<int32_t> types;           // one a token: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused
  std::vector<std::string> merges;      // "left right", first learnt first; left, right and leftright are tokens
  int32_t bos = -1, eos = -1, eot = -1, pad = -1;   // -1: none
  bool add_bos = false;                 // whether a BOS stands before every text
  std::string chat_template;            // empty: none
};

// Checks the vocabulary and writes it as write_tokenizer_gguf does: with a one-layer llama of width 32 whose weights are zero.
// Throws GRAFT_USAGE naming the token or merge that is wrong, GRAFT_IO.
void write_vocabulary(const std::string &path, const VocabularySpec &spec);

}  // namespace graft
