// A regular file mapped read-only.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace graft {

// The mapping is private and read-only. The size is taken once, at open: a file that another process shortens afterwards ends this process with
// SIGBUS when a lost page is touched, and one that it overwrites changes under us. No reader of mapped files can prevent that cheaply; files
// written by rename (as ours are) never do it, because the mapping keeps the old file alive.
class MappedFile {
 public:
  // Throws GRAFT_BAD_FILE (missing, no permission, a folder or device, empty). The message begins with the path.
  static std::unique_ptr<MappedFile> open(const std::string &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  const uint8_t *data() const { return data_; }
  uint64_t size() const { return size_; }              // >= 1
  void prefetch() const;                               // a hint: read everything ahead
  void prefetch(const void *begin, uint64_t bytes) const;   // a hint: read this part ahead
  void release(const void *begin, uint64_t bytes) const;    // this part is not needed soon; it counts as memory of ours no longer

 private:
  MappedFile(const uint8_t *data, uint64_t size) : data_(data), size_(size) {}
  const uint8_t *data_;
  uint64_t size_;
};

}  // namespace graft
