// Vocabularies made by the caller: what is written, and what is refused.
#include "gguf_testing.h"
#include "random_model.h"
#include "tokenizer_file.h"
#include "vocabulary_file.h"

using namespace gguf_testing;
using graft::Gguf;
using graft::VocabularySpec;

namespace {

VocabularySpec small() {
  VocabularySpec spec;
  spec.name = "small", spec.pre = "llama-bpe";
  spec.tokens = {"<|bos|>", "<|end|>", "<|pad|>", "a", "b", "\xc4\xa0", "ab", "\xc4\xa0" "ab"};
  spec.types = {3, 3, 3, 1, 1, 1, 1, 1};
  spec.merges = {"a b", "\xc4\xa0 ab"};
  spec.bos = 0, spec.eos = 1, spec.eot = 1, spec.pad = 2, spec.add_bos = true;
  spec.chat_template = "{{ x }}";
  return spec;
}

void test_written() {
  const Folder folder;
  const std::string path = folder / "v.gguf";
  graft::write_vocabulary(path, small());
  const auto gguf = Gguf::open(path);
  CHECK(graft::check_tokenizer(*gguf) == 8);
  CHECK(gguf->require_string("general.name") == "small" && gguf->require_string("tokenizer.ggml.model") == "gpt2" && gguf->require_string("tokenizer.ggml.pre") == "llama-bpe");
  const graft::GgufValue &tokens = *gguf->find("tokenizer.ggml.tokens"), &merges = *gguf->find("tokenizer.ggml.merges"), &types = *gguf->find("tokenizer.ggml.token_type");
  CHECK(tokens.count == 8 && gguf->string_item(tokens, "tokens", 7) == "\xc4\xa0" "ab" && types.count == 8 && types.element == graft::GgufType::I32);
  CHECK(merges.count == 2 && gguf->string_item(merges, "merges", 1) == "\xc4\xa0 ab");
  CHECK(gguf->require_int("tokenizer.ggml.bos_token_id") == 0 && gguf->require_int("tokenizer.ggml.eos_token_id") == 1 && gguf->require_int("tokenizer.ggml.eot_token_id") == 1);
  CHECK(gguf->require_int("tokenizer.ggml.padding_token_id") == 2 && gguf->get_bool("tokenizer.ggml.add_bos_token", false) && !gguf->get_bool("tokenizer.ggml.add_eos_token", true));
  CHECK(gguf->require_string("tokenizer.chat_template") == "{{ x }}" && gguf->tensor("token_embd.weight")->shape[1] == 8 && gguf->tensors().size() == 11);

  const std::string first = read_file(path);
  graft::write_vocabulary(path, small());
  CHECK(read_file(path) == first);                       // same vocabulary, same bytes

  graft::write_tokenizer_gguf(*gguf, folder / "copy.gguf");
  CHECK(graft::check_tokenizer(*Gguf::open(folder / "copy.gguf")) == 8);
  graft::RandomModelSpec model;
  model.vocabulary = path;
  graft::write_random_model(folder / "model.gguf", model);
  CHECK(graft::check_tokenizer(*Gguf::open(folder / "model.gguf")) == 8);

  VocabularySpec bare = small();
  bare.bos = bare.eos = bare.eot = bare.pad = -1, bare.add_bos = false, bare.merges.clear(), bare.chat_template.clear();
  graft::write_vocabulary(path, bare);
  const auto without = Gguf::open(path);
  CHECK(!without->has("tokenizer.ggml.bos_token_id") && !without->has("tokenizer.chat_template") && without->find("tokenizer.ggml.merges")->count == 0);
}

void test_refused() {
  const Folder folder;
  const auto refuses = [&](const std::string &fragment, void (*change)(VocabularySpec &)) {
    VocabularySpec spec = small();
    change(spec);
    expect_error(fragment, GRAFT_USAGE, fragment, [&] { graft::write_vocabulary(folder / "v.gguf", spec); });
  };
  refuses("a vocabulary of 0 tokens", [](VocabularySpec &s) { s.tokens.clear(), s.types.clear(); });
  refuses("7 token types for 8 tokens", [](VocabularySpec &s) { s.types.pop_back(); });
  refuses("token 3 has no text", [](VocabularySpec &s) { s.tokens[3].clear(); });
  refuses("is not UTF-8", [](VocabularySpec &s) { s.tokens[3] = "\xff"; });
  refuses("token 4, 'b', has the type 6", [](VocabularySpec &s) { s.types[4] = 6; });
  refuses("the text 'a' is there twice, as tokens 3 and 4", [](VocabularySpec &s) { s.tokens[4] = "a"; });
  refuses("merge 0, 'ab', is not two tokens", [](VocabularySpec &s) { s.merges[0] = "ab"; });
  refuses("merge 0, 'a b c', is not two tokens", [](VocabularySpec &s) { s.merges[0] = "a b c"; });
  refuses("merge 0, ' b', is not two tokens", [](VocabularySpec &s) { s.merges[0] = " b"; });
  refuses("merge 0, 'b a', needs the token 'ba'", [](VocabularySpec &s) { s.merges[0] = "b a"; });
  refuses("merge 0, 'q b', needs the token 'q'", [](VocabularySpec &s) { s.merges[0] = "q b"; });
  refuses("bos is 8, but the vocabulary has 8", [](VocabularySpec &s) { s.bos = 8; });
  refuses("eot is -2", [](VocabularySpec &s) { s.eot = -2; });
  refuses("there is no bos", [](VocabularySpec &s) { s.bos = -1; });
  refuses("pre is empty", [](VocabularySpec &s) { s.pre.clear(); });
  CHECK(folder.entries() == 0);
  expect_error("no folder", GRAFT_IO, "v.gguf", [&] { graft::write_vocabulary(folder / "none/v.gguf", small()); });
}

}  // namespace

int main() {
  run("written", test_written);
  run("refused", test_refused);
  return finish("test_vocabulary_file");
}
