/* CUDA's runtime over host memory: streams run at once, or late; graphs remember what was asked for; limits are a GPU's. */
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "emulator_internal.h"

struct emulated_graph { std::vector<std::function<cudaError_t()>> work; };
struct emulated_graph_exec { std::vector<std::function<cudaError_t()>> work; };
struct emulated_work { int64_t number; std::function<cudaError_t()> run; };   // numbered over all streams, as queued
struct emulated_stream {
  int (*enqueue)(emulated_stream *, void (*run)(void *), void *argument);   // first, for fake_cublas.c: queues a call
  emulated_graph *capture = nullptr;
  std::deque<emulated_work> waiting;   // with GRAFT_EMULATOR_DELAY
  int64_t queued = 0, done = 0;
};
struct emulated_event {
  emulated_stream *stream = nullptr;
  int64_t at = 0;   // done when the stream has done so much
};

namespace {

struct Block { size_t bytes; bool device; };
struct Device {
  int major = 9, minor = 0;
  size_t memory = size_t(8) << 30, used = 0;
  bool strict = false, hung = false;
  int delay = 0;
  int64_t launches = 0, graph_launches = 0, fail_at = -1, hang_at = -1;
  int64_t numbered = 0, running = 0, aside_launches = 0, early_launches = 0;   // running: the number of the work that is done now
  emulated_stream *first = nullptr;   // the stream that was made first
  int driver = 13000, devices = 1;
  std::set<emulated_stream *> streams;
  cudaError_t last = cudaSuccess, broken = cudaSuccess;
  std::map<char *, Block> blocks;
  std::map<const void *, size_t> shared_limit;

  Device() {
    if (const char *text = getenv("GRAFT_EMULATOR_MEMORY")) memory = size_t(atoll(text));
    if (const char *text = getenv("GRAFT_EMULATOR_STRICT")) strict = *text == '1';
    if (const char *text = getenv("GRAFT_EMULATOR_FAIL")) fail_at = atoll(text);
    if (const char *text = getenv("GRAFT_EMULATOR_HANG")) hang_at = atoll(text);
    if (const char *text = getenv("GRAFT_EMULATOR_DELAY")) delay = atoi(text);
    if (const char *text = getenv("GRAFT_EMULATOR_DRIVER")) driver = atoi(text);
    if (const char *text = getenv("GRAFT_EMULATOR_DEVICES")) devices = atoi(text);
    if (const char *text = getenv("GRAFT_EMULATOR_COMPUTE")) major = atoi(text), minor = strchr(text, '.') ? atoi(strchr(text, '.') + 1) : 0;
  }
  size_t most_shared() const { return major == 8 && (minor == 6 || minor == 9) ? 99 << 10 : major == 8 ? 163 << 10 : 227 << 10; }
};

Device &device() {
  static Device the_device;
  return the_device;
}

cudaError_t result(cudaError_t error) {
  if (error != cudaSuccess) device().last = error;
  return error;
}

/* Opens device memory for the length of a kernel or copy. */
struct Access {
  static void set(int protection) {
    if (device().strict)
      for (const auto &[at, b] : device().blocks)
        if (b.device) mprotect(at, b.bytes, protection);
  }
  Access() { set(PROT_READ | PROT_WRITE); }
  ~Access() { set(PROT_NONE); }
};

size_t rounded(size_t bytes) {
  const size_t page = size_t(sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

/* The block ends where its pages end, less up to 255 bytes, so that reads past it crash; addresses are multiples of 256 as CUDA's are. */
cudaError_t take(void **out, size_t bytes, bool of_device) {
  const size_t inside = rounded(bytes ? bytes : 1);
  if (bytes > (size_t(1) << 46) || (of_device && device().used + inside > device().memory)) return result(cudaErrorMemoryAllocation);
  char *at = static_cast<char *>(mmap(nullptr, inside + rounded(1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (at == MAP_FAILED) return result(cudaErrorMemoryAllocation);
  mprotect(at, inside, of_device && device().strict ? PROT_NONE : PROT_READ | PROT_WRITE);
  device().blocks[at] = {inside, of_device};
  if (of_device) device().used += inside;
  *out = at + (inside - (bytes + 255) / 256 * 256);
  if (!bytes) *out = at;
  return cudaSuccess;
}

cudaError_t give(void *p) {
  if (!p) return cudaSuccess;
  auto found = device().blocks.upper_bound(static_cast<char *>(p));
  if (found == device().blocks.begin()) return result(cudaErrorInvalidValue);
  --found;
  if (static_cast<char *>(p) >= found->first + found->second.bytes) return result(cudaErrorInvalidValue);
  munmap(found->first, found->second.bytes + rounded(1));
  if (found->second.device) device().used -= found->second.bytes;
  device().blocks.erase(found);
  return cudaSuccess;
}

/* What never ends on a GPU ends the program here. */
void not_hung(const char *call) {
  if (!device().hung) return;
  fprintf(stderr, "emulator: %s waits for a kernel that never ends\n", call);
  abort();
}

/* Runs what waits in the stream until so much of it is done. */
void advance(emulated_stream *stream, int64_t until) {
  while (stream->done < until && !device().hung) {
    const emulated_work work = std::move(stream->waiting.front());
    stream->waiting.pop_front();
    stream->done++;
    device().running = work.number;
    if (device().broken == cudaSuccess)
      if (const cudaError_t error = work.run(); error != cudaSuccess) device().broken = error;
  }
}
void advance_all() {
  for (emulated_stream *stream : device().streams) advance(stream, stream->queued);
}

cudaError_t enqueue(cudaStream_t stream, std::function<cudaError_t()> work) {
  if (device().broken != cudaSuccess) return result(device().broken);
  if (stream && stream->capture) {
    stream->capture->work.push_back(std::move(work));
    return cudaSuccess;
  }
  if (stream && device().delay) {
    stream->waiting.push_back({++device().numbered, std::move(work)});
    stream->queued++;
    if (device().delay == 2 && stream != device().first) advance(stream, stream->queued);
    return cudaSuccess;
  }
  return device().hung ? cudaSuccess : result(work());
}

int enqueue_call(emulated_stream *stream, void (*run)(void *), void *argument) {
  return enqueue(stream, [=] {
    Access open;
    run(argument);
    return cudaSuccess;
  });
}

/* A kernel of this stream begins. */
void count_launch(emulated_stream *stream) {
  Device &d = device();
  d.launches++;
  if (!stream || !d.first || stream == d.first) return;
  d.aside_launches++;
  if (!d.first->waiting.empty() && d.first->waiting.front().number < d.running) d.early_launches++;
}

}  // namespace

extern "C" int64_t emulator_launches() { return device().launches; }
extern "C" int64_t emulator_graph_launches() { return device().graph_launches; }
extern "C" int64_t emulator_aside_launches() { return device().aside_launches; }
extern "C" int64_t emulator_early_launches() { return device().early_launches; }

const char *cudaGetErrorName(cudaError_t e) {
  switch (e) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorInsufficientDriver: return "cudaErrorInsufficientDriver";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    default: return "cudaErrorInvalidValue";
  }
}
const char *cudaGetErrorString(cudaError_t e) {
  switch (e) {
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorNotReady: return "device not ready";
    case cudaSuccess: return "no error";
    default: return "invalid argument";
  }
}
cudaError_t cudaGetLastError() {
  const cudaError_t e = device().last;
  device().last = cudaSuccess;
  return e;
}
cudaError_t cudaDriverGetVersion(int *v) { *v = device().driver; return cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *v) { *v = 13000; return cudaSuccess; }
cudaError_t cudaGetDeviceCount(int *n) {
  *n = 0;
  if (device().driver < 13000) return result(cudaErrorInsufficientDriver);
  if (device().devices == 0) return result(cudaErrorNoDevice);
  *n = device().devices;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int n) { return n >= 0 && n < device().devices ? cudaSuccess : result(cudaErrorInvalidDevice); }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
  memset(p, 0, sizeof *p);
  snprintf(p->name, sizeof p->name, "emulated GPU");
  p->totalGlobalMem = device().memory, p->major = device().major, p->minor = device().minor, p->multiProcessorCount = 4, p->l2CacheSize = 1 << 20;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr a, int) {
  switch (a) {
    case cudaDevAttrMultiProcessorCount: *v = 4; break;
    case cudaDevAttrComputeCapabilityMajor: *v = device().major; break;
    case cudaDevAttrComputeCapabilityMinor: *v = device().minor; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *v = int(device().most_shared()); break;
  }
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  *total = device().memory, *free = device().memory - device().used;
  return cudaSuccess;
}
cudaError_t cudaMalloc(void **p, size_t bytes) { return take(p, bytes, true); }
cudaError_t cudaMallocManaged(void **p, size_t bytes, unsigned) { return take(p, bytes, false); }
cudaError_t cudaFree(void *p) {   /* waits for the device, as CUDA's does */
  not_hung("cudaFree");
  advance_all();
  return give(p);
}
cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned) { return take(p, bytes, false); }
cudaError_t cudaFreeHost(void *p) {
  not_hung("cudaFreeHost");
  advance_all();
  return give(p);
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t s) {
  return enqueue(s, [=] {
    Access open;
    memmove(to, from, bytes);
    return cudaSuccess;
  });
}
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t s) {
  return enqueue(s, [=] {
    Access open;
    memset(to, value, bytes);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) {
  *s = new emulated_stream;
  (*s)->enqueue = enqueue_call;
  if (!device().first) device().first = *s;
  device().streams.insert(*s);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  advance(s, s->queued);
  device().streams.erase(s);
  if (device().first == s) device().first = nullptr;
  delete s;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  advance(s, s->queued);
  not_hung("cudaStreamSynchronize");
  return result(device().broken);
}
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) {   /* for what was recorded by now; of a captured one nothing here knows how */
  if (!s || s->capture) return result(cudaErrorInvalidValue);
  emulated_stream *of = e->stream;
  if (!of || of == s) return cudaSuccess;
  const int64_t at = e->at;
  return enqueue(s, [of, at] {
    if (device().streams.count(of)) advance(of, at);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
  if (!s || s->capture) return result(cudaErrorInvalidValue);
  s->capture = new emulated_graph;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g) {
  if (!s->capture) return result(cudaErrorInvalidValue);
  *g = s->capture;
  s->capture = nullptr;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *e, cudaGraph_t g, unsigned long long) {
  *e = new emulated_graph_exec{g->work};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) {
  device().graph_launches++;
  const auto all = e->work;   /* as they are now: the graph may go before they run */
  return enqueue(s, [all] {
    for (const auto &work : all)
      if (const cudaError_t error = work(); error != cudaSuccess) return error;
    return cudaSuccess;
  });
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t e) { delete e; return cudaSuccess; }
cudaError_t cudaGraphDestroy(cudaGraph_t g) { delete g; return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) { *e = new emulated_event; return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t e) { delete e; return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
  if (s && s->capture) return result(cudaErrorInvalidValue);
  e->stream = s, e->at = s ? s->queued : 0;
  return cudaSuccess;
}
/* What waits gets done by being asked for, which finds it not done yet. */
cudaError_t cudaEventQuery(cudaEvent_t e) {
  const bool ready = !e->stream || e->stream->done >= e->at;
  if (!ready) advance(e->stream, e->at);
  if (device().hung || !ready) return result(cudaErrorNotReady);
  return result(device().broken);
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  if (e->stream) advance(e->stream, e->at);
  not_hung("cudaEventSynchronize");
  return result(device().broken);
}
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t, cudaEvent_t) { *ms = 1; return cudaSuccess; }
cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute, int bytes) {
  if (size_t(bytes) > device().most_shared()) return result(cudaErrorInvalidValue);
  device().shared_limit[kernel] = size_t(bytes);
  return cudaSuccess;
}

cudaError_t emulator_launch(const void *kernel, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, std::function<void()> run) {
  size_t limit = 48 << 10;
  if (const auto set = device().shared_limit.find(kernel); set != device().shared_limit.end() && set->second > limit) limit = set->second;
  const bool fits = block.x >= 1 && block.x * block.y * block.z <= 1024 && block.y == 1 && block.z == 1 && grid.x >= 1 && grid.x <= 0x7fffffffu &&
                    grid.y >= 1 && grid.y <= 65535 && grid.z >= 1 && grid.z <= 65535 && shared_bytes <= limit;
  if (!fits) return result(cudaErrorInvalidConfiguration);
  return enqueue(stream, [=] {
    count_launch(stream);
    if (device().hang_at >= 0 && device().launches > device().hang_at) {
      device().hung = true;
      return cudaSuccess;
    }
    if (device().fail_at >= 0 && device().launches > device().fail_at) return device().broken = cudaErrorIllegalAddress;
    Access open;
    emulator::run_grid(grid, block, shared_bytes, run);
    return cudaSuccess;
  });
}
