#include "lora.h"

#include <algorithm>
#include <cmath>

#include "json_text.h"

namespace graft {
namespace {

uint64_t mix(uint64_t x) {  // SplitMix64's finalizer (Steele, Lea & Flood 2014)
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

std::string LoraTensor::weight_name() const { return "blk." + std::to_string(layer) + "." + name_of(target) + ".weight"; }

std::vector<Target> parse_targets(const std::string &targets) {
  std::vector<Target> chosen;
  if (targets == "all-linear") {
    for (int t = 0; t < kTargets; t++) chosen.push_back(Target(t));
    return chosen;
  }
  size_t begin = 0;
  while (begin <= targets.size()) {
    size_t end = targets.find(',', begin);
    if (end == std::string::npos) end = targets.size();
    const std::string name = targets.substr(begin, end - begin);
    int found = -1;
    for (int t = 0; t < kTargets; t++)
      if (name == name_of(Target(t))) found = t;
    if (found < 0)
      fail(GRAFT_USAGE, "unknown LoRA target \"%s\"; use all-linear or a list of attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down", name.c_str());
    if (std::find(chosen.begin(), chosen.end(), Target(found)) == chosen.end()) chosen.push_back(Target(found));
    begin = end + 1;
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

int64_t adapter_floats(const Model &model, int32_t rank, const std::vector<Target> &targets) {
  int64_t floats = 0;
  for (Target target : targets) {
    int64_t n, k;
    model.target_shape(target, &n, &k);
    floats += (Trainable::aligned(rank * k) + Trainable::aligned(n * rank)) * model.hyper().layers;
  }
  return floats;
}

Adapter::Adapter(Model &model) : Trainable(model), index_(size_t(model.hyper().layers) * kTargets, -1) {}

void Adapter::add(int32_t layer, Target target, int32_t rank, float scale) {
  LoraTensor tensor{layer, target, rank, 0, 0, 0, 0, scale};
  model_.target_shape(target, &tensor.n, &tensor.k);
  tensor.a_offset = reserve(tensor.a_count());
  tensor.b_offset = reserve(tensor.b_count());
  index_[size_t(layer) * kTargets + target] = int32_t(tensors_.size());
  tensors_.push_back(tensor);
}

std::unique_ptr<Adapter> Adapter::create(Model &model, int32_t rank, float alpha, bool rslora, const std::string &targets, int64_t seed) {
  if (rank < 1 || rank > 4096) fail(GRAFT_USAGE, "--lora-rank must be between 1 and 4096, not %d", rank);
  if (!(alpha > 0) || !std::isfinite(alpha)) fail(GRAFT_USAGE, "--lora-alpha must be a positive number, not %g", double(alpha));
  std::unique_ptr<Adapter> adapter(new Adapter(model));
  // llama.cpp knows alpha / rank only; rsLoRA (Kalajdzievski 2023) is the same file with alpha · sqrt(rank).
  adapter->alpha_ = rslora ? alpha * std::sqrt(float(rank)) : alpha;
  const std::vector<Target> chosen = parse_targets(targets);
  for (int32_t layer = 0; layer < model.hyper().layers; layer++)
    for (Target target : chosen) adapter->add(layer, target, rank, adapter->alpha_ / float(rank));
  adapter->allocate("the adapter");

  std::vector<float> host(size_t(adapter->parameter_floats()), 0.0f);
  for (size_t i = 0; i < adapter->tensors_.size(); i++) {
    const LoraTensor &tensor = adapter->tensors_[i];
    const float bound = 1 / std::sqrt(float(tensor.k));  // Kaiming uniform with a = sqrt 5
    const uint64_t stream = mix(uint64_t(seed) ^ mix(i + 1));
    for (int64_t j = 0; j < tensor.a_count(); j++) {
      const double unit = double(mix(stream + uint64_t(j)) >> 11) * 0x1p-53;
      host[size_t(tensor.a_offset + j)] = float((2 * unit - 1) * bound);
    }
  }
  check(model.ops().upload(model.backend(), adapter->parameters(), host.data(), adapter->parameter_floats() * 4), "upload");
  return adapter;
}

std::unique_ptr<Adapter> Adapter::clone() const {
  std::unique_ptr<Adapter> copy(new Adapter(model_));
  copy->tensors_ = tensors_;
  copy->index_ = index_;
  copy->alpha_ = alpha_;
  copy->reserve(parameter_floats());
  copy->allocate("the adapter");
  check(model_.ops().copy(model_.backend(), copy->parameters(), parameters(), parameter_floats() * 4), "copy");
  return copy;
}

int32_t Adapter::first_layer() const {
  int32_t lowest = model_.hyper().layers;
  for (const LoraTensor &tensor : tensors_) lowest = std::min(lowest, tensor.layer);
  return lowest;
}

int32_t Adapter::max_rank() const {
  int32_t rank = 0;
  for (const LoraTensor &tensor : tensors_) rank = std::max(rank, tensor.rank);
  return rank;
}

void Adapter::locate(const std::string &name, int64_t *offset, int64_t *count) const {
  for (const LoraTensor &tensor : tensors_) {
    const std::string weight = tensor.weight_name();
    if (name == weight + ".lora_a") {
      *offset = tensor.a_offset;
      *count = tensor.a_count();
      return;
    }
    if (name == weight + ".lora_b") {
      *offset = tensor.b_offset;
      *count = tensor.b_count();
      return;
    }
  }
  fail(GRAFT_USAGE, "the adapter has no tensor %s", name.c_str());
}

std::vector<uint8_t> Adapter::signature() const {
  std::vector<uint8_t> bytes;
  for (const LoraTensor &tensor : tensors_)
    for (const int32_t value : {tensor.layer, int32_t(tensor.target), tensor.rank})
      for (int i = 0; i < 4; i++) bytes.push_back(uint8_t(uint32_t(value) >> 8 * i));
  return bytes;
}

std::string Adapter::describe_json() const {
  JsonText json;
  int64_t parameters = 0;
  for (const LoraTensor &tensor : tensors_) parameters += tensor.a_count() + tensor.b_count();
  json.begin_object();
  json.field("rank", int64_t(max_rank()));
  json.field("alpha", double(alpha_));
  json.field("scale", tensors_.empty() ? 0.0 : double(tensors_[0].scale));
  json.field("parameters", parameters);
  json.key("tensors");
  json.begin_array();
  for (const LoraTensor &tensor : tensors_) {
    json.begin_object();
    json.field("name", tensor.weight_name());
    json.field("rank", int64_t(tensor.rank));
    json.field("rows", tensor.n);
    json.field("columns", tensor.k);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.text();
}

}  // namespace graft
