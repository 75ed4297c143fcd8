/* Opening and closing the device, its memory, and how errors become one line. */
#include "backend.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "cublas.h"
#include "graft/cuda.h"

#define GK_ONE(ret, op, params) table.op = gk_##op##_cuda;
#define GK_DISPATCHED(op, params) table.op = gk_##op##_cuda;
#define GK_VEC(op, params) table.op = gk_##op##_cuda;
static gk_ops make_table() {
  gk_ops table = {};
  table.device = "cuda";
#include "../kernels.def"
  return table;
}

static thread_local char last_error[512];

extern "C" const char *gk_cuda_last_error(void) {
  static thread_local char given[sizeof last_error];
  memcpy(given, last_error, sizeof given);
  last_error[0] = 0;
  return given;
}
extern "C" int64_t gk_cuda_ops_bytes(void) { return (int64_t)sizeof(gk_ops); }

gk_status gk_cuda_fail(gk_status status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(last_error, sizeof last_error, format, list);
  va_end(list);
  return status;
}

gk_status gk_cuda_check(cudaError_t error, const char *what) {
  if (error == cudaSuccess) return GK_OK;
  cudaGetLastError();
  return gk_cuda_fail(error == cudaErrorMemoryAllocation ? GK_OUT_OF_MEMORY : GK_DEVICE_ERROR, "cuda: %s: %s (%s)", what, cudaGetErrorString(error), cudaGetErrorName(error));
}

/* The text of a parenthesised or qualified name as it is, without parentheses. */
static gk_status check_named(cudaError_t error, const char *name, const char *when) {
  if (error == cudaSuccess) return GK_OK;
  char what[160];
  snprintf(what, sizeof what, "%s %s", name, when);
  return gk_cuda_check(error, what);
}

/* The same for what may have waited for the device in vain. */
static gk_status check_waited(gk_backend *b, cudaError_t error, const char *name, const char *when) {
  if (error != cudaErrorNotReady) return check_named(error, name, when);
  b->hung = true;
  return gk_cuda_fail(GK_DEVICE_ERROR, "cuda: %s did not end within %g s; GRAFT_CUDA_TIMEOUT allows more, GRAFT_CUDA_SYNC=1 tells which kernel it is", name, b->timeout_seconds);
}

gk_status gk_cuda_wait(gk_backend *b, const char *what) {
  if (b->hung) return check_waited(b, cudaErrorNotReady, what, "");
  GK_TRY(gk_cuda_region_leave(b));
  GK_TRY(check_named(cudaEventRecord(b->waited_for, b->stream), what, "(or what was queued before it)"));
  return check_waited(b, gk_cuda_await(b->waited_for, b->timeout_seconds), what, "(or what was queued before it)");
}

gk_status gk_cuda_here(gk_backend *b) { return gk_cuda_check(cudaSetDevice(b->device), "choosing the GPU"); }

void gk_cuda_written(gk_backend *b, const void *begin, int64_t bytes) {
  b->writes++;
  if (b->ahead) b->ahead->changed(begin, bytes);
}

gk_status gk_cuda_before_launch(gk_backend *b, const char *name, const void *kernel, size_t shared_bytes) {
  b->writes++;
  GK_TRY(gk_cuda_here(b));
  if (shared_bytes <= (48 << 10)) return GK_OK;
  if (shared_bytes > b->shared_bytes_most)
    return gk_cuda_fail(GK_UNSUPPORTED, "cuda: %s needs %zu bytes of shared memory, this GPU has %zu", name, shared_bytes, b->shared_bytes_most);
  size_t &most = b->shared_bytes_allowed[kernel];
  if (shared_bytes <= most) return GK_OK;
  GK_TRY(check_named(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared_bytes), name, "(shared memory)"));
  most = shared_bytes;
  return GK_OK;
}

gk_status gk_cuda_after_launch(gk_backend *b, const char *name, cudaError_t error) {
  if (error != cudaSuccess) return check_named(error, name, "(at its launch)");
  return b->synchronous ? gk_cuda_wait(b, name) : GK_OK;
}

static double gib(int64_t bytes) { return (double)bytes / (double)(1 << 30); }

void *gk_cuda_take(gk_backend *b, int64_t bytes, const char *purpose) {
  if (gk_cuda_here(b) != GK_OK || gk_cuda_region_settle(b) != GK_OK) return nullptr;   /* what was held back may use memory that now goes back to the device */
  cudaError_t error;
  void *block = b->pool->take(bytes, &error);
  if (!block && b->ahead && b->ahead->drop()) block = b->pool->take(bytes, &error);
  if (!block) {
    size_t free_now = 0, total = 0;
    cudaMemGetInfo(&free_now, &total);
    gk_cuda_fail(GK_OUT_OF_MEMORY, "cuda: %s of %.2f GiB could not be had: %.2f GiB in use here, %.2f of %.2f GiB free", purpose, gib(bytes), gib(b->pool->used()),
                 gib((int64_t)free_now), gib((int64_t)total));
  }
  return block;
}

void *gk_cuda_scratch_get(gk_backend *b, gk_cuda_scratch slot, int64_t bytes) {
  if (b->scratch[slot] && b->scratch_bytes[slot] >= bytes) return b->scratch[slot];
  b->pool->give(b->scratch[slot]);
  b->scratch[slot] = gk_cuda_take(b, bytes, "scratch memory");
  b->scratch_bytes[slot] = b->scratch[slot] ? bytes : 0;
  return b->scratch[slot];
}

gk_status gk_cuda_stage(gk_backend *b, const void *host, int64_t bytes, const void **device) {
  if (bytes > 0 && gk_cuda_in_region(b)) {
    if (gk_cuda_region_takes(bytes)) return gk_cuda_region_stage(b, host, bytes, device);
    GK_TRY(gk_cuda_region_leave(b));
  }
  if (bytes > gk_cuda_staging::kHalfBytes) {   /* seldom: a table of more than 4 million numbers */
    void *own = gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_OP, bytes);
    *device = own;
    return own ? gk_upload_cuda(b, own, host, bytes) : GK_OUT_OF_MEMORY;
  }
  void *p = nullptr;
  if (b->hung) return gk_cuda_wait(b, "upload of a table");
  const gk_status status = bytes > 0 ? check_waited(b, b->staging->stage(host, bytes, b->stream, &p), "upload of a table", "(or what was queued before it)") : GK_OK;
  *device = p;
  return status;
}

gk_status gk_cuda_fetch(gk_backend *b, void *host, const void *device, int64_t bytes, const char *what) {
  GK_TRY(gk_cuda_wait(b, what));   /* a copy to pageable memory waits by itself, without end */
  if (bytes <= 0) return GK_OK;
  GK_TRY(check_named(cudaMemcpyAsync(host, device, (size_t)bytes, cudaMemcpyDeviceToHost, b->stream), what, "(copying its result)"));
  return gk_cuda_wait(b, what);
}

const char *gk_describe_cuda(gk_backend *b) { return b->description; }
gk_type gk_activation_type_cuda(gk_backend *b, gk_precision precision) { return precision == GK_FAST && !b->only_f32 ? GK_BF16 : GK_F32; }
void gk_set_precision_cuda(gk_backend *b, gk_precision precision) { b->precision = b->only_f32 ? GK_PRECISE : precision; }

gk_buf gk_alloc_cuda(gk_backend *b, int64_t bytes) {
  void *block = gk_cuda_take(b, bytes, "memory");
  if (block) gk_cuda_written(b, block, bytes);
  if (block && gk_cuda_region_leave(b) != GK_OK) {
    b->pool->give(block);
    return nullptr;
  }
  if (block && gk_cuda_check(cudaMemsetAsync(block, 0, (size_t)(bytes > 0 ? bytes : 1), b->stream), "alloc") != GK_OK) {
    b->pool->give(block);
    return nullptr;
  }
  return block;
}

void gk_release_cuda(gk_backend *b, gk_buf buf) {
  if (!buf) return;
  if (b->ahead) b->ahead->released(buf);
  b->pool->give(buf);
}

gk_buf gk_alloc_host_cuda(gk_backend *b, int64_t bytes) {
  void *p = nullptr;
  if (gk_cuda_here(b) != GK_OK) return nullptr;
  const gk_status status = gk_cuda_check(cudaHostAlloc(&p, (size_t)(bytes > 0 ? bytes : 1), cudaHostAllocDefault), "pinned host memory");
  return status == GK_OK ? p : nullptr;
}

/* What is queued may still use it. */
void gk_release_host_cuda(gk_backend *b, gk_buf buf) {
  if (!buf) return;
  (void)gk_cuda_wait(b, "release_host");
  cudaFreeHost(buf);
}

gk_status gk_upload_cuda(gk_backend *b, gk_buf dst, const void *host, int64_t bytes) {
  GK_TRY(gk_cuda_region_leave(b));
  return gk_cuda_send(b, dst, host, bytes);
}

gk_status gk_cuda_send(gk_backend *b, void *dst, const void *host, int64_t bytes) {
  if (b->hung) return gk_cuda_wait(b, "upload");
  gk_cuda_written(b, dst, bytes);
  return check_waited(b, b->staging->upload(dst, host, bytes, b->stream), "upload", "(or what was queued before it)");
}
gk_status gk_download_cuda(gk_backend *b, void *host, const void *src, int64_t bytes) { return gk_cuda_fetch(b, host, src, bytes, "download"); }

gk_status gk_copy_cuda(gk_backend *b, gk_buf dst, const void *src, int64_t bytes) {
  gk_cuda_written(b, dst, bytes);
  if (bytes > 0 && gk_cuda_in_region(b)) {
    gk_cuda_call call;
    call.kind = gk_cuda_call::kCopy, call.to = dst, call.from = src, call.bytes = bytes;
    return gk_cuda_region_call(b, std::move(call));
  }
  return bytes > 0 ? gk_cuda_after_launch(b, "copy", cudaMemcpyAsync(dst, src, (size_t)bytes, cudaMemcpyDefault, b->stream)) : GK_OK;
}

gk_status gk_zero_cuda(gk_backend *b, gk_buf dst, int64_t bytes) {
  gk_cuda_written(b, dst, bytes);
  if (bytes > 0 && gk_cuda_in_region(b)) {
    gk_cuda_call call;
    call.kind = gk_cuda_call::kFill, call.to = dst, call.bytes = bytes;
    return gk_cuda_region_call(b, std::move(call));
  }
  return bytes > 0 ? gk_cuda_after_launch(b, "zero", cudaMemsetAsync(dst, 0, (size_t)bytes, b->stream)) : GK_OK;
}

gk_status gk_import_weight_cuda(gk_backend *b, const void *host, int64_t bytes, const void **data) {
  void *block = gk_cuda_take(b, bytes, "memory for a weight");
  if (!block) return GK_OUT_OF_MEMORY;
  gk_status status = gk_upload_cuda(b, block, host, bytes);
  if (status == GK_OK && b->ahead) status = b->ahead->imported(block, bytes);
  if (status != GK_OK) {
    gk_release_cuda(b, block);
    return status;
  }
  *data = block;
  return GK_OK;
}

void gk_release_weight_cuda(gk_backend *b, const void *data) { gk_release_cuda(b, (gk_buf)(uintptr_t)data); }

void gk_close_cuda(gk_backend *b) {
  if (!b) return;
  if (b->hung) {   /* all that gives memory back would wait for ever */
    delete b;
    return;
  }
  cudaSetDevice(b->device);
  if (b->stream) cudaStreamSynchronize(b->stream);
  if (b->ahead && b->ahead->stream()) cudaStreamSynchronize(b->ahead->stream());
  delete b->ahead;
  gk_cublas_close(b->cublas);
  gk_cuda_graphs_close(b->graphs);
  delete b->kept;
  delete b->staging;
  delete b->pool;
  if (b->waited_for) cudaEventDestroy(b->waited_for);
  if (b->stream) cudaStreamDestroy(b->stream);
  delete b;
}

extern "C" void gk_cuda_memory(gk_backend *b, int64_t *used, int64_t *peak, int64_t *free_now, int64_t *total) {
  size_t free_bytes = 0, total_bytes = 0;
  cudaSetDevice(b->device);
  cudaMemGetInfo(&free_bytes, &total_bytes);
  if (used) *used = b->pool->used();
  if (peak) *peak = b->pool->peak();
  if (free_now) *free_now = (int64_t)free_bytes + b->pool->kept();
  if (total) *total = (int64_t)total_bytes;
}

extern "C" void *gk_cuda_shared_alloc(int64_t bytes) {
  void *p = nullptr;
  return cudaHostAlloc(&p, (size_t)(bytes > 0 ? bytes : 1), cudaHostAllocDefault) == cudaSuccess ? p : nullptr;   /* the device uses it by the same address */
}
extern "C" void gk_cuda_shared_free(void *p) { cudaFreeHost(p); }

/* Everything that can fail while opening; the message says what. */
static gk_status open_device(gk_backend *b, int32_t device) {
  int driver = 0, runtime = 0, count = 0, shared = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    cudaGetLastError();
    return gk_cuda_fail(GK_DEVICE_ERROR, "no NVIDIA driver was found; use --device cpu, or install one and try nvidia-smi");
  }
  cudaRuntimeGetVersion(&runtime);
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found == cudaErrorInsufficientDriver)
    return gk_cuda_fail(GK_DEVICE_ERROR, "the NVIDIA driver is for CUDA %d.%d, Graft was built with %d.%d; install a newer driver, or use --device cpu", driver / 1000, driver % 1000 / 10,
                        runtime / 1000, runtime % 1000 / 10);
  if (found == cudaErrorNoDevice || (found == cudaSuccess && count == 0)) return gk_cuda_fail(GK_DEVICE_ERROR, "no NVIDIA GPU is here; use --device cpu");
  GK_TRY(gk_cuda_check(found, "counting the GPUs"));
  if (device < 0 || device >= count) return gk_cuda_fail(GK_DEVICE_ERROR, "GPU %d does not exist; there are %d, counted from 0", (int)device, count);
  b->device = device;
  GK_TRY(gk_cuda_check(cudaSetDevice(device), "choosing the GPU"));
  cudaDeviceProp properties;
  GK_TRY(gk_cuda_check(cudaGetDeviceProperties(&properties, device), "asking the GPU what it is"));
  GK_TRY(gk_cuda_check(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device), "asking the GPU what it is"));
  b->major = properties.major, b->minor = properties.minor, b->multiprocessors = properties.multiProcessorCount;
  b->shared_bytes_most = (size_t)shared;
  if (b->major < 8) return gk_cuda_fail(GK_DEVICE_ERROR, "%s has compute capability %d.%d; Graft needs 8.0 (Ampere) or newer; use --device cpu", properties.name, b->major, b->minor);
  GK_TRY(gk_cuda_check(cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking), "making a stream"));
  b->queue = b->stream;
  GK_TRY(gk_cuda_check(cudaEventCreateWithFlags(&b->waited_for, cudaEventDisableTiming), "making an event"));
  GK_TRY(gk_cuda_check(b->staging->open(b->timeout_seconds), "pinned memory for transfers"));
  const char *products = "own products";
  b->cublas = gk_cublas_open(b, &products);
  b->graphs = gk_cuda_graphs_open(b);
  const char *overlap = getenv("GRAFT_CUDA_OVERLAP");
  if (!b->synchronous && !(overlap && *overlap == '0')) {
    b->ahead = new (std::nothrow) gk_cuda_ahead(b);
    if (!b->ahead) return gk_cuda_fail(GK_OUT_OF_MEMORY, "out of memory");
    GK_TRY(b->ahead->open());
  }
  snprintf(b->description, sizeof b->description, "cuda: %.200s (compute %d.%d, %.0f GiB), %s", properties.name, b->major, b->minor, gib((int64_t)properties.totalGlobalMem), products);
  return GK_OK;
}

extern "C" gk_backend *gk_cuda_open(int32_t device, char *message, int64_t message_bytes) {
  static const gk_ops table = make_table();
  gk_backend *b = new (std::nothrow) gk_backend();
  gk_status status = GK_OUT_OF_MEMORY;
  if (b) {
    b->ops = &table;
    b->pool = new (std::nothrow) gk_cuda_pool();
    b->staging = new (std::nothrow) gk_cuda_staging();
    b->kept = new (std::nothrow) gk_cuda_kept(b);
    const char *f32 = getenv("GRAFT_CUDA_F32"), *synchronous = getenv("GRAFT_CUDA_SYNC"), *timeout = getenv("GRAFT_CUDA_TIMEOUT");
    b->synchronous = synchronous && *synchronous && *synchronous != '0';
    b->only_f32 = f32 && *f32 && *f32 != '0';
    b->precision = b->only_f32 ? GK_PRECISE : GK_FAST;
    b->timeout_seconds = timeout && atof(timeout) > 0 ? atof(timeout) : 600;
    status = b->pool && b->staging && b->kept ? open_device(b, device) : gk_cuda_fail(GK_OUT_OF_MEMORY, "out of memory");
  }
  if (status == GK_OK) return b;
  if (message && message_bytes > 0) snprintf(message, (size_t)message_bytes, "%s", last_error);
  gk_close_cuda(b);
  return nullptr;
}
