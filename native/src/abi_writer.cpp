// graft.h: weight types, and GGUF files written piece by piece.
#include "abi_guard.h"
#include "abi_handles.h"
#include "gguf_writer.h"
#include "json_text.h"
#include "type_mix.h"

using namespace graft;

struct graft_gguf_writer {
  GgufWriter value;
  std::unique_ptr<GgufStream> stream;
};

namespace {

// Bytes of a single value of a type; 0 for strings.
uint64_t width_of(GgufType type) {
  switch (type) {
    case GgufType::U8: case GgufType::I8: case GgufType::Bool: return 1;
    case GgufType::U16: case GgufType::I16: return 2;
    case GgufType::U32: case GgufType::I32: case GgufType::F32: return 4;
    case GgufType::U64: case GgufType::I64: case GgufType::F64: return 8;
    case GgufType::String: return 0;
    default: fail(GRAFT_USAGE, "there is no metadata value of type %u", unsigned(type));
  }
}

bool fits(GgufType type, uint64_t count, const uint8_t *data, uint64_t bytes) {
  if (const uint64_t width = width_of(type)) return count <= bytes / width && count * width == bytes;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t length;
    if (bytes < sizeof length) return false;
    std::memcpy(&length, data, sizeof length);
    if (length > bytes - sizeof length) return false;
    data += sizeof length + length;
    bytes -= sizeof length + length;
  }
  return bytes == 0;
}

}  // namespace

extern "C" {

int32_t graft_types(char *buffer, int64_t capacity, int64_t *needed, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    JsonText json;
    json.begin_array();
    for (int32_t i = 0; i < GK_TYPE_LIMIT; i++) {
      const gk_type_info *info = gk_type_get(i);
      if (!info) continue;
      json.begin_object();
      json.field("type", int64_t(info->type));
      json.field("name", info->name);
      json.field("block", int64_t(info->block_size));
      json.field("bytes", int64_t(info->block_bytes));
      json.end_object();
    }
    json.end_array();
    const std::string text = json.text();
    copy_text(text.data(), text.size(), buffer, capacity, needed);
  });
}

int32_t graft_mix_type(const char *mix, const char *tensor, int64_t row, int32_t dimensions, int32_t layers, int32_t tied, int32_t *type, int32_t *file_type,
                       char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const TypeMix types(&required(mix, "mix"));
    if (row < 1 || dimensions < 1) fail(GRAFT_USAGE, "a tensor of %d dimensions and rows of %lld", dimensions, (long long)row);
    required(type, "type") = types.type_of(&required(tensor, "tensor"), row, dimensions, layers, tied != 0);
    required(file_type, "file_type") = int32_t(types.file_type());
  });
}

int32_t graft_gguf_writer_open(graft_gguf *source, graft_gguf_writer **out, char *message, int64_t message_bytes) {
  return opened(out, message, message_bytes, [&] {
    auto writer = std::make_unique<graft_gguf_writer>();
    if (source)
      for (const auto &[key, value] : source->value->metadata()) writer->value.copy(key, value);
    return writer;
  });
}

int32_t graft_gguf_writer_set(graft_gguf_writer *writer, const char *key, int32_t type, int64_t count, const void *data, int64_t bytes, char *message,
                              int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const std::string name = &required(key, "key");
    const uint8_t *start = &required(static_cast<const uint8_t *>(data), "data");
    const GgufType element = static_cast<GgufType>(type);
    const uint64_t items = count < 0 ? 1 : uint64_t(count);
    if (bytes < 0 || !fits(element, items, start, uint64_t(bytes))) fail(GRAFT_USAGE, "%s: %lld bytes are not %lld values of its type", name.c_str(), (long long)bytes, (long long)items);
    required(writer, "writer").value.copy(name, GgufValue{count < 0 ? element : GgufType::Array, element, items, start, uint64_t(bytes)});
  });
}

int32_t graft_gguf_writer_tensor(graft_gguf_writer *writer, const char *name, int32_t type, int32_t dimensions, const int64_t *shape, char *message,
                                 int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    required(shape, "shape");
    if (dimensions < 1 || dimensions > 4) fail(GRAFT_USAGE, "%s has %d dimensions; 1 to 4 are allowed", &required(name, "name"), dimensions);
    if (!gk_type_get(type)) fail(GRAFT_USAGE, "type %d is not supported", type);
    required(writer, "writer").value.add_tensor(&required(name, "name"), static_cast<gk_type>(type), std::vector<int64_t>(shape, shape + dimensions), nullptr);
  });
}

int32_t graft_gguf_writer_begin(graft_gguf_writer *writer, const char *path, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    if (required(writer, "writer").stream) fail(GRAFT_USAGE, "this file has been begun already");
    writer->stream = std::make_unique<GgufStream>(writer->value, &required(path, "path"));
  });
}

namespace {
GgufStream &begun(graft_gguf_writer *writer) {
  if (!required(writer, "writer").stream) fail(GRAFT_USAGE, "this file has not been begun");
  return *writer->stream;
}
}  // namespace

int32_t graft_gguf_writer_write(graft_gguf_writer *writer, const void *data, int64_t bytes, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    if (bytes < 0) fail(GRAFT_USAGE, "bytes is negative");
    if (bytes > 0) begun(writer).write(&required(static_cast<const char *>(data), "data"), uint64_t(bytes));
  });
}

int32_t graft_gguf_writer_commit(graft_gguf_writer *writer, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    begun(writer).commit();
    writer->stream.reset();
  });
}

void graft_gguf_writer_close(graft_gguf_writer *writer) { delete writer; }

}  // extern "C"
