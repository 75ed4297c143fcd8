// The CUDA plug-in, libgraft_cuda.so: found and opened at run time, so that a machine without a GPU needs nothing of it.
#pragma once
#include <cstdint>
#include <string>

#include "graft/cuda.h"

namespace graft {

class CudaLibrary {
 public:
  // The plug-in, opened once for the process; NULL when there is none or it does not fit, and *why says in one line what was looked for and where.
  // Looked for: the file given to use(), that of GRAFT_CUDA_LIBRARY, libgraft_cuda.so beside this library.
  static const CudaLibrary *get(std::string *why);
  // Names the file, before the first get().
  static void use(const std::string &path);
  // What the plug-in says about the last failure of this thread, which is then forgotten; "" when nothing failed, or no plug-in is open.
  static std::string last_error();

  gk_backend *open(int32_t device, std::string *why) const;
  gk_cuda_memory_fn *memory = nullptr;

 private:
  gk_cuda_open_fn *open_ = nullptr;
  gk_cuda_last_error_fn *last_error_ = nullptr;
};

}  // namespace graft
