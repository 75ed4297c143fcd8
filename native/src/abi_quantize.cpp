// graft.h: importance matrices, and files in other types.
#include "abi_guard.h"
#include "abi_handles.h"

using namespace graft;

extern "C" {

int32_t graft_quantize_rows(graft_runtime *runtime, int32_t type, const float *values, int64_t rows, int64_t width, const float *importance, void *target, int64_t target_bytes,
                            char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const gk_type_info *info = gk_type_get(type);
    if (!info) fail(GRAFT_USAGE, "type %d is not supported", type);
    if (rows < 0 || width < 1 || rows > (int64_t(1) << 40) / width || width % info->block_size || target_bytes != gk_type_bytes(info->type, rows * width))
      fail(GRAFT_USAGE, "%lld rows of %lld values of %s do not take %lld bytes", (long long)rows, (long long)width, info->name, (long long)target_bytes);
    check(gk_quantize_rows(required(runtime, "runtime").value.host(), info->type, &required(values, "values"), rows, width, importance,
                           &required(static_cast<char *>(target), "target")),
          "quantize");
  });
}

int32_t graft_importance_open(const char *path, graft_importance **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    auto handle = std::make_unique<graft_importance>();
    handle->value = std::make_shared<Importance>(path ? Importance::open(path) : Importance());
    return handle;
  });
}

int32_t graft_importance_save(graft_importance *importance, const char *path, const char *source, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(importance, "importance").value->save(&required(path, "path"), source ? source : ""); });
}

int32_t graft_importance_describe(graft_importance *importance, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string text = required(importance, "importance").value->describe_json();
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

int32_t graft_importance_values(graft_importance *importance, const char *weight, float *values, int64_t count, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::vector<float> *means = required(importance, "importance").value->means(&required(weight, "weight"));
    if (!means) fail(GRAFT_USAGE, "the importance matrix has nothing for %s", weight);
    if (count != int64_t(means->size())) fail(GRAFT_USAGE, "%s has %zu columns, not %lld", weight, means->size(), (long long)count);
    std::memcpy(&required(values, "values"), means->data(), means->size() * sizeof(float));
  });
}

void graft_importance_close(graft_importance *importance) { delete importance; }

int32_t graft_trainer_observe(graft_trainer *trainer, graft_importance *importance, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { required(trainer, "trainer").value.observe(importance ? importance->value : nullptr); });
}

int32_t graft_quantizer_open(graft_runtime *runtime, graft_gguf *gguf, const char *path, const char *type, const char *output_type, const char *embedding_type, int32_t pure,
                             graft_importance *importance, graft_quantizer **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    QuantizeOptions options;
    options.type = &required(type, "type");
    options.output_type = output_type ? output_type : "";
    options.embedding_type = embedding_type ? embedding_type : "";
    options.pure = pure != 0;
    if (importance) options.importance = importance->value;
    return std::make_unique<graft_quantizer>(required(runtime, "runtime").value, *required(gguf, "gguf").value, &required(path, "path"), options);
  });
}

int32_t graft_quantizer_describe(graft_quantizer *quantizer, char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string text = required(quantizer, "quantizer").value.describe_json();
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

int32_t graft_quantizer_step(graft_quantizer *quantizer, int64_t *done_bytes, int32_t *finished, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    Quantizer &target = required(quantizer, "quantizer").value;
    required(finished, "finished") = target.step() ? 1 : 0;
    required(done_bytes, "done_bytes") = int64_t(target.done_bytes());
  });
}

void graft_quantizer_close(graft_quantizer *quantizer) { delete quantizer; }

}  // extern "C"
