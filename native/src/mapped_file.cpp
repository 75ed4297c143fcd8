#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "gguf.h"
#include "status.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace graft {

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() { if (fd >= 0) ::close(fd); }
};

[[noreturn]] void refuse(graft_status status, const std::string &path, const std::string &why) {
  throw Error{status, printable(path, 4096) + ": " + why};
}

// The rest of the last page reads as zeros; under AddressSanitizer a read of it is an error, as it would be beyond a heap block.
void poison_tail(const void *data, uint64_t size, bool on) {
#if defined(__SANITIZE_ADDRESS__)
  const uint64_t page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)), tail = (page - size % page) % page;
  const char *end = static_cast<const char *>(data) + size;
  if (on) __asan_poison_memory_region(end, tail);
  else __asan_unpoison_memory_region(end, tail);
#else
  (void)data, (void)size, (void)on;
#endif
}

}  // namespace

std::unique_ptr<MappedFile> MappedFile::open(const std::string &path) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) refuse(GRAFT_BAD_FILE, path, "cannot open: " + os_error());
  struct stat info;
  if (::fstat(file.fd, &info) != 0) refuse(GRAFT_BAD_FILE, path, "cannot open: " + os_error());
  if (S_ISDIR(info.st_mode)) refuse(GRAFT_BAD_FILE, path, "is a folder; name the .gguf file inside it");
  if (!S_ISREG(info.st_mode)) refuse(GRAFT_BAD_FILE, path, "is not a regular file");
  if (info.st_size <= 0) refuse(GRAFT_BAD_FILE, path, "the file is empty");
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > std::numeric_limits<size_t>::max()) refuse(GRAFT_BAD_FILE, path, "the file is too large for this machine's address space");
  void *data = ::mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) refuse(errno == ENOMEM ? GRAFT_OUT_OF_MEMORY : GRAFT_BAD_FILE, path, "cannot map: " + os_error());
  poison_tail(data, size, true);
  return std::unique_ptr<MappedFile>(new MappedFile(static_cast<const uint8_t *>(data), size));
}

MappedFile::~MappedFile() {
  poison_tail(data_, size_, false);
  ::munmap(const_cast<uint8_t *>(data_), static_cast<size_t>(size_));
}

void MappedFile::prefetch() const { (void)::madvise(const_cast<uint8_t *>(data_), static_cast<size_t>(size_), MADV_WILLNEED); }

namespace {
// The whole pages of a part: inner ones, or all that it touches.
void advise(const void *begin, uint64_t bytes, int advice, bool inner) {
  const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE)), from = reinterpret_cast<uintptr_t>(begin), to = from + bytes;
  const uintptr_t first = (inner ? from + page - 1 : from) / page * page, last = (inner ? to : to + page - 1) / page * page;
  if (first < last) (void)::madvise(reinterpret_cast<void *>(first), last - first, advice);
}
}  // namespace

void MappedFile::prefetch(const void *begin, uint64_t bytes) const { advise(begin, bytes, MADV_WILLNEED, false); }
void MappedFile::release(const void *begin, uint64_t bytes) const { advise(begin, bytes, MADV_DONTNEED, true); }

}  // namespace graft
