#include "vocabulary_file.h"

#include <string_view>
#include <unordered_map>

#include "gguf.h"
#include "gguf_writer.h"
#include "status.h"
#include "tokenizer_file.h"
#include "utf8.h"

namespace graft {

namespace {

using Index = std::unordered_map<std::string_view, size_t>;

std::string shown(std::string_view text) { return "'" + printable(text) + "'"; }

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Index check_tokens(const VocabularySpec &spec) {
  const size_t n = spec.tokens.size();
  if (n == 0 || n > static_cast<size_t>(kMaxTokenizerTokens)) fail(GRAFT_USAGE, "a vocabulary of %zu tokens; 1 to %lld are allowed", n, static_cast<long long>(kMaxTokenizerTokens));
  if (spec.types.size() != n) fail(GRAFT_USAGE, "%zu token types for %zu tokens", spec.types.size(), n);
  Index index;
  index.reserve(n);
  for (size_t i = 0; i < n; i++) {
    const std::string &text = spec.tokens[i];
    if (text.empty()) fail(GRAFT_USAGE, "token %zu has no text", i);
    if (!is_utf8(text)) fail(GRAFT_USAGE, "token %zu, %s, is not UTF-8", i, shown(text).c_str());
    if (spec.types[i] < 1 || spec.types[i] > 5) fail(GRAFT_USAGE, "token %zu, %s, has the type %d; 1 to 5 are allowed", i, shown(text).c_str(), spec.types[i]);
    const auto [other, inserted] = index.emplace(text, i);
    if (!inserted) fail(GRAFT_USAGE, "the text %s is there twice, as tokens %zu and %zu; each token needs a text of its own", shown(text).c_str(), other->second, i);
  }
  return index;
}

void check_merges(const VocabularySpec &spec, const Index &index) {
  for (size_t i = 0; i < spec.merges.size(); i++) {
    const std::string &merge = spec.merges[i];
    const size_t space = merge.find(' ');
    if (space == std::string::npos || space == 0 || space + 1 == merge.size() || merge.find(' ', space + 1) != std::string::npos)
      fail(GRAFT_USAGE, "merge %zu, %s, is not two tokens with a space between", i, shown(merge).c_str());
    const std::string left = merge.substr(0, space), right = merge.substr(space + 1);
    for (const std::string &text : {left, right, left + right})
      if (index.find(text) == index.end()) fail(GRAFT_USAGE, "merge %zu, %s, needs the token %s, which the vocabulary lacks", i, shown(merge).c_str(), shown(text).c_str());
  }
}

void check_id(const VocabularySpec &spec, const char *what, int32_t id) {
  if (id < -1 || id >= static_cast<int64_t>(spec.tokens.size())) fail(GRAFT_USAGE, "%s is %d, but the vocabulary has %zu tokens", what, id, spec.tokens.size());
}

}  // namespace

void write_vocabulary(const std::string &path, const VocabularySpec &spec) {
  if (spec.pre.empty()) fail(GRAFT_USAGE, "pre is empty; name a pre-tokenizer that llama.cpp knows");
  check_merges(spec, check_tokens(spec));
  GgufWriter writer;
  set_tiny_model(writer, spec.name);
  writer.set_string("tokenizer.ggml.model", "gpt2");
  writer.set_string("tokenizer.ggml.pre", spec.pre);
  writer.set_strings("tokenizer.ggml.tokens", spec.tokens);
  writer.set_int32s("tokenizer.ggml.token_type", spec.types);
  writer.set_strings("tokenizer.ggml.merges", spec.merges);
  const struct { const char *name; int32_t id; } ids[] = {{"bos", spec.bos}, {"eos", spec.eos}, {"eot", spec.eot}, {"padding", spec.pad}};
  for (const auto &[name, id] : ids) {
    check_id(spec, name, id);
    if (id >= 0) writer.set_uint32(std::string("tokenizer.ggml.") + name + "_token_id", static_cast<uint32_t>(id));
  }
  if (spec.add_bos && spec.bos < 0) fail(GRAFT_USAGE, "add_bos is set, but there is no bos");
  writer.set_bool("tokenizer.ggml.add_bos_token", spec.add_bos);
  writer.set_bool("tokenizer.ggml.add_eos_token", false);
  if (!spec.chat_template.empty()) writer.set_string("tokenizer.chat_template", spec.chat_template);
  add_tiny_tensors(writer, static_cast<int64_t>(spec.tokens.size()));
  writer.write(path);
  check_tokenizer(*Gguf::open(path));
}

}  // namespace graft
