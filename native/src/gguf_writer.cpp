#include "gguf_writer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "atomic_file.h"

namespace graft {

namespace {

constexpr uint64_t kAlignment = GgufWriter::kAlignment;

template <class T> void append(std::string &to, const T &value) { to.append(reinterpret_cast<const char *>(&value), sizeof value); }
void append_string(std::string &to, std::string_view text) {
  append(to, static_cast<uint64_t>(text.size()));
  to.append(text);
}

template <class T> std::string encode(GgufType type, const T &value) {
  std::string bytes;
  append(bytes, static_cast<uint32_t>(type));
  append(bytes, value);
  return bytes;
}

std::string array_head(GgufType element, uint64_t count) {
  std::string bytes;
  append(bytes, static_cast<uint32_t>(GgufType::Array));
  append(bytes, static_cast<uint32_t>(element));
  append(bytes, count);
  return bytes;
}

uint64_t aligned(uint64_t at) { return (at + kAlignment - 1) / kAlignment * kAlignment; }

[[noreturn]] void refuse(std::string_view name, const std::string &why) { throw Error{GRAFT_USAGE, "cannot write tensor '" + printable(name) + "': " + why}; }

}  // namespace

void GgufWriter::set(std::string_view key, std::string bytes) {
  for (Entry &entry : entries_)
    if (entry.key == key) {
      entry.bytes = std::move(bytes);
      return;
    }
  entries_.push_back({std::string(key), std::move(bytes)});
}

void GgufWriter::set_int32(std::string_view key, int32_t value) { set(key, encode(GgufType::I32, value)); }
void GgufWriter::set_uint32(std::string_view key, uint32_t value) { set(key, encode(GgufType::U32, value)); }
void GgufWriter::set_uint64(std::string_view key, uint64_t value) { set(key, encode(GgufType::U64, value)); }
void GgufWriter::set_float(std::string_view key, float value) { set(key, encode(GgufType::F32, value)); }
void GgufWriter::set_bool(std::string_view key, bool value) { set(key, encode(GgufType::Bool, static_cast<uint8_t>(value))); }

void GgufWriter::set_string(std::string_view key, std::string_view value) {
  std::string bytes;
  append(bytes, static_cast<uint32_t>(GgufType::String));
  append_string(bytes, value);
  set(key, std::move(bytes));
}

void GgufWriter::set_strings(std::string_view key, const std::vector<std::string> &values) {
  std::string bytes = array_head(GgufType::String, values.size());
  for (const std::string &value : values) append_string(bytes, value);
  set(key, std::move(bytes));
}

void GgufWriter::set_floats(std::string_view key, const std::vector<float> &values) {
  std::string bytes = array_head(GgufType::F32, values.size());
  for (const float value : values) append(bytes, value);
  set(key, std::move(bytes));
}

void GgufWriter::set_int32s(std::string_view key, const std::vector<int32_t> &values) {
  std::string bytes = array_head(GgufType::I32, values.size());
  for (const int32_t value : values) append(bytes, value);
  set(key, std::move(bytes));
}

void GgufWriter::copy(std::string_view key, const GgufValue &value) {
  if (key == "general.alignment") return;
  std::string bytes;
  if (value.type == GgufType::Array) bytes = array_head(value.element, value.count);
  else append(bytes, static_cast<uint32_t>(value.type));
  bytes.append(reinterpret_cast<const char *>(value.data), static_cast<size_t>(value.bytes));
  set(key, std::move(bytes));
}

void GgufWriter::add_tensor(std::string_view name, gk_type type, const std::vector<int64_t> &shape, std::function<void(const Sink &)> fill) {
  tensors_.push_back({std::string(name), type, shape, std::move(fill)});
}

namespace {

// Bytes of a tensor, or throws GRAFT_USAGE.
uint64_t tensor_bytes(std::string_view name, gk_type type, const std::vector<int64_t> &shape) {
  const gk_type_info *info = gk_type_get(type);
  if (info == nullptr) refuse(name, "type number " + std::to_string(type) + " is not supported");
  if (shape.empty() || shape.size() > 4) refuse(name, "it has " + std::to_string(shape.size()) + " dimensions; 1 to 4 are allowed");
  int64_t elements = 1;
  for (const int64_t extent : shape) {
    if (extent < 1) refuse(name, "a dimension is " + std::to_string(extent));
    if (extent > (std::numeric_limits<int64_t>::max() >> 4) / elements) refuse(name, "it has too many elements");   // room for 8 bytes each, twice
    elements *= extent;
  }
  if (shape[0] % info->block_size != 0) refuse(name, "rows of " + std::to_string(shape[0]) + " elements do not fit " + info->name + ", which needs a multiple of " + std::to_string(info->block_size));
  return static_cast<uint64_t>(elements / info->block_size) * static_cast<uint64_t>(info->block_bytes);
}

}  // namespace

std::string GgufWriter::encode_header() const {
  std::string header = "GGUF";
  append(header, uint32_t{3});
  append(header, static_cast<uint64_t>(tensors_.size()));
  append(header, static_cast<uint64_t>(entries_.size()));
  for (const Entry &entry : entries_) {
    if (entry.key.empty() || entry.key.size() > 65535) throw Error{GRAFT_USAGE, "cannot write a metadata key with a name of " + std::to_string(entry.key.size()) + " bytes"};
    append_string(header, entry.key);
    header += entry.bytes;
  }
  std::unordered_set<std::string> names;
  uint64_t offset = 0;
  for (const Tensor &tensor : tensors_) {
    if (tensor.name.empty()) refuse(tensor.name, "its name is empty");
    if (tensor.name.size() > 63) refuse(tensor.name, "its name has more than 63 bytes");
    if (!names.insert(tensor.name).second) refuse(tensor.name, "the name occurs twice");
    const uint64_t bytes = tensor_bytes(tensor.name, tensor.type, tensor.shape);
    append_string(header, tensor.name);
    append(header, static_cast<uint32_t>(tensor.shape.size()));
    for (const int64_t extent : tensor.shape) append(header, extent);
    append(header, static_cast<uint32_t>(tensor.type));
    append(header, offset);
    offset = aligned(offset + bytes);
  }
  header.resize(static_cast<size_t>(aligned(header.size())), '\0');
  return header;
}

void GgufWriter::write(const std::string &path) const {
  const std::string header = encode_header();
  AtomicFile file(path);
  file.write(header.data(), header.size());
  for (const Tensor &tensor : tensors_) {
    const uint64_t expected = tensor_bytes(tensor.name, tensor.type, tensor.shape);
    uint64_t given = 0;
    tensor.fill([&](const void *bytes, uint64_t count) {
      if (count > expected - given) refuse(tensor.name, "more than its " + std::to_string(expected) + " bytes were given");
      given += count;
      file.write(bytes, count);
    });
    if (given != expected) refuse(tensor.name, std::to_string(given) + " bytes of " + std::to_string(expected) + " were given");
    static const char zeros[kAlignment] = {};
    file.write(zeros, aligned(file.written()) - file.written());
  }
  file.commit();
}

GgufStream::GgufStream(const GgufWriter &writer, const std::string &path) {
  const std::string header = writer.encode_header();
  for (const GgufWriter::Tensor &tensor : writer.tensors_) tensors_.emplace_back(tensor.name, tensor_bytes(tensor.name, tensor.type, tensor.shape));
  file_ = std::make_unique<AtomicFile>(path);
  file_->write(header.data(), header.size());
}

GgufStream::~GgufStream() = default;

void GgufStream::pass_full_tensors() {
  static const char zeros[kAlignment] = {};
  while (current_ < tensors_.size() && given_ == tensors_[current_].second) {
    file_->write(zeros, aligned(file_->written()) - file_->written());
    current_++;
    given_ = 0;
  }
}

void GgufStream::write(const void *bytes, uint64_t count) {
  const char *at = static_cast<const char *>(bytes);
  while (count > 0) {
    if (current_ == tensors_.size()) throw Error{GRAFT_USAGE, "more bytes were given than the tensors hold"};
    const uint64_t now = std::min(count, tensors_[current_].second - given_);
    file_->write(at, now);
    at += now;
    count -= now;
    given_ += now;
    pass_full_tensors();
  }
}

void GgufStream::commit() {
  if (current_ < tensors_.size()) refuse(tensors_[current_].first, std::to_string(given_) + " bytes of " + std::to_string(tensors_[current_].second) + " were given");
  file_->commit();
}

}  // namespace graft
