#include "runtime.h"

#include <cstring>

namespace graft {

Runtime::Runtime(const char *device, const char *isa, int32_t threads) {
  const std::string wanted = device && *device ? device : "auto";
  if (threads < 0 || threads > 1024) fail(GRAFT_USAGE, "threads must be between 0 (all cores) and 1024, not %d", threads);
  if (wanted == "cuda") fail(GRAFT_FAILED, "device cuda: this build has no CUDA backend; use --device cpu");
  if (wanted != "auto" && wanted != "cpu") fail(GRAFT_USAGE, "unknown device \"%s\"; use auto, cpu or cuda", wanted.c_str());
  char message[512] = "";
  backend_ = gk_cpu_open(isa, threads, message, sizeof message);
  if (!backend_) fail(GRAFT_USAGE, "%s", message[0] ? message : "the cpu backend could not be opened");
  ops_ = gk_backend_ops(backend_);
}

Runtime::~Runtime() {
  if (backend_) ops_->close(backend_);
}

std::string Runtime::describe_json() const {
  const std::string text = ops_->describe(backend_);  // "cpu: <isa>, <n> threads"; plain ASCII without quotes
  std::string isas;
  const std::string all = gk_cpu_isas();
  size_t begin = 0;
  while (begin <= all.size()) {
    size_t end = all.find(',', begin);
    if (end == std::string::npos) end = all.size();
    if (!isas.empty()) isas += ',';
    isas += '"' + all.substr(begin, end - begin) + '"';
    begin = end + 1;
  }
  std::string isa = text, threads = "0";
  if (isa.rfind("cpu: ", 0) == 0) isa = isa.substr(5);
  const size_t comma = isa.find(',');
  if (comma != std::string::npos) {
    threads = std::to_string(std::atoi(isa.c_str() + comma + 1));
    isa = isa.substr(0, comma);
  }
  return "{\"device\":\"" + std::string(ops_->device) + "\",\"isa\":\"" + isa + "\",\"threads\":" + threads + ",\"isas\":[" + isas +
         "],\"describe\":\"" + text + "\"}";
}

void check(gk_status status, const char *what) {
  switch (status) {
    case GK_OK: return;
    case GK_OUT_OF_MEMORY: fail(GRAFT_OUT_OF_MEMORY, "out of memory in %s; use a smaller --micro-batch-tokens or --max-length, or --recompute block", what);
    case GK_UNSUPPORTED: fail(GRAFT_FAILED, "%s is not supported on this device", what);
    default: fail(GRAFT_FAILED, "the device failed in %s", what);
  }
}

void Workspace::add(float **pointer, int64_t count) {
  *pointer = nullptr;
  slots_.push_back({pointer, bytes_});
  bytes_ += (count * int64_t(sizeof(float)) + 63) / 64 * 64;
}

void Workspace::allocate(Runtime &runtime, const char *purpose) {
  runtime_ = &runtime;
  memory_ = runtime.ops().alloc(runtime.backend(), bytes_ ? bytes_ : 64);
  if (!memory_)
    fail(GRAFT_OUT_OF_MEMORY, "%s needs %.2f GiB that could not be had; use a smaller --micro-batch-tokens or --max-length, or --recompute block",
         purpose, double(bytes_) / (1 << 30));
  for (const Slot &slot : slots_) *slot.pointer = reinterpret_cast<float *>(static_cast<char *>(memory_) + slot.offset_bytes);
}

Workspace::~Workspace() {
  if (memory_) runtime_->ops().release(runtime_->backend(), memory_);
}

}  // namespace graft
