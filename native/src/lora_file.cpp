// Adapter files in llama.cpp's layout: general.type "adapter", adapter.type "lora", adapter.lora.alpha, and for each weight W
// the tensors W.lora_a (ne = [K, R]) and W.lora_b (ne = [R, N]).
#include <cmath>
#include <map>

#include "gguf_writer.h"
#include "lora.h"

namespace graft {
namespace {

struct Pair {
  const GgufTensor *a = nullptr, *b = nullptr;
};

bool ends_with(const std::string &text, const char *suffix) {
  const std::string tail = suffix;
  return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

std::string shape_of(const GgufTensor &tensor) {
  std::string text;
  for (int32_t d = 0; d < tensor.dimensions; d++) text += (d ? " x " : "") + std::to_string(tensor.shape[d]);
  return text;
}

// "blk.3.attn_q.weight" → layer and target; false for anything else.
bool parse_weight(const std::string &name, int32_t layers, int32_t *layer, Target *target) {
  for (int t = 0; t < kTargets; t++) {
    const std::string tail = std::string(".") + name_of(Target(t)) + ".weight";
    if (name.rfind("blk.", 0) != 0 || !ends_with(name, tail.c_str()) || name.size() <= 4 + tail.size()) continue;
    const std::string digits = name.substr(4, name.size() - 4 - tail.size());
    if (digits.size() > 6 || digits.find_first_not_of("0123456789") != std::string::npos) return false;
    *layer = std::atoi(digits.c_str());
    *target = Target(t);
    return *layer < layers && std::to_string(*layer) == digits;
  }
  return false;
}

}  // namespace

std::unique_ptr<Adapter> Adapter::open(Model &model, const std::string &path) {
  const std::unique_ptr<Gguf> file = Gguf::open(path);
  const char *name = path.c_str();
  const std::string general = file->get_string("general.type", "");
  if (general != "adapter") fail(GRAFT_BAD_FILE, "%s is not an adapter (general.type is \"%s\")", name, general.c_str());
  const std::string type = file->get_string("adapter.type", "");
  if (type != "lora") fail(GRAFT_BAD_FILE, "%s: adapter type \"%s\" is not supported; lora is", name, type.c_str());
  const std::string architecture = file->require_string("general.architecture");
  if (architecture != model.hyper().architecture)
    fail(GRAFT_BAD_FILE, "%s was made for a %s model, but %s is %s", name, architecture.c_str(), model.file().path().c_str(), model.hyper().architecture.c_str());
  const double alpha = file->get_float("adapter.lora.alpha", 0);
  if (!(alpha >= 0) || !std::isfinite(alpha)) fail(GRAFT_BAD_FILE, "%s: adapter.lora.alpha is %g", name, alpha);

  std::map<std::string, Pair> pairs;
  for (const GgufTensor &tensor : file->tensors()) {
    const bool is_a = ends_with(tensor.name, ".lora_a"), is_b = ends_with(tensor.name, ".lora_b");
    if (!is_a && !is_b) fail(GRAFT_BAD_FILE, "%s: tensor %s is neither lora_a nor lora_b", name, tensor.name.c_str());
    if (tensor.type != GK_F32 && tensor.type != GK_F16 && tensor.type != GK_BF16)
      fail(GRAFT_BAD_FILE, "%s: tensor %s is %s; F32, F16 and BF16 are supported", name, tensor.name.c_str(), gk_type_get(tensor.type)->name);
    Pair &pair = pairs[tensor.name.substr(0, tensor.name.size() - 7)];
    (is_a ? pair.a : pair.b) = &tensor;
  }
  if (pairs.empty()) fail(GRAFT_BAD_FILE, "%s holds no LoRA tensors", name);

  std::unique_ptr<Adapter> adapter(new Adapter(model));
  adapter->alpha_ = float(alpha);
  std::vector<Pair> ordered(size_t(model.hyper().layers) * kTargets);
  for (const auto &[weight, pair] : pairs) {
    int32_t layer = 0;
    Target target = kQuery;
    if (!parse_weight(weight, model.hyper().layers, &layer, &target))
      fail(GRAFT_BAD_FILE, "%s adapts %s, which %s lacks or Graft cannot adapt", name, weight.c_str(), model.file().path().c_str());
    if (!pair.a || !pair.b) fail(GRAFT_BAD_FILE, "%s: %s.lora_%s is missing", name, weight.c_str(), pair.a ? "b" : "a");
    int64_t n, k;
    model.target_shape(target, &n, &k);
    const GgufTensor &a = *pair.a, &b = *pair.b;
    if (a.dimensions > 2 || b.dimensions > 2 || a.shape[0] != k || b.shape[1] != n || a.shape[1] != b.shape[0] || a.shape[1] > 65536)
      fail(GRAFT_BAD_FILE, "%s: %s has lora_a %s and lora_b %s, which do not fit a %lld x %lld weight; was it made for another model?", name, weight.c_str(),
           shape_of(a).c_str(), shape_of(b).c_str(), (long long)k, (long long)n);
    ordered[size_t(layer) * kTargets + target] = pair;
  }
  for (size_t i = 0; i < ordered.size(); i++) {
    if (!ordered[i].a) continue;
    const int32_t rank = int32_t(ordered[i].a->shape[1]);
    adapter->add(int32_t(i / kTargets), Target(i % kTargets), rank, alpha > 0 ? float(alpha) / float(rank) : 1.0f);  // llama.cpp: alpha 0 means scale 1
  }
  adapter->allocate("the adapter");
  std::vector<float> host(size_t(adapter->parameter_floats()), 0.0f);
  for (const LoraTensor &tensor : adapter->tensors_) {
    const Pair &pair = ordered[size_t(tensor.layer) * kTargets + tensor.target];
    gk_dequantize_ref(pair.a->type, pair.a->data, host.data() + tensor.a_offset, tensor.a_count());
    gk_dequantize_ref(pair.b->type, pair.b->data, host.data() + tensor.b_offset, tensor.b_count());
  }
  for (float value : host)
    if (!std::isfinite(value)) fail(GRAFT_BAD_FILE, "%s holds a NaN or infinity", name);
  check(model.ops().upload(model.backend(), adapter->parameters(), host.data(), adapter->parameter_floats() * 4), "upload");
  return adapter;
}

void Adapter::save(const std::string &path, const std::string &name) const {
  std::vector<float> host(static_cast<size_t>(parameter_floats()));
  check(model_.ops().download(model_.backend(), host.data(), parameters(), parameter_floats() * 4), "download");
  GgufWriter writer;
  writer.set_string("general.architecture", model_.hyper().architecture);
  writer.set_string("general.type", "adapter");
  writer.set_string("adapter.type", "lora");
  if (!name.empty()) writer.set_string("general.name", name);
  writer.set_float("adapter.lora.alpha", alpha_);
  for (const LoraTensor &tensor : tensors_) {
    const auto add_one = [&](const char *suffix, int64_t offset, std::vector<int64_t> shape) {
      const uint64_t bytes = uint64_t(shape[0]) * uint64_t(shape[1]) * sizeof(float);
      writer.add_tensor(tensor.weight_name() + suffix, GK_F32, shape,
                        [&host, offset, bytes](const GgufWriter::Sink &sink) { sink(host.data() + offset, bytes); });
    };
    add_one(".lora_a", tensor.a_offset, {tensor.k, tensor.rank});
    add_one(".lora_b", tensor.b_offset, {tensor.rank, tensor.n});
  }
  writer.write(path);
}

}  // namespace graft
