#include "model.h"

#include <cmath>
#include <set>

#include "hyperparameters.h"
#include "json_text.h"

namespace graft {

const char *name_of(Target target) {
  static const char *const names[kTargets] = {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"};
  return names[target];
}

// Takes tensors from the file into the model, remembering which it took: whatever is left over is refused, because a graph that
// ignores a tensor computes another model.
class ModelLoader {
 public:
  explicit ModelLoader(Model &model) : model_(model), file_(*model.file_) {}

  void load() {
    Hyperparameters &hyper = model_.hyper_;
    hyper = read_hyperparameters(file_, &model_.notes_);
    const GgufTensor *embedding = require("token_embd.weight");
    if (embedding->dimensions != 2 || embedding->shape[0] != hyper.width || embedding->shape[1] > INT32_MAX)
      wrong_shape(*embedding, hyper.width, -1);
    hyper.vocabulary = int32_t(embedding->shape[1]);
    if (const GgufValue *tokens = file_.find("tokenizer.ggml.tokens"))
      if (tokens->type == GgufType::Array && tokens->count != uint64_t(hyper.vocabulary))
        fail(GRAFT_BAD_FILE, "%s: token_embd.weight has %d rows but the tokenizer has %llu tokens", path(), hyper.vocabulary, (unsigned long long)tokens->count);
    const std::string declared = hyper.architecture + ".vocab_size";
    if (file_.has(declared) && file_.require_int(declared) != hyper.vocabulary)
      fail(GRAFT_BAD_FILE, "%s: token_embd.weight has %d rows but %s is %lld", path(), hyper.vocabulary, declared.c_str(), (long long)file_.require_int(declared));
    model_.weights_.embedding = weight(*embedding);
    model_.weights_.output_norm = vector("output_norm.weight", hyper.width, true);
    model_.weights_.head = model_.weights_.embedding;
    if (file_.tensor("output.weight")) model_.weights_.head = matrix("output.weight", hyper.vocabulary, hyper.width);
    rope_factors();
    model_.weights_.layers.resize(size_t(hyper.layers));
    for (int32_t i = 0; i < hyper.layers; i++) layer(i);
    refuse_unknown();
  }

 private:
  const char *path() const { return file_.path().c_str(); }

  const GgufTensor *find(const std::string &name) {
    const GgufTensor *tensor = file_.tensor(name);
    if (tensor) taken_.insert(name);
    return tensor;
  }
  const GgufTensor *require(const std::string &name) {
    const GgufTensor *tensor = find(name);
    if (!tensor) fail(GRAFT_BAD_FILE, "%s: tensor %s is missing", path(), name.c_str());
    return tensor;
  }
  [[noreturn]] void wrong_shape(const GgufTensor &tensor, int64_t ne0, int64_t ne1) {
    std::string got, expected = std::to_string(ne0);
    for (int32_t d = 0; d < tensor.dimensions; d++) got += (d ? " x " : "") + std::to_string(tensor.shape[d]);
    if (ne1 >= 0) expected += " x " + std::to_string(ne1);
    else if (ne1 == -1) expected += " x (vocabulary)";
    fail(GRAFT_BAD_FILE, "%s: tensor %s has shape %s; expected %s", path(), tensor.name.c_str(), got.c_str(), expected.c_str());
  }
  gk_weight weight(const GgufTensor &tensor) {
    gk_weight w{};
    w.type = tensor.type;
    w.k = tensor.shape[0];
    w.n = tensor.shape[1];
    check(model_.ops().import_weight(model_.backend(), tensor.data, int64_t(tensor.bytes), &w.data), "import_weight");
    model_.imported_.push_back(w.data);
    model_.parameters_ += tensor.elements();
    model_.weight_bytes_ += int64_t(tensor.bytes);
    return w;
  }
  gk_weight matrix(const std::string &name, int64_t n, int64_t k) {
    const GgufTensor *tensor = require(name);
    if (tensor->dimensions != 2 || tensor->shape[0] != k || tensor->shape[1] != n) wrong_shape(*tensor, k, n);
    return weight(*tensor);
  }
  std::vector<float> values(const GgufTensor &tensor) {
    std::vector<float> host(size_t(tensor.elements()));
    gk_dequantize_ref(tensor.type, tensor.data, host.data(), tensor.elements());
    return host;
  }
  const float *vector(const std::string &name, int64_t n, bool required) {
    const GgufTensor *tensor = required ? require(name) : find(name);
    if (!tensor) return nullptr;
    if (tensor->dimensions != 1 || tensor->shape[0] != n) wrong_shape(*tensor, n, -2);
    const std::vector<float> host = values(*tensor);
    gk_buf device = model_.ops().alloc(model_.backend(), n * int64_t(sizeof(float)));
    if (!device) fail(GRAFT_OUT_OF_MEMORY, "%s: no memory for %s", path(), name.c_str());
    model_.owned_.push_back(device);
    check(model_.ops().upload(model_.backend(), device, host.data(), n * int64_t(sizeof(float))), "upload");
    model_.parameters_ += n;
    model_.weight_bytes_ += int64_t(tensor->bytes);
    return static_cast<const float *>(device);
  }
  // Llama 3.1's scaling: each frequency is divided by its factor.
  void rope_factors() {
    const GgufTensor *tensor = find("rope_freqs.weight");
    if (!tensor) return;
    Hyperparameters &hyper = model_.hyper_;
    if (hyper.architecture != "llama")
      fail(GRAFT_BAD_FILE, "%s: rope_freqs.weight in a %s model is not supported", path(), hyper.architecture.c_str());
    if (tensor->dimensions != 1 || tensor->shape[0] != hyper.rotary / 2) wrong_shape(*tensor, hyper.rotary / 2, -2);
    const std::vector<float> factors = values(*tensor);
    for (size_t i = 0; i < factors.size(); i++) {
      if (!(factors[i] > 0) || !std::isfinite(factors[i]))
        fail(GRAFT_BAD_FILE, "%s: rope_freqs.weight[%zu] is %g; expected a positive number", path(), i, double(factors[i]));
      hyper.inv_freq[i] /= factors[i];
    }
  }
  void layer(int32_t index) {
    const Hyperparameters &hyper = model_.hyper_;
    Layer &layer = model_.weights_.layers[size_t(index)];
    const std::string block = "blk." + std::to_string(index) + ".";
    layer.attention_norm = vector(block + "attn_norm.weight", hyper.width, true);
    layer.feed_forward_norm = vector(block + "ffn_norm.weight", hyper.width, true);
    if (hyper.architecture == "qwen3") {
      layer.query_norm = vector(block + "attn_q_norm.weight", hyper.head_width, true);
      layer.key_norm = vector(block + "attn_k_norm.weight", hyper.head_width, true);
    }
    for (int t = 0; t < kTargets; t++) {
      const Target target = Target(t);
      int64_t n, k;
      model_.target_shape(target, &n, &k);
      const std::string name = block + name_of(target);
      Linear &linear = layer.linear[size_t(t)];
      linear.weight = matrix(name + ".weight", n, k);
      const bool required = hyper.architecture == "qwen2" && t <= kValue;
      const bool allowed = hyper.architecture != "qwen3";
      if (allowed) linear.bias = vector(name + ".bias", n, required);
    }
    find(block + "attn_rot_embd");     // old files carry it; no graph uses it
    find(block + "rope_freqs.weight");
  }
  void refuse_unknown() {
    for (const GgufTensor &tensor : file_.tensors())
      if (!taken_.count(tensor.name) && tensor.name.find("rotary_emb.inv_freq") == std::string::npos)
        fail(GRAFT_BAD_FILE, "%s: tensor %s is not part of a %s model that Graft knows; training around it would compute another model", path(),
             tensor.name.c_str(), model_.hyper_.architecture.c_str());
  }

  Model &model_;
  const Gguf &file_;
  std::set<std::string> taken_;
};

Model::Model(Runtime &runtime, const std::string &path) : runtime_(runtime), file_(Gguf::open(path)) {
  try {
    ModelLoader(*this).load();
    file_->prefetch();
  } catch (...) {
    for (gk_buf buffer : owned_) ops().release(backend(), buffer);
    for (const void *data : imported_) ops().release_weight(backend(), data);
    throw;
  }
}

Model::~Model() {
  for (gk_buf buffer : owned_) ops().release(backend(), buffer);
  for (const void *data : imported_) ops().release_weight(backend(), data);
}

gk_rope Model::rope() const { return gk_rope{hyper_.rope_layout, hyper_.rotary, hyper_.inv_freq.data(), hyper_.rope_magnitude}; }

gk_attention Model::attention(const std::vector<gk_segment> &segments) const {
  return gk_attention{hyper_.heads, hyper_.kv_heads, hyper_.head_width, float(1.0 / std::sqrt(double(hyper_.head_width))), int32_t(segments.size()), segments.data()};
}

void Model::target_shape(Target target, int64_t *n, int64_t *k) const {
  const int64_t width = hyper_.width, feed_forward = hyper_.feed_forward;
  switch (target) {
    case kQuery: *n = hyper_.query_width(); *k = width; return;
    case kKey:
    case kValue: *n = hyper_.kv_width(); *k = width; return;
    case kOutput: *n = width; *k = hyper_.query_width(); return;
    case kGate:
    case kUp: *n = feed_forward; *k = width; return;
    default: *n = width; *k = feed_forward; return;
  }
}

double Model::flops_per_token() const {
  double weights = double(hyper_.vocabulary) * hyper_.width;
  for (int t = 0; t < kTargets; t++) {
    int64_t n, k;
    target_shape(Target(t), &n, &k);
    weights += double(n) * double(k) * hyper_.layers;
  }
  return 2 * weights;
}

std::string Model::describe_json() const {
  JsonText json;
  json.begin_object();
  json.field("architecture", hyper_.architecture);
  json.field("name", hyper_.name);
  json.field("layers", int64_t(hyper_.layers));
  json.field("width", int64_t(hyper_.width));
  json.field("heads", int64_t(hyper_.heads));
  json.field("kv_heads", int64_t(hyper_.kv_heads));
  json.field("head_width", int64_t(hyper_.head_width));
  json.field("feed_forward", int64_t(hyper_.feed_forward));
  json.field("vocabulary", int64_t(hyper_.vocabulary));
  json.field("context_length", hyper_.context_length);
  json.field("parameters", parameters_);
  json.field("file_bytes", int64_t(file_->file_bytes()));
  json.field("weight_bytes", weight_bytes_);
  json.field("flops_per_token", flops_per_token());
  json.key("notes");
  json.begin_array();
  for (const std::string &note : notes_) json.value(note);
  json.end_array();
  json.end_object();
  return json.text();
}

}  // namespace graft
