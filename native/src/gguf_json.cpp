#include "gguf_json.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "utf8.h"

namespace graft {

namespace {

template <class T> T load(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T> void append_integer(std::string &json, T value) {
  char text[24];
  json.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

template <class T> void append_float(std::string &json, T value) {
  if (std::isnan(value)) json += "\"NaN\"";
  else if (std::isinf(value)) json += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  else {
    char text[40];
    json.append(text, std::to_chars(text, text + sizeof text, value).ptr);
  }
}

// Appends the item at `at`; returns where the next one starts.
const uint8_t *append_item(std::string &json, GgufType type, const uint8_t *at) {
  switch (type) {
    case GgufType::U8: append_integer(json, load<uint8_t>(at)); return at + 1;
    case GgufType::I8: append_integer(json, load<int8_t>(at)); return at + 1;
    case GgufType::U16: append_integer(json, load<uint16_t>(at)); return at + 2;
    case GgufType::I16: append_integer(json, load<int16_t>(at)); return at + 2;
    case GgufType::U32: append_integer(json, load<uint32_t>(at)); return at + 4;
    case GgufType::I32: append_integer(json, load<int32_t>(at)); return at + 4;
    case GgufType::U64: append_integer(json, load<uint64_t>(at)); return at + 8;
    case GgufType::I64: append_integer(json, load<int64_t>(at)); return at + 8;
    case GgufType::F32: append_float(json, load<float>(at)); return at + 4;
    case GgufType::F64: append_float(json, load<double>(at)); return at + 8;
    case GgufType::Bool: json += *at != 0 ? "true" : "false"; return at + 1;
    case GgufType::String: {
      const uint64_t bytes = load<uint64_t>(at);
      append_json_string(json, {reinterpret_cast<const char *>(at + 8), static_cast<size_t>(bytes)});
      return at + 8 + bytes;
    }
    case GgufType::Array: break;                        // the reader refuses arrays of arrays
  }
  json += "null";
  return at;
}

void append_value(std::string &json, const GgufValue &value, int32_t max_items) {
  if (value.type != GgufType::Array) {
    append_item(json, value.type, value.data);
    return;
  }
  json += std::string("{\"array\":\"") + name_of(value.element) + "\",\"count\":";
  append_integer(json, value.count);
  json += ",\"items\":[";
  const uint64_t shown = max_items < 0 || value.count < static_cast<uint64_t>(max_items) ? value.count : static_cast<uint64_t>(max_items);
  const uint8_t *at = value.data;
  for (uint64_t i = 0; i < shown; i++) {
    if (i > 0) json += ',';
    at = append_item(json, value.element, at);
  }
  json += "]}";
}

void append_tensor(std::string &json, const GgufTensor &tensor) {
  json += "{\"name\":";
  append_json_string(json, tensor.name);
  json += ",\"type\":";
  append_json_string(json, gk_type_get(tensor.type)->name);
  json += ",\"shape\":[";
  for (int32_t d = 0; d < tensor.dimensions; d++) {
    if (d > 0) json += ',';
    append_integer(json, tensor.shape[d]);
  }
  json += "],\"bytes\":";
  append_integer(json, tensor.bytes);
  json += ",\"offset\":";
  append_integer(json, tensor.offset);
  json += '}';
}

}  // namespace

void append_json_string(std::string &json, std::string_view text) {
  json += '"';
  size_t plain = 0, i = 0;                              // text[plain, i) is copied as it is
  const auto replace = [&](size_t length, const char *with) {
    json.append(text, plain, i - plain);
    json += with;
    plain = i += length;
  };
  while (i < text.size()) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '"') replace(1, "\\\"");
    else if (c == '\\') replace(1, "\\\\");
    else if (c == '\n') replace(1, "\\n");
    else if (c < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      replace(1, escaped);
    } else if (c < 0x80) i++;
    else if (const size_t length = utf8_length(text.substr(i))) i += length;
    else replace(1, "\xef\xbf\xbd");
  }
  json.append(text, plain, text.size() - plain);
  json += '"';
}

std::string describe_json(const Gguf &gguf, int32_t max_items) {
  uint64_t parameters = 0;                              // cannot overflow: tensors lie side by side in a file
  for (const GgufTensor &tensor : gguf.tensors()) parameters += static_cast<uint64_t>(tensor.elements());
  std::string json = "{\"version\":";
  append_integer(json, gguf.version());
  json += ",\"alignment\":";
  append_integer(json, gguf.alignment());
  json += ",\"file_bytes\":";
  append_integer(json, gguf.file_bytes());
  json += ",\"parameters\":";
  append_integer(json, parameters);
  json += ",\"metadata\":[";
  bool first = true;
  for (const auto &[key, value] : gguf.metadata()) {
    json += first ? "{\"key\":" : ",{\"key\":";
    first = false;
    append_json_string(json, key);
    json += std::string(",\"type\":\"") + name_of(value.type) + "\",\"value\":";
    append_value(json, value, max_items);
    json += '}';
  }
  json += "],\"tensors\":[";
  first = true;
  for (const GgufTensor &tensor : gguf.tensors()) {
    if (!first) json += ',';
    first = false;
    append_tensor(json, tensor);
  }
  return json += "]}";
}

}  // namespace graft
