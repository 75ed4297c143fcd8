/* What the files of this plug-in share: the backend, how a kernel is launched, scratch memory, and every op's declaration. */
#ifndef GRAFT_CUDA_BACKEND_H
#define GRAFT_CUDA_BACKEND_H
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "ahead.h"
#include "device.cuh"
#include "graft/ops.h"
#include "graph.h"
#include "kept.h"
#include "memory.h"

/* Who owns which scratch slot. A slot's content lives until the same slot is asked for more bytes, or used by another op. */
enum gk_cuda_scratch {
  GK_CUDA_SCRATCH_X,        /* activations of products in bf16 (`kept` knows which) */
  GK_CUDA_SCRATCH_W,        /* a small weight in bf16 or f32; any, where none is dequantized ahead */
  GK_CUDA_SCRATCH_PARTIAL,  /* partial sums, added up in a fixed order */
  GK_CUDA_SCRATCH_OP,       /* any one op, for the length of its call */
  GK_CUDA_SCRATCH_CUBLAS,   /* cuBLAS's workspace */
  GK_CUDA_SCRATCH_SLOTS
};

struct gk_cublas;

struct gk_backend {
  const gk_ops *ops;        /* must stay the first member */
  int device, major, minor, multiprocessors;
  size_t shared_bytes_most; /* that a block may ask for */
  cudaStream_t stream;      /* all work is queued here, in order, but for what `ahead` does */
  cudaStream_t queue;       /* where LAUNCH puts a kernel: `stream`, or for a moment that of `ahead` */
  gk_precision precision;
  bool synchronous;         /* GRAFT_CUDA_SYNC */
  bool only_f32;            /* GRAFT_CUDA_F32 */
  bool hung;                /* a wait for the device ended without it; nothing waits again */
  double timeout_seconds;
  cudaEvent_t waited_for;
  gk_cuda_pool *pool;
  gk_cuda_staging *staging;
  void *scratch[GK_CUDA_SCRATCH_SLOTS];
  int64_t scratch_bytes[GK_CUDA_SCRATCH_SLOTS];
  gk_cublas *cublas;        /* NULL: own products */
  gk_cuda_ahead *ahead;     /* NULL: weights are dequantized on `stream` */
  gk_cuda_graphs *graphs;   /* NULL: none */
  gk_cuda_kept *kept;
  uint64_t writes;          /* counts whatever may have written device memory: kept.h */
  std::unordered_map<const void *, size_t> shared_bytes_allowed;   /* that a kernel may be launched with, where it is more than 48 KiB; holds for one device */
  char description[384];
};

#define GK_ONE(ret, op, params) ret gk_##op##_cuda params;
#define GK_DISPATCHED(op, params) gk_status gk_##op##_cuda params;
#define GK_VEC(op, params) gk_status gk_##op##_cuda params;
#include "../kernels.def"

/* Returns from the function with the status when it is not GK_OK. */
#define GK_TRY(expression) do { const gk_status status_ = (expression); if (status_ != GK_OK) return status_; } while (0)

/* GK_OK, or the status of a failed call; `what` (a kernel's name, say) and CUDA's words become gk_cuda_last_error. */
gk_status gk_cuda_check(cudaError_t error, const char *what);
/* Sets gk_cuda_last_error and returns the status. */
gk_status gk_cuda_fail(gk_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes b's device this thread's: CUDA keeps one for each thread, and the thread that uses b need not be the one that opened it. Whatever takes memory,
 * launches or captures does it first. */
gk_status gk_cuda_here(gk_backend *b);
/* Until all that is queued is done, at most timeout_seconds. */
gk_status gk_cuda_wait(gk_backend *b, const char *what);

/* Device memory of at least so many bytes, aligned to 256, not zeroed. NULL when memory is out (and gk_cuda_last_error says so). gk_cuda_take: from the pool, to which it is given back. */
void *gk_cuda_take(gk_backend *b, int64_t bytes, const char *purpose);
void *gk_cuda_scratch_get(gk_backend *b, gk_cuda_scratch slot, int64_t bytes);
/* A small host array on the device, valid for kernels that are launched before the next op; `*device` is aligned to 256. */
gk_status gk_cuda_stage(gk_backend *b, const void *host, int64_t bytes, const void **device);
template <typename T> gk_status gk_cuda_stage_array(gk_backend *b, const T *host, int64_t count, const T **device) {
  const void *p = nullptr;
  const gk_status status = gk_cuda_stage(b, host, count * (int64_t)sizeof(T), &p);
  *device = (const T *)p;
  return status;
}
/* Host to device, as gk_ops.upload, whatever region is open. */
gk_status gk_cuda_send(gk_backend *b, void *device, const void *host, int64_t bytes);
/* Device to host, waited for. */
gk_status gk_cuda_fetch(gk_backend *b, void *host, const void *device, int64_t bytes, const char *what);

/* Device memory from `begin` on is written by something else than LAUNCH, of which everybody who does so tells. */
void gk_cuda_written(gk_backend *b, const void *begin, int64_t bytes);

gk_status gk_cuda_before_launch(gk_backend *b, const char *name, const void *kernel, size_t shared_bytes);
gk_status gk_cuda_after_launch(gk_backend *b, const char *name, cudaError_t error);

template <typename T> struct gk_same { typedef T type; };

/* static: two files may each have an argument struct of the same name. Queues a kernel; an empty grid is no work. block is a whole number of warps, at most what the kernel's GK_KERNEL says. */
template <typename... P>
static gk_status gk_cuda_launch(gk_backend *b, const char *name, void (*kernel)(P...), dim3 grid, unsigned block, size_t shared_bytes, typename gk_same<P>::type... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return GK_OK;
  GK_TRY(gk_cuda_before_launch(b, name, (const void *)kernel, shared_bytes));
  if (gk_cuda_in_region(b)) {
    gk_cuda_call call;
    call.name = name, call.kernel = (const void *)kernel, call.grid = grid, call.block = block, call.shared_bytes = shared_bytes;
    (call.add(&arguments, sizeof arguments), ...);
#ifdef GRAFT_CUDA_EMULATED
    call.run = [=] { kernel(arguments...); };
#endif
    return gk_cuda_region_call(b, std::move(call));
  }
#ifdef GRAFT_CUDA_EMULATED
  return gk_cuda_after_launch(b, name, emulator_launch((const void *)kernel, grid, dim3(block), shared_bytes, b->queue, [=] { kernel(arguments...); }));
#else
  void *list[] = {(void *)&arguments..., nullptr};
  return gk_cuda_after_launch(b, name, cudaLaunchKernel((const void *)kernel, grid, dim3(block), list, shared_bytes, b->queue));
#endif
}
/* LAUNCH(b, kernel, grid, block, shared_bytes, arguments...); a template with a comma goes in parentheses. */
#define LAUNCH(b, kernel, ...) gk_cuda_launch(b, #kernel, kernel, __VA_ARGS__)

static inline int64_t gk_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
/* Blocks for a loop over n elements with a stride of the whole grid: enough to fill the device some times over. */
static inline unsigned gk_cuda_grid(const gk_backend *b, int64_t n, int64_t per_block) {
  const int64_t wanted = gk_ceil_div(n, per_block), most = (int64_t)b->multiprocessors * 16;
  return (unsigned)(wanted < most ? wanted : most);
}
#endif
