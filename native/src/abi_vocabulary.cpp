// graft.h: vocabularies made by the caller.
#include "abi_guard.h"
#include "vocabulary_file.h"

using namespace graft;

namespace {

// Cuts texts that lie end to end, each closed by a NUL.
std::vector<std::string> split(const char *texts, int64_t bytes, int64_t count, const char *what) {
  if (bytes < 0 || count < 0) fail(GRAFT_USAGE, "%s: a count is negative", what);
  if (bytes > 0) required(texts, what);
  std::vector<std::string> parts;
  int64_t start = 0;
  for (int64_t i = 0; i < bytes; i++) {
    if (texts[i] != 0) continue;
    parts.emplace_back(texts + start, static_cast<size_t>(i - start));
    start = i + 1;
  }
  if (start != bytes) fail(GRAFT_USAGE, "%s: the last text is not closed by a NUL", what);
  if (static_cast<int64_t>(parts.size()) != count) fail(GRAFT_USAGE, "%s: %zu texts, %lld were announced", what, parts.size(), static_cast<long long>(count));
  return parts;
}

}  // namespace

extern "C" {

int32_t graft_write_vocabulary(const char *path, const char *name, const char *pre, int32_t n_tokens, const char *tokens, int64_t token_bytes, const int32_t *types,
                               int32_t n_merges, const char *merges, int64_t merge_bytes, int32_t bos, int32_t eos, int32_t eot, int32_t pad, int32_t add_bos,
                               const char *chat_template, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    VocabularySpec spec;
    spec.name = name == nullptr ? "vocabulary" : name;
    spec.pre = &required(pre, "pre");
    spec.tokens = split(tokens, token_bytes, n_tokens, "tokens");
    if (n_tokens > 0) spec.types.assign(&required(types, "types"), types + n_tokens);
    spec.merges = split(merges, merge_bytes, n_merges, "merges");
    spec.bos = bos, spec.eos = eos, spec.eot = eot, spec.pad = pad;
    spec.add_bos = add_bos != 0;
    if (chat_template != nullptr) spec.chat_template = chat_template;
    write_vocabulary(&required(path, "path"), spec);
  });
}

}  // extern "C"
