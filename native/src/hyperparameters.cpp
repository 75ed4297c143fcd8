#include "hyperparameters.h"

#include <cmath>
#include <cstring>

namespace graft {
namespace {

class Reader {
 public:
  Reader(const Gguf &file, std::string architecture) : file_(file), prefix_(std::move(architecture) + ".") {}

  int32_t positive(const char *key, int64_t limit) const { return bounded(key, file_.require_int(prefix_ + key), limit); }
  int32_t positive_or(const char *key, int64_t otherwise, int64_t limit) const {
    return bounded(key, file_.get_int(prefix_ + key, otherwise), limit);
  }
  // Head counts may be one number or one for each layer; layers of different shapes are not supported.
  int32_t per_layer(const char *key, int64_t otherwise, int32_t layers, int64_t limit) const {
    const std::string full = prefix_ + key;
    const GgufValue *value = file_.find(full);
    if (!value || value->type != GgufType::Array) return positive_or(key, otherwise, limit);
    if ((value->element != GgufType::I32 && value->element != GgufType::U32) || value->count != uint64_t(layers))
      fail(GRAFT_BAD_FILE, "%s: %s is an array of the wrong type or length", file_.path().c_str(), full.c_str());
    int32_t first = 0;
    for (int32_t i = 0; i < layers; i++) {
      int32_t item;
      std::memcpy(&item, value->data + 4 * size_t(i), 4);
      if (i == 0) first = item;
      if (item != first)
        fail(GRAFT_BAD_FILE, "%s: %s differs from layer to layer, which is not supported", file_.path().c_str(), full.c_str());
    }
    return bounded(key, first, limit);
  }
  double number(const char *key, double otherwise) const { return file_.get_float(prefix_ + key, otherwise); }
  int64_t integer(const char *key, int64_t otherwise) const { return file_.get_int(prefix_ + key, otherwise); }
  std::string text(const char *key, const char *otherwise) const { return file_.get_string(prefix_ + key, otherwise); }
  bool has(const char *key) const { return file_.has(prefix_ + key); }
  std::string full(const char *key) const { return prefix_ + key; }

 private:
  int32_t bounded(const char *key, int64_t value, int64_t limit) const {
    if (value < 1 || value > limit)
      fail(GRAFT_BAD_FILE, "%s: %s%s is %lld; expected 1 to %lld", file_.path().c_str(), prefix_.c_str(), key, (long long)value, (long long)limit);
    return int32_t(value);
  }
  const Gguf &file_;
  std::string prefix_;
};

void read_rope(const Gguf &file, const Reader &reader, Hyperparameters *hyper) {
  const char *path = file.path().c_str();
  hyper->rope_layout = hyper->architecture == "llama" ? GK_ROPE_NORM : GK_ROPE_NEOX;
  hyper->rotary = reader.positive_or("rope.dimension_count", hyper->head_width, hyper->head_width);
  if (hyper->rotary % 2 || (hyper->architecture == "llama" && hyper->rotary != hyper->head_width))
    fail(GRAFT_BAD_FILE, "%s: %s is %d; expected %d, the width of a head", path, reader.full("rope.dimension_count").c_str(), hyper->rotary, hyper->head_width);
  const double base = reader.number("rope.freq_base", 10000.0);
  if (!(base > 0) || !std::isfinite(base)) fail(GRAFT_BAD_FILE, "%s: %s is %g; expected a positive number", path, reader.full("rope.freq_base").c_str(), base);

  const std::string scaling = reader.text("rope.scaling.type", "linear");  // llama.cpp's default when a factor alone is given
  double factor = reader.number("rope.scaling.factor", 0.0);
  if (factor == 0) factor = reader.number("rope.scale_linear", 0.0);
  if (scaling == "none") factor = 1;
  else if (scaling != "linear")
    fail(GRAFT_BAD_FILE, "%s: rope scaling \"%s\" is not supported (none, linear and rope_freqs are)", path, scaling.c_str());
  if (factor == 0) factor = 1;
  if (!(factor > 0) || !std::isfinite(factor)) fail(GRAFT_BAD_FILE, "%s: %s is %g; expected a positive number", path, reader.full("rope.scaling.factor").c_str(), factor);
  const double magnitude = reader.number("rope.scaling.attn_factor", 1.0);
  if (!(magnitude > 0) || !std::isfinite(magnitude)) fail(GRAFT_BAD_FILE, "%s: %s is %g; expected a positive number", path, reader.full("rope.scaling.attn_factor").c_str(), magnitude);
  hyper->rope_magnitude = float(magnitude);

  hyper->inv_freq.resize(size_t(hyper->rotary / 2));
  for (int32_t i = 0; i < hyper->rotary / 2; i++)
    hyper->inv_freq[size_t(i)] = float(std::pow(base, -2.0 * i / hyper->rotary) / factor);
}

}  // namespace

Hyperparameters read_hyperparameters(const Gguf &file, std::vector<std::string> *notes) {
  const char *path = file.path().c_str();
  Hyperparameters hyper;
  const std::string kind = file.get_string("general.type", "model");
  if (kind == "adapter") fail(GRAFT_BAD_FILE, "%s is a LoRA adapter, not a model; give it with --adapter and the base with --model", path);
  hyper.architecture = file.require_string("general.architecture");
  const std::string &arch = hyper.architecture;
  if (arch != "llama" && arch != "qwen2" && arch != "qwen3")
    fail(GRAFT_BAD_FILE, "%s: architecture \"%s\" is not supported; llama, qwen2 and qwen3 are", path, arch.c_str());
  hyper.name = file.get_string("general.name", "");
  const Reader reader(file, arch);

  hyper.layers = reader.positive("block_count", 4096);
  hyper.width = reader.positive("embedding_length", 1 << 20);
  hyper.feed_forward = reader.per_layer("feed_forward_length", 0, hyper.layers, 1 << 22);
  hyper.heads = reader.per_layer("attention.head_count", 0, hyper.layers, 65536);
  hyper.kv_heads = reader.per_layer("attention.head_count_kv", hyper.heads, hyper.layers, 65536);
  if (hyper.heads % hyper.kv_heads)
    fail(GRAFT_BAD_FILE, "%s: %d query heads cannot share %d key/value heads evenly", path, hyper.heads, hyper.kv_heads);
  if (!reader.has("attention.key_length") && hyper.width % hyper.heads)
    fail(GRAFT_BAD_FILE, "%s: width %d is not a multiple of %d heads", path, hyper.width, hyper.heads);
  hyper.head_width = reader.positive_or("attention.key_length", hyper.width / hyper.heads, 65536);
  const int64_t value_width = reader.integer("attention.value_length", hyper.head_width);
  if (value_width != hyper.head_width)
    fail(GRAFT_BAD_FILE, "%s: %s is %lld but keys are %d wide, which is not supported", path, reader.full("attention.value_length").c_str(), (long long)value_width, hyper.head_width);
  hyper.context_length = reader.integer("context_length", 0);
  if (hyper.context_length < 0 || hyper.context_length > (int64_t(1) << 30))
    fail(GRAFT_BAD_FILE, "%s: %s is %lld", path, reader.full("context_length").c_str(), (long long)hyper.context_length);
  if (!reader.has("attention.layer_norm_rms_epsilon"))
    fail(GRAFT_BAD_FILE, "%s: %s is missing", path, reader.full("attention.layer_norm_rms_epsilon").c_str());
  const double eps = reader.number("attention.layer_norm_rms_epsilon", 0);
  if (!(eps >= 0 && eps < 1)) fail(GRAFT_BAD_FILE, "%s: %s is %g; expected a small positive number", path, reader.full("attention.layer_norm_rms_epsilon").c_str(), eps);
  hyper.norm_eps = float(eps);
  if (reader.integer("expert_count", 0) > 0)
    fail(GRAFT_BAD_FILE, "%s: mixture of experts (%s) is not supported", path, reader.full("expert_count").c_str());
  read_rope(file, reader, &hyper);

  const int64_t window = reader.integer("attention.sliding_window", 0);
  if (window > 0)
    notes->push_back("the file declares a sliding window of " + std::to_string(window) + " tokens; like llama.cpp for this architecture, Graft attends to the whole context");
  return hyper;
}

}  // namespace graft
