#include "random_model.h"

#include <cmath>

#include "gguf_writer.h"
#include "random_blocks.h"
#include "status.h"
#include "tokenizer_file.h"
#include "type_mix.h"

namespace graft {

namespace {

// One row for each architecture.
struct Architecture {
  const char *name;
  bool biases, head_norms;
  float rms_epsilon, rope_base;
};
constexpr Architecture kArchitectures[] = {
    {"llama", false, false, 1e-5f, 500000.0f},
    {"qwen2", true, false, 1e-6f, 1000000.0f},
    {"qwen3", false, true, 1e-6f, 1000000.0f},
};

constexpr int32_t kUnknown = 0, kBegin = 1, kEnd = 2, kBytes = 3, kTurnStart = kBytes + 256, kTurnEnd = kTurnStart + 1, kSpace = kTurnEnd + 1, kFiller = kSpace + 1;
constexpr const char *kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

const Architecture &architecture_named(const std::string &name) {
  for (const Architecture &architecture : kArchitectures)
    if (name == architecture.name) return architecture;
  fail(GRAFT_USAGE, "unknown architecture '%.40s'; there are llama, qwen2 and qwen3", name.c_str());
}

void require_range(const char *what, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high) fail(GRAFT_USAGE, "%s is %lld; %lld to %lld are allowed", what, static_cast<long long>(value), static_cast<long long>(low), static_cast<long long>(high));
}

int32_t checked_head_width(const RandomModelSpec &spec) {
  constexpr int32_t most = 1 << 20;
  require_range("layers", spec.layers, 1, 1000);
  require_range("width", spec.width, 1, most);
  require_range("heads", spec.heads, 1, 4096);
  require_range("kv_heads", spec.kv_heads, 1, spec.heads);
  require_range("feed_forward", spec.feed_forward, 1, most);
  require_range("context_length", spec.context_length, 1, 1 << 30);
  if (spec.heads % spec.kv_heads != 0) fail(GRAFT_USAGE, "heads (%d) is not a multiple of kv_heads (%d)", spec.heads, spec.kv_heads);
  if (spec.head_width == 0 && spec.width % spec.heads != 0) fail(GRAFT_USAGE, "width (%d) is not a multiple of heads (%d); give a head width", spec.width, spec.heads);
  const int32_t head_width = spec.head_width == 0 ? spec.width / spec.heads : spec.head_width;
  require_range("head_width", head_width, 2, 4096);
  if (head_width % 2 != 0) fail(GRAFT_USAGE, "head_width (%d) is odd; rotation needs pairs", head_width);
  return head_width;
}

// token_type: llama.cpp's numbers, 1 normal, 2 unknown, 3 control, 6 byte.
void set_own_vocabulary(GgufWriter &writer, int32_t size) {
  require_range("vocabulary_size", size, kFiller, 1 << 24);
  const size_t n = static_cast<size_t>(size);
  std::vector<std::string> tokens(n);
  std::vector<float> scores(n, 0.0f);
  std::vector<int32_t> types(n, 1);
  const auto set = [&](int32_t id, const char *text, int32_t type) {
    tokens[static_cast<size_t>(id)] = text;
    types[static_cast<size_t>(id)] = type;
  };
  set(kUnknown, "<unk>", 2);
  set(kBegin, "<s>", 3);
  set(kEnd, "</s>", 3);
  for (int32_t byte = 0; byte < 256; byte++) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
    set(kBytes + byte, text, 6);
  }
  set(kTurnStart, "<|im_start|>", 3);
  set(kTurnEnd, "<|im_end|>", 3);
  set(kSpace, "\xe2\x96\x81", 1);                       // U+2581, SentencePiece's space
  for (int32_t id = kFiller; id < size; id++) {
    tokens[static_cast<size_t>(id)] = "t" + std::to_string(id - kFiller);
    scores[static_cast<size_t>(id)] = static_cast<float>(kFiller - id);
  }
  writer.set_string("tokenizer.ggml.model", "llama");
  writer.set_string("tokenizer.ggml.pre", "default");
  writer.set_strings("tokenizer.ggml.tokens", tokens);
  writer.set_floats("tokenizer.ggml.scores", scores);
  writer.set_int32s("tokenizer.ggml.token_type", types);
  writer.set_uint32("tokenizer.ggml.bos_token_id", kBegin);
  writer.set_uint32("tokenizer.ggml.eos_token_id", kEnd);
  writer.set_uint32("tokenizer.ggml.eot_token_id", kTurnEnd);
  writer.set_uint32("tokenizer.ggml.unknown_token_id", kUnknown);
  writer.set_bool("tokenizer.ggml.add_bos_token", true);
  writer.set_bool("tokenizer.ggml.add_eos_token", false);
  writer.set_bool("tokenizer.ggml.add_space_prefix", false);
  writer.set_string("tokenizer.chat_template", kChatTemplate);
}

// Returns the number of tokens.
int64_t set_vocabulary(GgufWriter &writer, const RandomModelSpec &spec) {
  if (spec.vocabulary.empty()) {
    set_own_vocabulary(writer, spec.vocabulary_size);
    return spec.vocabulary_size;
  }
  const std::unique_ptr<Gguf> source = Gguf::open(spec.vocabulary);
  const int64_t tokens = check_tokenizer(*source);
  for (const auto &[key, value] : source->metadata())
    if (key.compare(0, 10, "tokenizer.") == 0) writer.copy(key, value);
  return tokens;
}

void set_hyperparameters(GgufWriter &writer, const RandomModelSpec &spec, const Architecture &architecture, int32_t head_width, int64_t vocabulary) {
  const std::string prefix = spec.architecture + ".";
  writer.set_uint32(prefix + "block_count", static_cast<uint32_t>(spec.layers));
  writer.set_uint32(prefix + "context_length", static_cast<uint32_t>(spec.context_length));
  writer.set_uint32(prefix + "embedding_length", static_cast<uint32_t>(spec.width));
  writer.set_uint32(prefix + "feed_forward_length", static_cast<uint32_t>(spec.feed_forward));
  writer.set_uint32(prefix + "attention.head_count", static_cast<uint32_t>(spec.heads));
  writer.set_uint32(prefix + "attention.head_count_kv", static_cast<uint32_t>(spec.kv_heads));
  writer.set_float(prefix + "attention.layer_norm_rms_epsilon", architecture.rms_epsilon);
  writer.set_float(prefix + "rope.freq_base", spec.rope_base > 0 ? spec.rope_base : architecture.rope_base);
  writer.set_uint32(prefix + "rope.dimension_count", static_cast<uint32_t>(head_width));
  writer.set_uint32(prefix + "vocab_size", static_cast<uint32_t>(vocabulary));
  if (architecture.head_norms || spec.heads * head_width != spec.width) {
    writer.set_uint32(prefix + "attention.key_length", static_cast<uint32_t>(head_width));
    writer.set_uint32(prefix + "attention.value_length", static_cast<uint32_t>(head_width));
  }
}

class TensorList {
 public:
  TensorList(GgufWriter &writer, const RandomModelSpec &spec) : writer_(writer), spec_(spec), mix_(spec.mix) {}
  uint32_t file_type() const { return mix_.file_type(); }
  void matrix(const std::string &name, int64_t row, int64_t rows) { add(name, {row, rows}, 0, initial() ? spec_.deviation : 1 / std::sqrt(static_cast<double>(row))); }
  // A matrix whose product is added to the residual stream.
  void residual(const std::string &name, int64_t row, int64_t rows) {
    if (initial()) add(name, {row, rows}, 0, spec_.deviation / std::sqrt(2.0 * spec_.layers));
    else matrix(name, row, rows);
  }
  void norm(const std::string &name, int64_t width) { add(name, {width}, 1, initial() ? 0 : 0.1); }
  void bias(const std::string &name, int64_t width) { add(name, {width}, 0, initial() ? 0 : 0.1); }

 private:
  bool initial() const { return spec_.deviation > 0; }
  void add(const std::string &name, const std::vector<int64_t> &shape, double mean, double deviation) {
    const int32_t dimensions = static_cast<int32_t>(shape.size());
    const gk_type type = mix_.type_of(name, shape[0], dimensions, spec_.layers, spec_.tied);
    const int64_t elements = dimensions == 1 ? shape[0] : shape[0] * shape[1];
    const uint64_t seed = seed_of(spec_.seed, name);
    writer_.add_tensor(name, type, shape, [=](const GgufWriter::Sink &sink) { fill_random(type, elements, seed, mean, deviation, sink); });
  }

  GgufWriter &writer_;
  const RandomModelSpec &spec_;
  TypeMix mix_;
};

void add_layer(TensorList &tensors, const RandomModelSpec &spec, const Architecture &architecture, int64_t head_width, int32_t layer) {
  const std::string block = "blk." + std::to_string(layer) + ".";
  const int64_t queries = spec.heads * head_width, keys = spec.kv_heads * head_width;
  tensors.norm(block + "attn_norm.weight", spec.width);
  tensors.matrix(block + "attn_q.weight", spec.width, queries);
  tensors.matrix(block + "attn_k.weight", spec.width, keys);
  tensors.matrix(block + "attn_v.weight", spec.width, keys);
  if (architecture.biases) {
    tensors.bias(block + "attn_q.bias", queries);
    tensors.bias(block + "attn_k.bias", keys);
    tensors.bias(block + "attn_v.bias", keys);
  }
  if (architecture.head_norms) {
    tensors.norm(block + "attn_q_norm.weight", head_width);
    tensors.norm(block + "attn_k_norm.weight", head_width);
  }
  tensors.residual(block + "attn_output.weight", queries, spec.width);
  tensors.norm(block + "ffn_norm.weight", spec.width);
  tensors.matrix(block + "ffn_gate.weight", spec.width, spec.feed_forward);
  tensors.matrix(block + "ffn_up.weight", spec.width, spec.feed_forward);
  tensors.residual(block + "ffn_down.weight", spec.feed_forward, spec.width);
}

}  // namespace

void write_random_model(const std::string &path, const RandomModelSpec &spec) {
  const Architecture &architecture = architecture_named(spec.architecture);
  const int32_t head_width = checked_head_width(spec);
  if (!(spec.deviation >= 0 && spec.deviation <= 1)) fail(GRAFT_USAGE, "a deviation of %g for the weights is out of range; about 0.02 is usual", double(spec.deviation));
  if (!(spec.rope_base >= 0) || !std::isfinite(spec.rope_base)) fail(GRAFT_USAGE, "a rope base of %g is out of range; 10000 is usual", double(spec.rope_base));
  GgufWriter writer;
  TensorList tensors(writer, spec);
  writer.set_string("general.architecture", spec.architecture);
  writer.set_string("general.name", spec.name.empty() ? "random " + spec.architecture : spec.name);
  writer.set_uint32("general.file_type", tensors.file_type());
  writer.set_uint32("general.quantization_version", 2);
  const int64_t vocabulary = set_vocabulary(writer, spec);
  set_hyperparameters(writer, spec, architecture, head_width, vocabulary);
  tensors.matrix("token_embd.weight", spec.width, vocabulary);
  for (int32_t layer = 0; layer < spec.layers; layer++) add_layer(tensors, spec, architecture, head_width, layer);
  tensors.norm("output_norm.weight", spec.width);
  if (!spec.tied) tensors.matrix("output.weight", spec.width, vocabulary);
  writer.write(path);
}

}  // namespace graft
