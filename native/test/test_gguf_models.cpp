// Random models (shapes, types, statistics of the weights) and tokenizer files (what is copied, what is refused).
#include <cmath>

#include "gguf_testing.h"
#include "gguf_writer.h"
#include "random_blocks.h"
#include "random_model.h"
#include "tokenizer_file.h"
#include "type_mix.h"

using namespace gguf_testing;
using graft::Gguf;
using graft::GgufWriter;
using graft::RandomModelSpec;
using graft::TypeMix;

namespace {

std::string type_of(const Gguf &gguf, const std::string &name) {
  const graft::GgufTensor *tensor = gguf.tensor(name);
  return tensor == nullptr ? "absent" : gk_type_get(tensor->type)->name;
}

// Mean and deviation of what the blocks dequantize to. With n weights in g groups that share a random scale, the measured deviation is off by
// about sqrt(0.8 / g) / 2 of itself (kurtosis 1.8 of a uniform scale) and the mean by deviation / sqrt(n), plus half precision's rounding of d.
void test_statistics() {
  const int64_t n = 1 << 18;
  for (int32_t type = 0; type < GK_TYPE_LIMIT; type++) {
    if (gk_type_get(type) == nullptr) continue;
    for (const double wanted : {1.0, 1 / std::sqrt(2048.0)}) {
      std::string bytes;
      graft::fill_random(static_cast<gk_type>(type), n, 7, 0, wanted, [&](const void *piece, uint64_t count) { bytes.append(static_cast<const char *>(piece), count); });
      CHECK(static_cast<int64_t>(bytes.size()) == gk_type_bytes(static_cast<gk_type>(type), n));
      std::vector<float> weights(n);
      gk_dequantize_ref(static_cast<gk_type>(type), bytes.data(), weights.data(), n);
      double sum = 0, squares = 0;
      for (const float w : weights) sum += w, squares += double(w) * w;
      const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
      const bool good = std::fabs(deviation / wanted - 1) <= 5 * std::sqrt(0.8 / (n / 16.0)) / 2 + 0x1p-9 && std::fabs(mean) <= 6 * wanted / std::sqrt(n);
      CHECK(good);
      if (!good) std::printf("  %s: wanted deviation %g, got %g, mean %g\n", gk_type_get(type)->name, wanted, deviation, mean);
    }
  }
}

void test_shapes() {
  const Folder folder;
  const std::string path = folder / "m.gguf";
  RandomModelSpec spec;
  spec.layers = 2, spec.width = 64, spec.heads = 4, spec.kv_heads = 2, spec.feed_forward = 96, spec.vocabulary_size = 300;
  for (const char *architecture : {"llama", "qwen2", "qwen3"}) {
    for (const bool tied : {false, true}) {
      spec.architecture = architecture, spec.tied = tied, spec.head_width = spec.architecture == "qwen3" ? 32 : 0;
      graft::write_random_model(path, spec);
      const auto gguf = Gguf::open(path);
      const std::string prefix = spec.architecture + ".";
      const bool two = spec.architecture == "qwen2", three = spec.architecture == "qwen3";
      CHECK(gguf->require_string("general.architecture") == architecture && gguf->require_int(prefix + "block_count") == 2 && gguf->require_int(prefix + "attention.head_count_kv") == 2);
      CHECK(gguf->has(prefix + "attention.key_length") == three && gguf->require_int(prefix + "rope.dimension_count") == (three ? 32 : 16));
      CHECK(gguf->tensors().size() == size_t(2 * (9 + (two ? 3 : 0) + (three ? 2 : 0)) + 2 + (tied ? 0 : 1)));
      CHECK((gguf->tensor("output.weight") == nullptr) == tied && gguf->tensor("token_embd.weight")->shape[1] == 300);
      CHECK(gguf->tensor("blk.1.attn_q.weight")->shape[1] == (three ? 128 : 64) && gguf->tensor("blk.1.attn_v.weight")->shape[1] == (three ? 64 : 32));
      CHECK(gguf->tensor("blk.1.attn_output.weight")->shape[0] == (three ? 128 : 64) && gguf->tensor("blk.0.ffn_down.weight")->shape[0] == 96);
      CHECK((gguf->tensor("blk.0.attn_k.bias") != nullptr) == two && (gguf->tensor("blk.0.attn_k_norm.weight") != nullptr) == three);
      const float *norm = static_cast<const float *>(gguf->tensor("output_norm.weight")->data);
      bool near = true;
      for (int i = 0; i < 64; i++) near = near && std::fabs(norm[i] - 1) <= 0.1 * std::sqrt(3.0) + 1e-6;
      CHECK(near && norm[0] != norm[1]);
      CHECK(graft::check_tokenizer(*gguf) == 300 && gguf->has("tokenizer.chat_template"));
      const std::string first = read_file(path);
      graft::write_random_model(path, spec);
      CHECK(read_file(path) == first);
      spec.seed++;
      graft::write_random_model(path, spec);
      CHECK(read_file(path) != first && read_file(path).size() == first.size());
    }
  }
}

void test_mix() {
  const Folder folder;
  const std::string path = folder / "m.gguf";
  RandomModelSpec spec;
  spec.layers = 16, spec.width = 256, spec.heads = 4, spec.kv_heads = 2, spec.feed_forward = 512, spec.vocabulary_size = 300, spec.mix = "q4_k_m", spec.tied = true;
  graft::write_random_model(path, spec);
  const auto gguf = Gguf::open(path);
  CHECK(type_of(*gguf, "token_embd.weight") == "q6_K" && type_of(*gguf, "blk.3.attn_q.weight") == "q4_K" && type_of(*gguf, "blk.3.ffn_norm.weight") == "f32");
  // Of 16 layers, attn_v and ffn_down are Q6_K in the first two, the last two, and every third between, by llama.cpp's rule.
  std::string high;
  for (int layer = 0; layer < 16; layer++) {
    const std::string block = "blk." + std::to_string(layer);
    CHECK(type_of(*gguf, block + ".attn_v.weight") == type_of(*gguf, block + ".ffn_down.weight"));
    if (type_of(*gguf, block + ".attn_v.weight") == "q6_K") high += std::to_string(layer) + " ";
  }
  CHECK(high == "0 1 4 7 10 13 14 15 ");
  CHECK(gguf->require_int("general.file_type") == 15);
  const TypeMix medium("Q4_K_M"), q2("Q2_K"), q4("q4_0"), f16("F16"), q6("q6_k");
  CHECK(medium.type_of("output.weight", 256, 2, 16, false) == GK_Q6_K && medium.type_of("token_embd.weight", 256, 2, 16, false) == GK_Q4_K);
  CHECK(medium.type_of("output.weight", 96, 2, 16, false) == GK_Q8_0 && medium.type_of("blk.2.attn_q.weight", 96, 2, 16, false) == GK_Q5_0);
  CHECK(medium.type_of("blk.0.attn_v.weight", 96, 2, 16, false) == GK_Q8_0 && medium.type_of("blk.0.attn_v.weight", 40, 2, 16, false) == GK_F16);
  CHECK(medium.type_of("blk.10.attn_v.weight", 8192, 2, 80, false) == GK_Q5_K && q2.type_of("output.weight", 32, 2, 1, false) == GK_IQ4_NL);
  CHECK(q4.type_of("output.weight", 33, 2, 1, false) == GK_F16 && f16.type_of("x", 33, 2, 1, false) == GK_F16 && f16.type_of("x", 33, 1, 1, false) == GK_F32);
  CHECK(q6.type_of("token_embd.weight", 256, 2, 1, true) == GK_Q6_K && TypeMix("bf16").file_type() == 32);
  for (int32_t type = 0; type < GK_TYPE_LIMIT; type++)
    if (gk_type_get(type) != nullptr) CHECK(graft::type_named(gk_type_get(type)->name) == type && TypeMix(gk_type_get(type)->name).file_type() < 1024);
}

void test_model_usage() {
  const Folder folder;
  const auto refuses = [&](const std::string &fragment, void (*change)(RandomModelSpec &)) {
    RandomModelSpec spec;
    change(spec);
    expect_error(fragment, GRAFT_USAGE, fragment, [&] { graft::write_random_model(folder / "m.gguf", spec); });
  };
  refuses("unknown architecture 'gpt9'", [](RandomModelSpec &s) { s.architecture = "gpt9"; });
  refuses("unknown type 'Q9'; there are Q4_K_M, f32", [](RandomModelSpec &s) { s.mix = "Q9"; });
  refuses("layers is 0", [](RandomModelSpec &s) { s.layers = 0; });
  refuses("width is -1", [](RandomModelSpec &s) { s.width = -1; });
  refuses("width (65) is not a multiple of heads", [](RandomModelSpec &s) { s.width = 65; });
  refuses("heads is 0", [](RandomModelSpec &s) { s.heads = 0; });
  refuses("heads (3) is not a multiple of kv_heads (2)", [](RandomModelSpec &s) { s.heads = 3, s.kv_heads = 2, s.head_width = 4; });
  refuses("head_width (33) is odd", [](RandomModelSpec &s) { s.head_width = 33; });
  refuses("feed_forward is 0", [](RandomModelSpec &s) { s.feed_forward = 0; });
  refuses("vocabulary_size is 261; 262 to", [](RandomModelSpec &s) { s.vocabulary_size = 261; });
  refuses("context_length is 0", [](RandomModelSpec &s) { s.context_length = 0; });
  CHECK(folder.entries() == 0);
}

// A small good tokenizer; each test changes one key (an empty payload removes it) or adds one.
struct Key { std::string name; uint32_t type; std::string payload; };
std::string tokenizer(const Key &change = {"", 0, ""}) {
  std::string tokens, scores, types;
  const char *texts[] = {"<unk>", "<s>", "", "<0x0A>", "b"};
  for (const char *text : texts) tokens += str(text);
  for (int i = 0; i < 5; i++) scores += raw(-1.0f * static_cast<float>(i)), types += u32(i == 3 ? 6 : 1);
  std::vector<Key> keys = {{"general.architecture", kStr, str("gemma3n")}, {"general.name", kStr, str("odd")}, {"tokenizer.ggml.model", kStr, str("llama")},
                           {"tokenizer.ggml.pre", kStr, str("default")}, {"tokenizer.ggml.tokens", kArr, array(kStr, 5, tokens)}, {"tokenizer.ggml.scores", kArr, array(kF32, 5, scores)},
                           {"tokenizer.ggml.token_type", kArr, array(kI32, 5, types)}, {"tokenizer.ggml.bos_token_id", kI32, u32(1)}, {"tokenizer.ggml.padding_token_id", kU32, u32(~0u)},
                           {"tokenizer.ggml.add_bos_token", kBool, "\1"}, {"tokenizer.chat_template", kStr, str("{{ x }}")}, {"tokenizer.anything.else", kU8, "x"}};
  bool found = change.name.empty();
  for (Key &key : keys)
    if (key.name == change.name) key = change, found = true;
  if (!found) keys.push_back(change);
  std::vector<std::string> encoded;
  for (const Key &key : keys)
    if (!key.payload.empty()) encoded.push_back(kv(key.name, key.type, key.payload));
  return file(encoded, {}, "");
}

void test_tokenizer_file() {
  const Folder folder;
  const std::string from = folder / "from.gguf", to = folder / "to.gguf";
  write_file(from, tokenizer());
  const auto source = Gguf::open(from);
  graft::write_tokenizer_gguf(*source, to);
  const auto written = Gguf::open(to);
  CHECK(written->require_string("general.architecture") == "llama" && written->require_int("llama.embedding_length") == 32);
  for (const auto &[key, value] : source->metadata()) {
    if (key.substr(0, 10) != "tokenizer." || key.find("_token_id") != std::string::npos) continue;
    const graft::GgufValue *copy = written->find(key);
    CHECK(copy != nullptr && copy->type == value.type && copy->element == value.element && copy->bytes == value.bytes && std::memcmp(copy->data, value.data, value.bytes) == 0);
  }
  CHECK(written->find("tokenizer.ggml.bos_token_id")->type == graft::GgufType::U32 && written->require_int("tokenizer.ggml.bos_token_id") == 1 && !written->has("tokenizer.ggml.padding_token_id"));
  CHECK(written->tensor("token_embd.weight")->shape[1] == 5 && written->tensors().size() == 11);
  CHECK(*static_cast<const float *>(written->tensor("output_norm.weight")->data) == 1.0f);

  RandomModelSpec spec;
  spec.vocabulary = from;
  graft::write_random_model(folder / "model.gguf", spec);
  CHECK(Gguf::open(folder / "model.gguf")->tensor("output.weight")->shape[1] == 5 && graft::check_tokenizer(*Gguf::open(folder / "model.gguf")) == 5);

  const auto refuses = [&](const Key &change, const std::string &fragment) {
    write_file(from, tokenizer(change));
    expect_error(change.name, GRAFT_BAD_FILE, fragment, [&] { graft::write_tokenizer_gguf(*Gguf::open(from), folder / "never.gguf"); });
  };
  const std::string t = "tokenizer.ggml.";
  refuses({t + "model", kU8, ""}, "'tokenizer.ggml.model' is missing");
  refuses({t + "model", kU32, u32(1)}, "'tokenizer.ggml.model' is u32, expected str");
  refuses({t + "model", kStr, str("gpt2")}, "'tokenizer.ggml.merges' is missing");
  refuses({t + "pre", kBool, "\1"}, "'tokenizer.ggml.pre' is bool, expected str");
  refuses({t + "tokens", kU8, ""}, "'tokenizer.ggml.tokens' is missing: the file carries no tokenizer");
  refuses({t + "tokens", kStr, str("a")}, "'tokenizer.ggml.tokens' is str, expected an array of str");
  refuses({t + "tokens", kArr, array(kI32, 1, u32(1))}, "'tokenizer.ggml.tokens' is an array of i32, expected an array of str");
  refuses({t + "tokens", kArr, array(kStr, 0, "")}, "'tokenizer.ggml.tokens' has 0 items");
  refuses({t + "tokens", kArr, array(kStr, 5, str("a") + str("b") + str("c") + str("<0x0A>") + str("b"))}, "has the text 'b' twice, as tokens 1 and 4");
  refuses({t + "tokens", kArr, array(kStr, 5, str("a") + str("b") + str("c") + str("nl") + str("d"))}, "has byte token 3 'nl', expected the form");
  refuses({t + "scores", kArr, array(kF64, 5, std::string(40, '\0'))}, "'tokenizer.ggml.scores' is an array of f64, expected an array of f32");
  refuses({t + "scores", kArr, array(kStr, 1, str(""))}, "'tokenizer.ggml.scores' is an array of str");
  refuses({t + "scores", kArr, array(kF32, 4, std::string(16, '\0'))}, "'tokenizer.ggml.scores' has 4 items for 5 tokens");
  refuses({t + "token_type", kArr, array(kU8, 5, "aaaaa")}, "'tokenizer.ggml.token_type' is an array of u8");
  refuses({t + "token_type", kArr, array(kI32, 6, std::string(24, '\1'))}, "has 6 items for 5 tokens");
  refuses({t + "merges", kArr, array(kU8, 1, "a")}, "'tokenizer.ggml.merges' is an array of u8");
  refuses({t + "merges", kStr, str("a b")}, "'tokenizer.ggml.merges' is str");
  refuses({t + "bos_token_id", kU32, u32(5)}, "'tokenizer.ggml.bos_token_id' is 5, but the vocabulary has 5 tokens");
  refuses({t + "eos_token_id", kI32, raw<int32_t>(-2)}, "is -2, but the vocabulary has 5 tokens");
  refuses({t + "eos_token_id", kStr, str("2")}, "'tokenizer.ggml.eos_token_id' is str, expected an integer");
  refuses({t + "fim_pre_token_id", kU64, u64(1ull << 40)}, "'tokenizer.ggml.fim_pre_token_id' is 1099511627776");
  refuses({t + "add_bos_token", kU8, "\1"}, "'tokenizer.ggml.add_bos_token' is u8, expected bool");
  refuses({t + "token_type_count", kI32, u32(1)}, "expected u32");
  refuses({t + "precompiled_charsmap", kStr, str("x")}, "is not an array of i8 or u8");
  refuses({"tokenizer.chat_template", kArr, array(kStr, 1, str("x"))}, "'tokenizer.chat_template' is arr, expected str");
  CHECK(folder.entries() == 3);
}

}  // namespace

int main() {
  run("test_statistics", test_statistics);
  run("test_shapes", test_shapes);
  run("test_mix", test_mix);
  run("test_model_usage", test_model_usage);
  run("test_tokenizer_file", test_tokenizer_file);
  return finish("test_gguf_models");
}
