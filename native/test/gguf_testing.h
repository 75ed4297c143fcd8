// What the GGUF tests share: checks that count failures, GGUF files built byte by byte, a folder of their own.
#pragma once
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gguf.h"

namespace gguf_testing {

inline int failures = 0, checks = 0;

#define CHECK(condition)                                                               \
  do {                                                                                 \
    gguf_testing::checks++;                                                            \
    if (!(condition)) {                                                                \
      gguf_testing::failures++;                                                        \
      std::printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);              \
    }                                                                                  \
  } while (0)

// Prints the count; what main returns.
inline int finish(const char *name) {
  std::printf("%s: %d checks, %d failed\n", name, checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}

// Runs a group of checks; an Error that escapes is a failure.
template <class Test> void run(const char *name, Test test) {
  try {
    test();
  } catch (const graft::Error &error) {
    failures++;
    std::printf("%s: status %d: %s\n", name, error.status, error.message.c_str());
  }
}

// Runs `action`, which must throw an Error of this status whose message holds `fragment`.
template <class Action> void expect_error(const std::string &name, graft_status status, const std::string &fragment, Action action) {
  checks++;
  try {
    action();
  } catch (const graft::Error &error) {
    if (error.status == status && error.message.find(fragment) != std::string::npos && error.message.find('\n') == std::string::npos) return;
    failures++;
    std::printf("%s: wanted status %d and '%s', got status %d and '%s'\n", name.c_str(), status, fragment.c_str(), error.status, error.message.c_str());
    return;
  }
  failures++;
  std::printf("%s: wanted '%s', but nothing was thrown\n", name.c_str(), fragment.c_str());
}

// A folder that is removed with the files in it.
class Folder {
 public:
  Folder() {
    const char *base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/graft-gguf-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~Folder() { (void)!std::system(("rm -rf '" + path_ + "'").c_str()); }
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }
  // Number of entries, hidden ones included.
  int entries() const {
    std::FILE *list = ::popen(("ls -A '" + path_ + "' | wc -l").c_str(), "r");
    int count = -1;
    if (list == nullptr || std::fscanf(list, "%d", &count) != 1) count = -1;
    if (list != nullptr) ::pclose(list);
    return count;
  }

 private:
  std::string path_;
};

// A new file each time: truncating an old one makes ext4 write it out at close, which is slow twenty thousand times.
inline void write_file(const std::string &path, const std::string &bytes) {
  std::remove(path.c_str());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) std::abort();
}

inline std::string read_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

template <class T> std::string raw(T value) { return std::string(reinterpret_cast<const char *>(&value), sizeof value); }
inline std::string u32(uint32_t value) { return raw(value); }
inline std::string u64(uint64_t value) { return raw(value); }
inline std::string str(const std::string &text) { return u64(text.size()) + text; }

// Numbers of the value types in a file.
enum : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kStr, kArr, kU64, kI64, kF64 };

inline std::string kv(const std::string &key, uint32_t type, const std::string &payload) { return str(key) + u32(type) + payload; }
inline std::string array(uint32_t element, uint64_t count, const std::string &items) { return u32(element) + u64(count) + items; }
inline std::string tensor(const std::string &name, const std::vector<uint64_t> &shape, uint32_t type, uint64_t offset) {
  std::string bytes = str(name) + u32(static_cast<uint32_t>(shape.size()));
  for (const uint64_t extent : shape) bytes += u64(extent);
  return bytes + u32(type) + u64(offset);
}

// A whole file. `data` starts at the next multiple of `alignment`.
inline std::string file(const std::vector<std::string> &keys, const std::vector<std::string> &tensors, const std::string &data, uint32_t version = 3, uint64_t alignment = 32) {
  std::string bytes = "GGUF" + u32(version) + u64(tensors.size()) + u64(keys.size());
  for (const std::string &key : keys) bytes += key;
  for (const std::string &entry : tensors) bytes += entry;
  if (!tensors.empty()) bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
  return bytes + data;
}

}  // namespace gguf_testing
