#include "runtime.h"

#include <cstdlib>
#include <cstring>

#include "cuda_library.h"
#include "json_text.h"

namespace graft {

Runtime::Runtime(const char *device, const char *isa, int32_t threads) {
  const std::string wanted = device && *device ? device : "auto";
  if (threads < 0 || threads > 1024) fail(GRAFT_USAGE, "threads must be between 0 (all cores) and 1024, not %d", threads);
  char *end = nullptr;
  if (wanted.rfind("cuda:", 0) == 0 && (wanted.size() == 5 || std::strtol(wanted.c_str() + 5, &end, 10) < 0 || *end))
    fail(GRAFT_USAGE, "device \"%s\" has no number of a GPU; use cuda, or cuda:0 and the like", wanted.c_str());
  if (wanted != "auto" && wanted != "cpu" && wanted != "cuda" && wanted.rfind("cuda:", 0) != 0) fail(GRAFT_USAGE, "unknown device \"%s\"; use auto, cpu or cuda", wanted.c_str());
  char message[512] = "";
  host_ = gk_cpu_open(isa, threads, message, sizeof message);
  if (!host_) fail(GRAFT_USAGE, "%s", message[0] ? message : "the cpu backend could not be opened");
  backend_ = host_;
  try {
    if (wanted != "cpu") open_gpu(wanted);
  } catch (...) {
    gk_backend_ops(host_)->close(host_);
    throw;
  }
  ops_ = gk_backend_ops(backend_);
}

// "auto" stays on the CPU where there is no GPU; where there is one that cannot be used, the description says why.
void Runtime::open_gpu(const std::string &wanted) {
  std::string why;
  const CudaLibrary *library = CudaLibrary::get(&why);
  gk_backend *gpu = library ? library->open(wanted.size() > 5 ? std::atoi(wanted.c_str() + 5) : 0, &why) : nullptr;
  if (gpu)
    backend_ = gpu;
  else if (wanted != "auto")
    fail(GRAFT_FAILED, "device %s: %s", wanted.c_str(), why.c_str());
  else if (library && why.rfind("no NVIDIA", 0) != 0)
    no_gpu_because_ = why;
}

Runtime::~Runtime() {
  if (on_gpu()) ops_->close(backend_);
  gk_backend_ops(host_)->close(host_);
}

DeviceMemory Runtime::memory() const {
  DeviceMemory m;
  if (const CudaLibrary *library = on_gpu() ? CudaLibrary::get(nullptr) : nullptr) library->memory(backend_, &m.used, &m.peak, &m.free_now, &m.total);
  return m;
}

std::string Runtime::describe_json() const {
  const std::string host = gk_backend_ops(host_)->describe(host_);  // "cpu: <isa>, <n> threads"
  const size_t isa = host.find(": ") + 2, comma = host.find(',', isa);
  JsonText json;
  json.begin_object();
  json.field("device", std::string(ops_->device));
  json.field("isa", host.substr(isa, comma - isa));
  json.field("threads", int64_t(std::atoi(host.c_str() + comma + 1)));
  json.key("isas");
  json.begin_array();
  const std::string all = gk_cpu_isas();
  for (size_t begin = 0, end; begin <= all.size(); begin = end + 1) {
    end = std::min(all.find(',', begin), all.size());
    json.value(all.substr(begin, end - begin));
  }
  json.end_array();
  json.field("describe", (on_gpu() ? ops_->describe(backend_) : host) + (no_gpu_because_.empty() ? "" : " (no cuda: " + no_gpu_because_ + ")"));
  json.end_object();
  return json.text();
}

// The plug-in's own words about a failure, in brackets.
static std::string device_words() {
  const std::string words = CudaLibrary::last_error();
  return words.empty() ? "" : " (" + words + ")";
}

void check(gk_status status, const char *what) {
  if (status == GK_OK) return;
  const std::string words = device_words();
  switch (status) {
    case GK_OUT_OF_MEMORY: fail(GRAFT_OUT_OF_MEMORY, "out of memory in %s%s; use a smaller --micro-batch-tokens or --max-length, or --recompute block", what, words.c_str());
    case GK_UNSUPPORTED: fail(GRAFT_FAILED, "%s is not supported on this device%s", what, words.c_str());
    default: fail(GRAFT_FAILED, "the device failed in %s%s", what, words.c_str());
  }
}

void Workspace::add(float **pointer, int64_t count) { add_bytes(reinterpret_cast<void **>(pointer), count * int64_t(sizeof(float))); }

void Workspace::add(gk_act *act, int64_t count, gk_type type) {
  act->type = type;
  add_bytes(&act->data, gk_type_bytes(type, count));
}

void Workspace::add_bytes(void **pointer, int64_t bytes) {
  *pointer = nullptr;
  slots_.push_back({pointer, bytes_});
  bytes_ += (bytes + 63) / 64 * 64;
}

void Workspace::allocate(Runtime &runtime, const char *purpose, bool on_host) {
  runtime_ = &runtime;
  on_host_ = on_host;
  const int64_t bytes = bytes_ ? bytes_ : 64;
  memory_ = on_host ? runtime.ops().alloc_host(runtime.backend(), bytes) : runtime.ops().alloc(runtime.backend(), bytes);
  if (!memory_)
    fail(GRAFT_OUT_OF_MEMORY, "%s needs %.2f GiB that could not be had%s; use a smaller --micro-batch-tokens or --max-length, or --recompute block",
         purpose, double(bytes_) / (1 << 30), device_words().c_str());
  for (const Slot &slot : slots_) *slot.pointer = static_cast<char *>(memory_) + slot.offset_bytes;
}

Workspace::~Workspace() {
  if (!memory_) return;
  if (on_host_) runtime_->ops().release_host(runtime_->backend(), memory_);
  else runtime_->ops().release(runtime_->backend(), memory_);
}

}  // namespace graft
