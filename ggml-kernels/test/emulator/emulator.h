/* A GPU made of fibers: the kernels of src/cuda and the part of CUDA's runtime that their host side uses, on the host.
 *
 * Every thread of a block is a fiber, which runs until it waits for its warp or its block. The order in which fibers run alternates
 * from block to block, so that a missing barrier shows; shared memory holds NaN at first; copies to shared memory arrive only when they are
 * waited for; misaligned ones, barriers that not all reach, and launches that a GPU would refuse end the program or fail by name.
 *
 * Device memory is host memory, so that tests may pass guarded buffers. With GRAFT_EMULATOR_STRICT=1 it can be touched by kernels and
 * copies only: host code that looks into a device tensor crashes, as it would with a GPU.
 *
 *   GRAFT_EMULATOR_MEMORY     bytes of device memory (default 8 GiB)
 *   GRAFT_EMULATOR_FAIL=N     launches after the first N fail with cudaErrorIllegalAddress, and everything after
 *   GRAFT_EMULATOR_HANG=N     the launch after the first N never ends; what waits for it without asking the time ends the program
 *   GRAFT_EMULATOR_DELAY=1    what is queued is done when it is waited for and no sooner, so that memory reused too early shows, and a stream that
 *                             does not wait for another's event finds nothing of its work
 *   GRAFT_EMULATOR_DELAY=2    the same on the first stream alone: others' work is done as soon as the events it waits for allow, however much
 *                             of the first one's is left
 *   GRAFT_EMULATOR_DRIVER=V   the driver's version: 0 none, below 13000 too old
 *   GRAFT_EMULATOR_DEVICES=N  number of GPUs (default 1)
 *   GRAFT_EMULATOR_COMPUTE    compute capability, as 8.6 (default 9.0)
 */
#ifndef GRAFT_EMULATOR_H
#define GRAFT_EMULATOR_H
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#define GK_KERNEL(threads) static void
#define GK_DEVICE static inline
#define GK_HOST_DEVICE static inline
#define GK_CONSTANT static const
#define GK_SHARED static thread_local
#define GK_DYNAMIC_SHARED(name) unsigned char *const name = emulator::dynamic_shared()

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) int4 { int x, y, z, w; };
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }

namespace emulator {

struct Thread {
  dim3 thread, block, block_size, grid;
  int lane = 0;
};
extern Thread *self;

unsigned char *dynamic_shared();
void block_barrier();
/* Gives `bytes` to the warp, waits for it, and returns where lane l's bytes lie: base + l * 64. bytes <= 64. Valid until this thread's next but one call. The last to come calls
 * finish, which may add results behind what was given. */
const unsigned char *exchange(const void *mine, size_t bytes, void (*finish)(unsigned char *slots) = nullptr);
void copy_async(void *shared, const void *global, int valid);
void copy_async_commit();
void copy_async_wait(int left);

}  // namespace emulator

#define threadIdx (emulator::self->thread)
#define blockIdx (emulator::self->block)
#define blockDim (emulator::self->block_size)
#define gridDim (emulator::self->grid)

GK_DEVICE void block_barrier() { emulator::block_barrier(); }
GK_DEVICE void warp_barrier() { emulator::exchange("", 1); }
template <typename T> GK_DEVICE T shuffle_at(T v, int lane) {
  T r;
  memcpy(&r, emulator::exchange(&v, sizeof v) + (lane & 31) * 64, sizeof r);
  return r;
}
template <typename T> GK_DEVICE T shuffle_xor(T v, int mask) { return shuffle_at(v, emulator::self->lane ^ mask); }

uint16_t emulated_bf16(float f);
static inline uint32_t bf16_pair(float lo, float hi) { return (uint32_t)emulated_bf16(hi) << 16 | emulated_bf16(lo); }
float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);
static inline float product(float a, float b) {
  volatile float p = a * b;
  return p;
}
static inline float exp2_fast(float x) {
  const float y = exp2f(x);
  return y < 0x1p-126f ? 0.0f : y;
}
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
static inline float mul_rn(float a, float b) { return a * b; }   /* compiled without contraction */
static inline float add_rn(float a, float b) { return a + b; }
static inline uint32_t permute_bytes(uint32_t a, uint32_t b, uint32_t selector) {
  uint32_t r = 0;
  for (int i = 0; i < 4; i++) {
    const uint32_t s = selector >> 4 * i & 7;
    r |= ((s < 4 ? a >> 8 * s : b >> 8 * (s - 4)) & 255) << 8 * i;
  }
  return r;
}
static inline int32_t dot4(uint32_t a, uint32_t b, int32_t c) {
  for (int i = 0; i < 4; i++) c += (int32_t)(int8_t)(a >> 8 * i) * (int8_t)(b >> 8 * i);
  return c;
}
static inline void copy_async_16(void *shared, const void *global, int valid) { emulator::copy_async(shared, global, valid); }
static inline void copy_async_commit() { emulator::copy_async_commit(); }
template <int left> static inline void copy_async_wait() { emulator::copy_async_wait(left); }
void load_matrices(uint32_t r[4], const void *row);
void load_matrices_transposed(uint32_t r[4], const void *row);
void mma_bf16(float c[4], const uint32_t a[4], const uint32_t b[2]);

/* ---- the runtime: CUDA's own names, as far as src/cuda uses them ---- */
typedef enum cudaError {
  cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2, cudaErrorInvalidConfiguration = 9, cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100, cudaErrorInvalidDevice = 101, cudaErrorNotReady = 600, cudaErrorIllegalAddress = 700, cudaErrorLaunchOutOfResources = 701
} cudaError_t;
typedef struct emulated_stream *cudaStream_t;
typedef struct emulated_event *cudaEvent_t;
typedef struct emulated_graph *cudaGraph_t;
typedef struct emulated_graph_exec *cudaGraphExec_t;
typedef enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3, cudaMemcpyDefault = 4 } cudaMemcpyKind;
typedef enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 } cudaFuncAttribute;
typedef enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16, cudaDevAttrComputeCapabilityMajor = 75, cudaDevAttrComputeCapabilityMinor = 76, cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
} cudaDeviceAttr;
typedef enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal = 0, cudaStreamCaptureModeThreadLocal = 1, cudaStreamCaptureModeRelaxed = 2 } cudaStreamCaptureMode;
enum { cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventDisableTiming = 2, cudaHostAllocDefault = 0, cudaMemAttachGlobal = 1 };
struct cudaDeviceProp { char name[256]; size_t totalGlobalMem; int major, minor, multiProcessorCount, l2CacheSize; };

const char *cudaGetErrorString(cudaError_t);
const char *cudaGetErrorName(cudaError_t);
cudaError_t cudaGetLastError(void);
cudaError_t cudaDriverGetVersion(int *);
cudaError_t cudaRuntimeGetVersion(int *);
cudaError_t cudaGetDeviceCount(int *);
cudaError_t cudaSetDevice(int);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *, int);
cudaError_t cudaDeviceGetAttribute(int *, cudaDeviceAttr, int);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaMalloc(void **, size_t);
cudaError_t cudaMallocManaged(void **, size_t, unsigned);
cudaError_t cudaFree(void *);
cudaError_t cudaHostAlloc(void **, size_t, unsigned);
cudaError_t cudaFreeHost(void *);
cudaError_t cudaMemcpyAsync(void *, const void *, size_t, cudaMemcpyKind, cudaStream_t);
cudaError_t cudaMemsetAsync(void *, int, size_t, cudaStream_t);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *, unsigned);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned);
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode);
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *, cudaGraph_t, unsigned long long);
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t);
cudaError_t cudaGraphDestroy(cudaGraph_t);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *, unsigned);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t);
cudaError_t cudaEventQuery(cudaEvent_t);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float *, cudaEvent_t, cudaEvent_t);
cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute, int);

/* What `kernel<<<grid, block, shared_bytes, stream>>>(...)` would do; `run` calls the kernel for one thread. */
cudaError_t emulator_launch(const void *kernel, dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream, std::function<void()> run);
/* Launches of kernels and of graphs so far, for tests. */
extern "C" int64_t emulator_launches();
extern "C" int64_t emulator_graph_launches();
/* Of kernels on other streams than the first; and those among them that ran while the first stream still had older work to do. */
extern "C" int64_t emulator_aside_launches();
extern "C" int64_t emulator_early_launches();
#endif
