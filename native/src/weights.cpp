#include "weights.h"

#include <cmath>
#include <cstring>

#include "gguf_writer.h"
#include "json_text.h"
#include "type_mix.h"

namespace graft {
namespace {

// Tensors of the file that the graph multiplies with; all else (rope factors, say) is no parameter.
bool is_parameter(const std::string &name) {
  return name.find("rope_freqs") == std::string::npos && name.find("attn_rot_embd") == std::string::npos && name.find("inv_freq") == std::string::npos;
}

std::vector<const GgufTensor *> parameters_of(const Model &model) {
  std::vector<const GgufTensor *> matrices, vectors;
  for (const GgufTensor &tensor : model.file().tensors()) {
    if (!is_parameter(tensor.name)) continue;
    if (tensor.type != GK_F32 && tensor.type != GK_F16 && tensor.type != GK_BF16)
      fail(GRAFT_USAGE, "%s: tensor %s is %s; training all weights needs a file in F32, F16 or BF16 (a quantized file can be tuned with LoRA)", model.file().path().c_str(),
           tensor.name.c_str(), gk_type_get(tensor.type)->name);
    (tensor.dimensions > 1 ? matrices : vectors).push_back(&tensor);
  }
  matrices.insert(matrices.end(), vectors.begin(), vectors.end());
  return matrices;
}

constexpr int64_t kPiece = int64_t(1) << 20;  // floats converted at once

// A tensor's values, converted and given piece by piece.
void write_values(const std::string &name, gk_type type, const float *values, int64_t count, const GgufWriter::Sink &sink) {
  std::vector<uint8_t> bytes(size_t(gk_type_bytes(type, std::min(kPiece, count))));
  for (int64_t begin = 0; begin < count; begin += kPiece) {
    const int64_t n = std::min(kPiece, count - begin);
    for (int64_t i = 0; i < n; i++) {
      const float value = values[begin + i];
      if (!std::isfinite(value) || (type == GK_F16 && std::fabs(value) >= 65520.0f))
        fail(GRAFT_NOT_FINITE, "tensor %s holds %g, which %s cannot", name.c_str(), double(value), gk_type_get(type)->name);
    }
    check(gk_quantize(type, values + begin, bytes.data(), n), "quantize");
    sink(bytes.data(), uint64_t(gk_type_bytes(type, n)));
  }
}

}  // namespace

int64_t Weights::count(const Model &model) {
  int64_t floats = 0;
  for (const GgufTensor *tensor : parameters_of(model)) floats += aligned(tensor->elements());
  return floats;
}

std::unique_ptr<Weights> Weights::open(Model &model) {
  if (model.trained()) fail(GRAFT_USAGE, "%s: all weights of this model are being trained already", model.file().path().c_str());
  std::unique_ptr<Weights> weights(new Weights(model));
  for (const GgufTensor *tensor : parameters_of(model)) {
    const int64_t offset = weights->reserve(tensor->elements());
    weights->tensors_.push_back({tensor, offset});
    if (tensor->dimensions > 1) weights->decayed_ = weights->parameter_floats();
  }
  weights->allocate("training all weights");
  weights->read();
  weights->bind();
  return weights;
}

Weights::~Weights() {
  if (bound_) model_.compute_with(frozen_, nullptr);
}

void Weights::read() {
  std::vector<float> host;
  for (const Tensor &tensor : tensors_) {
    const int64_t count = tensor.source->elements(), row = tensor.source->shape[0];
    const int64_t step = std::max<int64_t>(row, kPiece / row * row);
    for (int64_t begin = 0; begin < count; begin += step) {
      const int64_t n = std::min(step, count - begin);
      host.resize(size_t(n));
      gk_dequantize(model_.runtime().host(), tensor.source->type, static_cast<const uint8_t *>(tensor.source->data) + gk_type_bytes(tensor.source->type, begin), host.data(), n);
      for (float value : host)
        if (!std::isfinite(value)) fail(GRAFT_BAD_FILE, "%s: tensor %s holds a NaN or infinity", model_.file().path().c_str(), tensor.source->name.c_str());
      check(model_.ops().upload(model_.backend(), parameters() + tensor.offset + begin, host.data(), n * int64_t(sizeof(float))), "upload");
    }
  }
}

const Weights::Tensor *Weights::find(const std::string &name) const {
  for (const Tensor &tensor : tensors_)
    if (tensor.source->name == name) return &tensor;
  return nullptr;
}

const float *Weights::at(const std::string &name) const {
  const Tensor *tensor = find(name);
  return tensor ? parameters() + tensor->offset : nullptr;
}

void Weights::bind() {
  frozen_ = model_.weights();
  ModelWeights own = frozen_;
  const auto matrix = [this](gk_weight *weight, const std::string &name) { *weight = {GK_F32, at(name), weight->n, weight->k}; };
  matrix(&own.embedding, "token_embd.weight");
  matrix(&own.head, find("output.weight") ? "output.weight" : "token_embd.weight");
  own.output_norm = at("output_norm.weight");
  for (size_t i = 0; i < own.layers.size(); i++) {
    const std::string block = "blk." + std::to_string(i) + ".";
    Layer &layer = own.layers[i];
    layer.attention_norm = at(block + "attn_norm.weight");
    layer.feed_forward_norm = at(block + "ffn_norm.weight");
    layer.query_norm = at(block + "attn_q_norm.weight");
    layer.key_norm = at(block + "attn_k_norm.weight");
    for (int t = 0; t < kTargets; t++) {
      Linear &linear = layer.linear[size_t(t)];
      const std::string name = block + name_of(Target(t));
      matrix(&linear.weight, name + ".weight");
      linear.bias = at(name + ".bias");
    }
  }
  model_.compute_with(own, this);
  bound_ = true;
}

void Weights::locate(const std::string &name, int64_t *offset, int64_t *count) const {
  const Tensor *tensor = find(name);
  if (!tensor) fail(GRAFT_USAGE, "the model has no trained tensor %s", name.c_str());
  *offset = tensor->offset;
  *count = tensor->source->elements();
}

std::vector<uint8_t> Weights::signature() const {
  std::string text;
  for (const Tensor &tensor : tensors_) {
    text += tensor.source->name;
    for (int d = 0; d < tensor.source->dimensions; d++) text += " " + std::to_string(tensor.source->shape[d]);
    text += "\n";
  }
  return std::vector<uint8_t>(text.begin(), text.end());
}

void Weights::save(const std::string &path, const std::string &type, const std::string &name) const {
  if (!type.empty()) {
    const gk_type wanted = type_named(type);
    if (wanted != GK_F32 && wanted != GK_F16 && wanted != GK_BF16 && wanted != GK_Q8_0) fail(GRAFT_USAGE, "a trained model cannot be written as %.40s; choose F32, F16, BF16 or Q8_0", type.c_str());
  }
  const TypeMix mix(type.empty() ? "F32" : type);
  GgufWriter writer;
  for (const auto &[key, value] : model_.file().metadata()) writer.copy(key, value);
  if (!name.empty()) writer.set_string("general.name", name);
  if (!type.empty()) {
    writer.set_uint32("general.file_type", mix.file_type());
    writer.set_uint32("general.quantization_version", 2);
  }
  const bool tied = !find("output.weight");
  std::vector<float> host;
  for (const GgufTensor &source : model_.file().tensors()) {
    const std::vector<int64_t> shape(source.shape, source.shape + source.dimensions);
    const Tensor *tensor = find(source.name);
    if (!tensor) {
      writer.add_tensor(source.name, source.type, shape, [&source](const GgufWriter::Sink &sink) { sink(source.data, source.bytes); });
      continue;
    }
    const gk_type to = type.empty() ? source.type : mix.type_of(source.name, source.shape[0], source.dimensions, model_.hyper().layers, tied);
    writer.add_tensor(source.name, to, shape, [this, tensor, to, &source, &host](const GgufWriter::Sink &sink) {
      host.resize(size_t(source.elements()));
      check(model_.ops().download(model_.backend(), host.data(), parameters() + tensor->offset, source.elements() * int64_t(sizeof(float))), "download");
      write_values(source.name, to, host.data(), source.elements(), sink);
    });
  }
  writer.write(path);
}

std::string Weights::describe_json() const {
  JsonText json;
  int64_t parameters = 0;
  for (const Tensor &tensor : tensors_) parameters += tensor.source->elements();
  json.begin_object();
  json.field("parameters", parameters);
  json.field("bytes", parameter_floats() * int64_t(sizeof(float)));
  json.key("tensors");
  json.begin_array();
  for (const Tensor &tensor : tensors_) {
    json.begin_object();
    json.field("name", tensor.source->name);
    json.field("count", tensor.source->elements());
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.text();
}

}  // namespace graft
