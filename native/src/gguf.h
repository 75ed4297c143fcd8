// GGUF v2 and v3: a memory-mapped reader that trusts nothing, and its value types.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
// Stricter than the format where leniency would only move the failure: see the list at the top of gguf.cpp.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graft/ops.h"
#include "status.h"

namespace graft {

enum class GgufType : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64 };
const char *name_of(GgufType type);            // as llama.cpp prints it: "u32", "str", "arr"

// Bytes from a file made fit for a message: one line of valid UTF-8, cut to about `limit` bytes, control characters as \xNN.
std::string printable(std::string_view text, size_t limit = 80);

// A metadata value, still in the mapped file. Views live as long as the Gguf.
struct GgufValue {
  GgufType type;              // Array for arrays
  GgufType element;           // arrays: type of the items (never Array)
  uint64_t count;             // arrays: number of items; else 1
  const uint8_t *data;        // first byte of the (first) item; little-endian, unaligned; a string item starts with its u64 length
  uint64_t bytes;             // bytes of all items
  uint64_t first_offset = 0;  // arrays of strings: where its entries in Gguf::string_offsets_ start
};

struct GgufTensor {
  std::string name;
  gk_type type;
  int32_t dimensions;         // 1..4
  int64_t shape[4];           // ne0 is the row length; unused ones are 1; all >= 1; product does not overflow
  uint64_t offset;            // from the start of the file, inside the file with all its bytes
  uint64_t bytes;
  const void *data;           // mapped
  int64_t elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
};

class MappedFile;

class Gguf {
 public:
  // Throws Error with GRAFT_BAD_FILE; the message begins with the path.
  static std::unique_ptr<Gguf> open(const std::string &path);
  ~Gguf();

  const std::string &path() const { return path_; }
  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  uint64_t file_bytes() const;
  // Asks the kernel to read the whole file ahead (a hint, returns at once). Worth it before weights are used, not for a look at the header.
  void prefetch() const;
  // The same for a part of a tensor, and its end: it will not be needed soon.
  void prefetch(const void *begin, uint64_t bytes) const;
  void release(const void *begin, uint64_t bytes) const;
  const std::vector<std::pair<std::string, GgufValue>> &metadata() const { return metadata_; }
  const std::vector<GgufTensor> &tensors() const { return tensors_; }

  const GgufValue *find(std::string_view key) const;        // NULL when absent
  const GgufTensor *tensor(std::string_view name) const;    // NULL when absent

  // Typed access. The `require_` ones throw GRAFT_BAD_FILE naming the key when it is absent; all throw when it has another type
  // (any integer type is taken for integers if the value fits; F32 or F64 for floats).
  bool has(std::string_view key) const { return find(key) != nullptr; }
  int64_t require_int(std::string_view key) const;
  int64_t get_int(std::string_view key, int64_t otherwise) const;
  double get_float(std::string_view key, double otherwise) const;
  bool get_bool(std::string_view key, bool otherwise) const;
  std::string require_string(std::string_view key) const;
  std::string get_string(std::string_view key, std::string_view otherwise) const;
  // Item of an array of strings (or a plain string with index 0).
  std::string_view string_item(const GgufValue &value, std::string_view key, uint64_t index) const;

 private:
  Gguf() = default;
  friend class GgufParser;
  std::string path_;
  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  std::unique_ptr<MappedFile> file_;
  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::unordered_map<std::string, size_t> metadata_index_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string, size_t> tensor_index_;
  std::vector<uint64_t> string_offsets_;   // see gguf.cpp: random access into arrays of strings
};

}  // namespace graft
