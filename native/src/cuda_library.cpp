#include "cuda_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>

namespace graft {
namespace {

std::mutex mutex;
std::string named;
bool tried = false, found = false;
std::string why_not;
CudaLibrary library;

std::string beside_this_library() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<const void *>(&beside_this_library), &info) || !info.dli_fname) return "";
  const std::string path = info.dli_fname;
  const size_t slash = path.rfind('/');
  return (slash == std::string::npos ? std::string() : path.substr(0, slash + 1)) + "libgraft_cuda.so";
}

template <typename F> bool symbol(void *handle, const char *name, F **out) {
  *out = reinterpret_cast<F *>(dlsym(handle, name));
  return *out != nullptr;
}

}  // namespace

void CudaLibrary::use(const std::string &path) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!tried) named = path;
}

const CudaLibrary *CudaLibrary::get(std::string *why) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!tried) {
    tried = true;
    const char *wanted = std::getenv("GRAFT_CUDA_LIBRARY");
    const std::string path = !named.empty() ? named : wanted && *wanted ? wanted : beside_this_library();
    void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    gk_cuda_ops_bytes_fn *bytes = nullptr;
    if (!handle) {
      const char *text = dlerror();
      why_not = "this build has no CUDA plug-in (" + std::string(text ? text : path) + "); build where nvcc is found, or set GRAFT_CUDA_LIBRARY";
    } else if (!symbol(handle, "gk_cuda_ops_bytes", &bytes) || !symbol(handle, "gk_cuda_open", &library.open_) ||
               !symbol(handle, "gk_cuda_last_error", &library.last_error_) || !symbol(handle, "gk_cuda_memory", &library.memory) ||
               bytes() != int64_t(sizeof(gk_ops))) {
      why_not = path + " is no CUDA plug-in of this build; build both from the same sources";
    } else {
      found = true;
    }
  }
  if (!found && why) *why = why_not;
  return found ? &library : nullptr;
}

gk_backend *CudaLibrary::open(int32_t device, std::string *why) const {
  char message[512] = "";
  gk_backend *backend = open_(device, message, sizeof message);
  if (!backend && why) *why = message[0] ? message : "the GPU could not be opened";
  return backend;
}

std::string CudaLibrary::last_error() {
  const std::lock_guard<std::mutex> lock(mutex);
  return found ? library.last_error_() : "";
}

}  // namespace graft
