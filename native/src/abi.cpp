// graft.h: runtime, files, models and adapters.
#include "abi_guard.h"
#include "abi_handles.h"
#include "cuda_library.h"
#include "gguf_json.h"
#include "peak.h"
#include "random_model.h"
#include "tokenizer_file.h"

using namespace graft;

extern "C" {

const char *graft_version(void) { return GRAFT_VERSION; }

int32_t graft_runtime_open(const char *device, const char *isa, int32_t threads, graft_runtime **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] { return std::make_unique<graft_runtime>(device, isa, threads); });
}

int32_t graft_runtime_describe(graft_runtime *runtime, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string text = required(runtime, "runtime").value.describe_json();
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

int32_t graft_runtime_peak(graft_runtime *runtime, double *fma_flops, double *copy_bytes, double *read_bytes, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const Peak peak = measure_peak(required(runtime, "runtime").value);
    required(fma_flops, "fma_flops") = peak.fma_flops;
    required(copy_bytes, "copy_bytes") = peak.copy_bytes;
    required(read_bytes, "read_bytes") = peak.read_bytes;
  });
}

void graft_cuda_library(const char *path) {
  if (path && *path) CudaLibrary::use(path);
}

int32_t graft_runtime_memory(graft_runtime *runtime, int64_t *used, int64_t *peak, int64_t *free_now, int64_t *total, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const DeviceMemory memory = required(runtime, "runtime").value.memory();
    required(used, "used") = memory.used;
    required(peak, "peak") = memory.peak;
    required(free_now, "free_now") = memory.free_now;
    required(total, "total") = memory.total;
  });
}

void graft_runtime_close(graft_runtime *runtime) { delete runtime; }

int32_t graft_dequantize(graft_runtime *runtime, int32_t type, const void *source, int64_t source_bytes, float *values, int64_t count, char *message,
                         int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const gk_type_info *info = gk_type_get(type);
    if (!info) fail(GRAFT_USAGE, "type %d is not supported", type);
    if (count < 0 || count % info->block_size || source_bytes != gk_type_bytes(info->type, count))
      fail(GRAFT_USAGE, "%lld values of %s do not take %lld bytes", (long long)count, info->name, (long long)source_bytes);
    gk_dequantize(required(runtime, "runtime").value.host(), info->type, &required(static_cast<const char *>(source), "source"), &required(values, "values"), count);
  });
}

int32_t graft_quantize(int32_t type, const float *values, int64_t count, void *target, int64_t target_bytes, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const gk_type_info *info = gk_type_get(type);
    if (!info) fail(GRAFT_USAGE, "type %d is not supported", type);
    if (count < 0 || count % info->block_size || target_bytes != gk_type_bytes(info->type, count))
      fail(GRAFT_USAGE, "%lld values of %s do not take %lld bytes", (long long)count, info->name, (long long)target_bytes);
    if (gk_quantize(info->type, &required(values, "values"), &required(static_cast<char *>(target), "target"), count) != GK_OK)
      fail(GRAFT_USAGE, "values cannot be written as %s", info->name);
  });
}

int32_t graft_gguf_open(const char *path, graft_gguf **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    auto handle = std::make_unique<graft_gguf>();
    handle->value = Gguf::open(&required(path, "path"));
    return handle;
  });
}

int32_t graft_gguf_describe(graft_gguf *gguf, int32_t max_items, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string text = describe_json(*required(gguf, "gguf").value, max_items);
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

int32_t graft_gguf_string(graft_gguf *gguf, const char *key, int64_t index, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const Gguf &file = *required(gguf, "gguf").value;
    const GgufValue *value = file.find(&required(key, "key"));
    if (!value) fail(GRAFT_USAGE, "%s: no key %s", file.path().c_str(), key);
    if (index < 0) fail(GRAFT_USAGE, "index %lld is negative", (long long)index);
    const std::string_view text = file.string_item(*value, key, uint64_t(index));
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

int32_t graft_gguf_write_tokenizer(graft_gguf *gguf, const char *path, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { write_tokenizer_gguf(*required(gguf, "gguf").value, &required(path, "path")); });
}

void graft_gguf_close(graft_gguf *gguf) { delete gguf; }

int32_t graft_write_random_model(const char *path, const char *architecture, int32_t layers, int32_t width, int32_t heads, int32_t kv_heads, int32_t head_width,
                                 int32_t feed_forward, int32_t vocabulary_size, int32_t context_length, int32_t tied, const char *mix, const char *vocabulary,
                                 int64_t seed, float deviation, float rope_base, const char *name, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    RandomModelSpec spec;
    spec.architecture = &required(architecture, "architecture");
    spec.layers = layers;
    spec.width = width;
    spec.heads = heads;
    spec.kv_heads = kv_heads;
    spec.head_width = head_width;
    spec.feed_forward = feed_forward;
    spec.vocabulary_size = vocabulary_size;
    spec.context_length = context_length;
    spec.tied = tied != 0;
    spec.mix = &required(mix, "mix");
    if (vocabulary) spec.vocabulary = vocabulary;
    spec.seed = seed;
    spec.deviation = deviation;
    spec.rope_base = rope_base;
    if (name) spec.name = name;
    write_random_model(&required(path, "path"), spec);
  });
}

int32_t graft_model_open(graft_runtime *runtime, const char *path, graft_model **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] { return std::make_unique<graft_model>(required(runtime, "runtime").value, &required(path, "path")); });
}

int32_t graft_model_describe(graft_model *model, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string text = required(model, "model").value.describe_json();
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

void graft_model_close(graft_model *model) { delete model; }

int32_t graft_adapter_create(graft_model *model, int32_t rank, float alpha, int32_t rslora, const char *targets, int64_t seed, graft_adapter **out, char *message,
                             int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    auto handle = std::make_unique<graft_adapter>();
    handle->value = Adapter::create(required(model, "model").value, rank, alpha, rslora != 0, &required(targets, "targets"), seed);
    return handle;
  });
}

int32_t graft_adapter_open(graft_model *model, const char *path, graft_adapter **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    auto handle = std::make_unique<graft_adapter>();
    handle->value = Adapter::open(required(model, "model").value, &required(path, "path"));
    return handle;
  });
}

int32_t graft_adapter_clone(graft_adapter *adapter, graft_adapter **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    auto handle = std::make_unique<graft_adapter>();
    handle->value = required(adapter, "adapter").value->clone();
    return handle;
  });
}

int32_t graft_adapter_save(graft_adapter *adapter, const char *path, const char *name, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(adapter, "adapter").value->save(&required(path, "path"), name ? name : ""); });
}

int32_t graft_adapter_describe(graft_adapter *adapter, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string text = required(adapter, "adapter").value->describe_json();
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

namespace {

void move_tensor(Trainable &target, const char *name, int32_t write, float *values, int64_t count) {
  int64_t offset, size;
  target.locate(&required(name, "name"), &offset, &size);
  if (count != size) fail(GRAFT_USAGE, "%s has %lld numbers, not %lld", name, (long long)size, (long long)count);
  required(values, "values");
  const Model &model = target.model();
  if (write) check(model.ops().upload(model.backend(), target.parameters() + offset, values, count * 4), "upload");
  else check(model.ops().download(model.backend(), values, target.parameters() + offset, count * 4), "download");
}

}  // namespace

int32_t graft_adapter_tensor(graft_adapter *adapter, const char *name, int32_t write, float *values, int64_t count, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { move_tensor(*required(adapter, "adapter").value, name, write, values, count); });
}

void graft_adapter_close(graft_adapter *adapter) { delete adapter; }

int32_t graft_weights_open(graft_model *model, graft_weights **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    auto weights = std::make_unique<graft_weights>();
    weights->value = Weights::open(required(model, "model").value);
    return weights;
  });
}

int32_t graft_weights_save(graft_weights *weights, const char *path, const char *type, const char *name, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(weights, "weights").value->save(&required(path, "path"), type ? type : "", name ? name : ""); });
}

int32_t graft_weights_describe(graft_weights *weights, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string text = required(weights, "weights").value->describe_json();
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

int32_t graft_weights_tensor(graft_weights *weights, const char *name, int32_t write, float *values, int64_t count, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { move_tensor(*required(weights, "weights").value, name, write, values, count); });
}

void graft_weights_close(graft_weights *weights) { delete weights; }

}  // extern "C"
