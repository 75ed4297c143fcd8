// Writes GGUF v3 files, whole or not at all.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gguf.h"

namespace graft {

// Setting a key again replaces its value in place. Alignment is always 32. Keys of any length and all names are checked by write().
class GgufWriter {
 public:
  void set_int32(std::string_view key, int32_t value);
  void set_uint32(std::string_view key, uint32_t value);
  void set_uint64(std::string_view key, uint64_t value);
  void set_float(std::string_view key, float value);
  void set_bool(std::string_view key, bool value);
  void set_string(std::string_view key, std::string_view value);
  void set_strings(std::string_view key, const std::vector<std::string> &values);
  void set_floats(std::string_view key, const std::vector<float> &values);
  void set_int32s(std::string_view key, const std::vector<int32_t> &values);
  // Copies a value of another file byte for byte (any type). general.alignment is skipped: it belongs to the other file.
  void copy(std::string_view key, const GgufValue &value);

  // Tensors are written in the order added. fill is called once, in order, while the file is written, with a sink that takes the tensor's
  // bytes in pieces; exactly gk_type_bytes(type, elements) must be given. Memory stays bounded by what fill holds.
  using Sink = std::function<void(const void *bytes, uint64_t count)>;
  void add_tensor(std::string_view name, gk_type type, const std::vector<int64_t> &shape, std::function<void(const Sink &)> fill);

  // Throws GRAFT_IO (disk full, read-only folder ...) or GRAFT_USAGE (a bad or double name, a shape that does not fit its type, a fill
  // that gives another number of bytes) after removing the temporary file. Whatever fill throws passes through.
  void write(const std::string &path) const;
  // For a file whose tensors somebody writes himself, step by step: everything before the first tensor's bytes, which begin at a multiple of
  // kAlignment, as each tensor does. fill may be empty.
  std::string encode_header() const;
  static constexpr uint64_t kAlignment = 32;

 private:
  friend class GgufStream;
  struct Entry { std::string key; std::string bytes; };          // bytes: type and value, encoded
  struct Tensor { std::string name; gk_type type; std::vector<int64_t> shape; std::function<void(const Sink &)> fill; };
  void set(std::string_view key, std::string bytes);
  std::vector<Entry> entries_;
  std::vector<Tensor> tensors_;
};

class AtomicFile;

// The same file written from outside: the caller gives the tensors' bytes end to end, in the order in which they were added, in pieces of any
// size. `fill` of the tensors is not called. Nothing stands under the path until commit().
class GgufStream {
 public:
  GgufStream(const GgufWriter &writer, const std::string &path);   // writes the header; throws as GgufWriter::write
  ~GgufStream();
  void write(const void *bytes, uint64_t count);                   // throws GRAFT_IO; GRAFT_USAGE when there is more than the tensors hold
  void commit();                                                   // throws GRAFT_IO; GRAFT_USAGE, naming the tensor, when bytes lack

 private:
  void pass_full_tensors();
  std::vector<std::pair<std::string, uint64_t>> tensors_;          // name and bytes
  size_t current_ = 0;
  uint64_t given_ = 0;                                             // of the current one
  std::unique_ptr<AtomicFile> file_;
};

}  // namespace graft
