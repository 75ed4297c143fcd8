// A file that appears under its name whole or not at all: temporary beside it, fsync, rename, fsync of the folder.
#pragma once
#include <cstdint>
#include <cstdio>
#include <string>

namespace graft {

// A symbolic link is followed: its target is replaced, not the link. A target that exists must be a regular file (never a device or folder).
// Not for two threads at once; different AtomicFiles are independent, also for the same path (the last commit wins).
class AtomicFile {
 public:
  explicit AtomicFile(const std::string &path);   // throws GRAFT_IO
  ~AtomicFile();                                  // removes the temporary unless commit() was called
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;
  void write(const void *bytes, uint64_t count);  // throws GRAFT_IO
  uint64_t written() const { return written_; }
  void commit();                                  // throws GRAFT_IO

 private:
  std::string path_, target_, temporary_;          // path_ as given, for messages; target_ with links followed
  std::FILE *file_ = nullptr;
  uint64_t written_ = 0;
};

}  // namespace graft
