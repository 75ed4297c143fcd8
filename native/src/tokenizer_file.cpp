#include "tokenizer_file.h"

#include <cstring>
#include <unordered_map>

#include "gguf_writer.h"

namespace graft {

namespace {

constexpr int64_t kWidth = 32;                      // one block of Q4_0, the smallest model llama.cpp takes

[[noreturn]] void bad(const Gguf &gguf, std::string_view key, const std::string &why) {
  throw Error{GRAFT_BAD_FILE, printable(gguf.path(), 4096) + ": metadata key '" + printable(key) + "' " + why};
}

bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }
bool ends_with(std::string_view text, std::string_view with) { return text.size() >= with.size() && text.substr(text.size() - with.size()) == with; }

const GgufValue &require_array(const Gguf &gguf, std::string_view key, GgufType element) {
  const GgufValue *value = gguf.find(key);
  if (value == nullptr) bad(gguf, key, "is missing: the file carries no tokenizer");
  if (value->type != GgufType::Array) bad(gguf, key, std::string("is ") + name_of(value->type) + ", expected an array of " + name_of(element));
  if (value->element != element) bad(gguf, key, std::string("is an array of ") + name_of(value->element) + ", expected an array of " + name_of(element));
  return *value;
}

// The type of each token, or NULL when the file has none.
const uint8_t *check_per_token(const Gguf &gguf, std::string_view key, GgufType element, uint64_t tokens) {
  if (!gguf.has(key)) return nullptr;
  const GgufValue &value = require_array(gguf, key, element);
  if (value.count != tokens) bad(gguf, key, "has " + std::to_string(value.count) + " items for " + std::to_string(tokens) + " tokens");
  return value.data;
}

bool is_byte_text(std::string_view text) {
  const auto hex = [&](size_t i) { return std::strchr("0123456789ABCDEFabcdef", text[i]) != nullptr && text[i] != '\0'; };
  return text.size() == 6 && starts_with(text, "<0x") && hex(3) && hex(4) && text[5] == '>';
}

void check_tokens(const Gguf &gguf, const GgufValue &tokens, const uint8_t *types) {
  constexpr std::string_view key = "tokenizer.ggml.tokens";
  const std::string model = gguf.require_string("tokenizer.ggml.model");
  const bool byte_fallback = model == "llama" || model == "t5";
  std::unordered_map<std::string_view, uint64_t> seen;
  seen.reserve(static_cast<size_t>(tokens.count));      // each took at least 8 bytes of the file
  const uint8_t *at = tokens.data;
  for (uint64_t i = 0; i < tokens.count; i++) {
    uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    const std::string_view text(reinterpret_cast<const char *>(at + 8), static_cast<size_t>(bytes));
    at += 8 + bytes;
    int32_t type = 0;
    if (types != nullptr) std::memcpy(&type, types + 4 * i, 4);
    if (byte_fallback && type == 6 && !is_byte_text(text)) bad(gguf, key, "has byte token " + std::to_string(i) + " '" + printable(text) + "', expected the form '<0x0A>'");
    if (text.empty()) continue;                         // llama.cpp numbers these itself
    const auto [other, inserted] = seen.emplace(text, i);
    if (!inserted) bad(gguf, key, "has the text '" + printable(text) + "' twice, as tokens " + std::to_string(other->second) + " and " + std::to_string(i) + "; llama.cpp cannot load such a vocabulary");
  }
}

bool is_id_key(std::string_view key) { return ends_with(key, "_token_id"); }

// Keys that llama.cpp reads with a fixed type.
void check_plain_key(const Gguf &gguf, const std::string &key, const GgufValue &value, int64_t tokens) {
  const auto want = [&](GgufType type) {
    if (value.type != type) bad(gguf, key, std::string("is ") + name_of(value.type) + ", expected " + name_of(type));
  };
  if (is_id_key(key)) {
    const int64_t id = gguf.require_int(key);
    if (id != -1 && id != 0xffffffff && (id < 0 || id >= tokens)) bad(gguf, key, "is " + std::to_string(id) + ", but the vocabulary has " + std::to_string(tokens) + " tokens");
  } else if (key == "tokenizer.ggml.pre" || key == "tokenizer.chat_template" || starts_with(key, "tokenizer.chat_template.")) {
    want(GgufType::String);
  } else if (starts_with(key, "tokenizer.ggml.add_") || key == "tokenizer.ggml.remove_extra_whitespaces") {
    want(GgufType::Bool);
  } else if (key == "tokenizer.ggml.token_type_count") {
    want(GgufType::U32);
  } else if (key == "tokenizer.ggml.merges" || key == "tokenizer.chat_templates") {
    require_array(gguf, key, GgufType::String);
  } else if (key == "tokenizer.ggml.precompiled_charsmap") {
    if (value.type != GgufType::Array || (value.element != GgufType::I8 && value.element != GgufType::U8)) bad(gguf, key, "is not an array of i8 or u8");
  }
}

void add_zero_tensor(GgufWriter &writer, std::string_view name, gk_type type, std::vector<int64_t> shape, float value = 0) {
  int64_t elements = 1;
  for (const int64_t extent : shape) elements *= extent;
  writer.add_tensor(name, type, shape, [=](const GgufWriter::Sink &sink) {
    const std::vector<float> piece(static_cast<size_t>(16384), value);                 // as bytes, zeros are a valid block of any type
    for (uint64_t left = static_cast<uint64_t>(gk_type_bytes(type, elements)); left > 0;) {
      const uint64_t now = left < piece.size() * 4 ? left : piece.size() * 4;
      sink(piece.data(), now);
      left -= now;
    }
  });
}

}  // namespace

void set_tiny_model(GgufWriter &writer, std::string_view name) {
  writer.set_string("general.architecture", "llama");
  writer.set_string("general.name", name);
  writer.set_uint32("llama.block_count", 1);
  writer.set_uint32("llama.context_length", 512);
  writer.set_uint32("llama.embedding_length", kWidth);
  writer.set_uint32("llama.feed_forward_length", kWidth);
  writer.set_uint32("llama.attention.head_count", 1);
  writer.set_uint32("llama.attention.head_count_kv", 1);
  writer.set_uint32("llama.rope.dimension_count", kWidth);
  writer.set_float("llama.attention.layer_norm_rms_epsilon", 1e-5f);
}

void add_tiny_tensors(GgufWriter &writer, int64_t tokens) {
  add_zero_tensor(writer, "token_embd.weight", GK_Q4_0, {kWidth, tokens});
  for (const char *norm : {"blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"}) add_zero_tensor(writer, norm, GK_F32, {kWidth}, 1);
  for (const char *name : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"})
    add_zero_tensor(writer, std::string("blk.0.") + name + ".weight", GK_F32, {kWidth, kWidth});
}

int64_t check_tokenizer(const Gguf &gguf) {
  const GgufValue &tokens = require_array(gguf, "tokenizer.ggml.tokens", GgufType::String);
  if (tokens.count == 0 || tokens.count > kMaxTokenizerTokens) bad(gguf, "tokenizer.ggml.tokens", "has " + std::to_string(tokens.count) + " items; 1 to " + std::to_string(kMaxTokenizerTokens) + " are allowed");
  check_per_token(gguf, "tokenizer.ggml.scores", GgufType::F32, tokens.count);
  const uint8_t *types = check_per_token(gguf, "tokenizer.ggml.token_type", GgufType::I32, tokens.count);
  for (const auto &[key, value] : gguf.metadata())
    if (starts_with(key, "tokenizer.")) check_plain_key(gguf, key, value, static_cast<int64_t>(tokens.count));
  if (gguf.require_string("tokenizer.ggml.model") == "gpt2") require_array(gguf, "tokenizer.ggml.merges", GgufType::String);
  check_tokens(gguf, tokens, types);
  return static_cast<int64_t>(tokens.count);
}

void write_tokenizer_gguf(const Gguf &gguf, const std::string &path) {
  const int64_t tokens = check_tokenizer(gguf);
  GgufWriter writer;
  set_tiny_model(writer, "tokenizer of " + gguf.get_string("general.name", "a model"));
  for (const auto &[key, value] : gguf.metadata()) {
    if (!starts_with(key, "tokenizer.")) continue;
    if (!is_id_key(key)) {
      writer.copy(key, value);
    } else if (const int64_t id = gguf.require_int(key); id >= 0 && id < tokens) {
      writer.set_uint32(key, static_cast<uint32_t>(id));
    }
  }
  add_tiny_tensors(writer, tokens);
  writer.write(path);
}

}  // namespace graft
