// The device a model runs on, and memory on it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "graft/ops.h"
#include "status.h"

namespace graft {

// Bytes of the device's memory; all 0 on the CPU.
struct DeviceMemory {
  int64_t used = 0, peak = 0, free_now = 0, total = 0;
};

class Runtime {
 public:
  // See graft_runtime_open. Throws Error.
  Runtime(const char *device, const char *isa, int32_t threads);
  ~Runtime();
  Runtime(const Runtime &) = delete;
  Runtime &operator=(const Runtime &) = delete;

  const gk_ops &ops() const { return *ops_; }
  gk_backend *backend() const { return backend_; }
  // The CPU's backend, for what is done on the host whatever the device: files are quantized and dequantized with it.
  gk_backend *host() const { return host_; }
  bool on_gpu() const { return backend_ != host_; }
  DeviceMemory memory() const;
  std::string describe_json() const;

 private:
  void open_gpu(const std::string &wanted);

  gk_backend *host_ = nullptr, *backend_ = nullptr;
  const gk_ops *ops_ = nullptr;
  std::string no_gpu_because_;   // what "auto" has to tell
};

// Throws when an op reports a failure; `what` names the op for the user.
void check(gk_status status, const char *what);

// One block of device memory divided among many tensors. Tensors are first declared (their sizes add up, which is also how memory is
// estimated), then allocated together.
class Workspace {
 public:
  // Declares a tensor of `count` floats; *pointer is set by allocate().
  void add(float **pointer, int64_t count);
  // An activation of `count` elements of this type.
  void add(gk_act *act, int64_t count, gk_type type);
  int64_t bytes() const { return bytes_; }
  // Throws GRAFT_OUT_OF_MEMORY naming `purpose` and the size. on_host: see gk_ops::alloc_host.
  void allocate(Runtime &runtime, const char *purpose, bool on_host = false);
  Workspace() = default;
  ~Workspace();
  Workspace(const Workspace &) = delete;
  Workspace &operator=(const Workspace &) = delete;

 private:
  void add_bytes(void **pointer, int64_t bytes);
  struct Slot { void **pointer; int64_t offset_bytes; };
  std::vector<Slot> slots_;
  int64_t bytes_ = 0;
  Runtime *runtime_ = nullptr;
  gk_buf memory_ = nullptr;
  bool on_host_ = false;
};

}  // namespace graft
