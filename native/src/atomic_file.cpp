#include "atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "gguf.h"
#include "status.h"

namespace graft {

namespace {

[[noreturn]] void refuse(const std::string &path, const std::string &why) { throw Error{GRAFT_IO, printable(path, 4096) + ": " + why}; }

std::string folder_of(const std::string &path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The name that rename() should replace: path itself, or what it links to.
std::string follow_link(const std::string &path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) refuse(path, "cannot write: " + os_error());
    return path;
  }
  if (!S_ISLNK(info.st_mode)) {
    if (!S_ISREG(info.st_mode)) refuse(path, "cannot write: it exists and is not a regular file");
    return path;
  }
  char *resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) refuse(path, "cannot write: it is a symbolic link that leads nowhere (" + os_error() + ")");
  const std::string target = resolved;
  std::free(resolved);
  if (::stat(target.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) refuse(path, "cannot write: it links to something that is not a regular file");
  return target;
}

}  // namespace

AtomicFile::AtomicFile(const std::string &path) : path_(path), target_(follow_link(path)) {
  static std::atomic<uint64_t> counter{0};
  const std::string folder = folder_of(target_);
  std::string name = target_.substr(target_.rfind('/') + 1);        // npos + 1 == 0
  if (name.empty() || name == "." || name == "..") refuse(path_, "cannot write: this is not the name of a file");
  name.resize(name.size() < 200 ? name.size() : 200);                // the temporary's name must fit NAME_MAX too
  int fd = -1;
  for (int attempt = 0; fd < 0; attempt++) {                         // a crashed process with our id may have left such a name
    temporary_ = folder + "/." + name + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
    fd = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && (errno != EEXIST || attempt == 100)) refuse(path_, "cannot create a file in this folder: " + os_error());
  }
  file_ = ::fdopen(fd, "wb");
  if (file_ == nullptr) {
    const std::string why = os_error();
    ::close(fd);
    ::unlink(temporary_.c_str());
    refuse(path_, "cannot write: " + why);
  }
  std::setvbuf(file_, nullptr, _IOFBF, 1 << 18);
}

AtomicFile::~AtomicFile() {
  if (file_ != nullptr) std::fclose(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void *bytes, uint64_t count) {
  if (count == 0) return;
  if (std::fwrite(bytes, 1, static_cast<size_t>(count), file_) != count)
    refuse(path_, "cannot write: " + os_error() + " (after " + std::to_string(written_) + " bytes; the unfinished file was removed)");
  written_ += count;
}

void AtomicFile::commit() {
  if (std::fflush(file_) != 0 || ::fsync(::fileno(file_)) != 0)
    refuse(path_, "cannot write: " + os_error() + " (the unfinished file was removed)");
  std::FILE *file = file_;
  file_ = nullptr;
  if (std::fclose(file) != 0) refuse(path_, "cannot write: " + os_error() + " (the unfinished file was removed)");
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse(path_, "cannot rename the finished file into place: " + os_error());
  temporary_.clear();
  // The rename itself must survive a power cut. Some file systems cannot sync a folder and say EINVAL; the file is whole all the same.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;                                            // a folder one may write to but not read
  const bool synced = ::fsync(folder) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;
  const std::string why = synced ? "" : os_error();
  ::close(folder);
  if (!synced) refuse(path_, "written, but its folder could not be synced: " + why);
}

}  // namespace graft
