// The device a model runs on, and memory on it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "graft/ops.h"
#include "status.h"

namespace graft {

class Runtime {
 public:
  // See graft_runtime_open. Throws Error.
  Runtime(const char *device, const char *isa, int32_t threads);
  ~Runtime();
  Runtime(const Runtime &) = delete;
  Runtime &operator=(const Runtime &) = delete;

  const gk_ops &ops() const { return *ops_; }
  gk_backend *backend() const { return backend_; }
  std::string describe_json() const;

 private:
  gk_backend *backend_ = nullptr;
  const gk_ops *ops_ = nullptr;
};

// Throws when an op reports a failure; `what` names the op for the user.
void check(gk_status status, const char *what);

// One block of device memory divided among many tensors. Tensors are first declared (their sizes add up, which is also how memory is
// estimated), then allocated together.
class Workspace {
 public:
  // Declares a tensor of `count` floats; *pointer is set by allocate().
  void add(float **pointer, int64_t count);
  int64_t bytes() const { return bytes_; }
  // Throws GRAFT_OUT_OF_MEMORY naming `purpose` and the size.
  void allocate(Runtime &runtime, const char *purpose);
  Workspace() = default;
  ~Workspace();
  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;

 private:
  struct Slot { float **pointer; int64_t offset_bytes; };
  std::vector<Slot> slots_;
  int64_t bytes_ = 0;
  Runtime *runtime_ = nullptr;
  gk_buf memory_ = nullptr;
};

}  // namespace graft
