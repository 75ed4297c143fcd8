/* What libgraft_cuda.so exports: the op table (ops.h) on one NVIDIA GPU. The library is opened at run time, by path; nothing links it.
 *
 * Ops return once their work is queued; download, and every op with a host output, wait for what came before. Products and attention take
 * bf16 operands with f32 sums when the precision is GK_FAST, f32 throughout when it is GK_PRECISE; all else is f32 always.
 *
 *   GRAFT_CUDA_SYNC=1       waits after each kernel, so that an error names the kernel that made it; one stream, and no product remembers anything
 *   GRAFT_CUDA_F32=1        f32 throughout, whatever the precision asked for
 *   GRAFT_CUDA_TIMEOUT=S    how long to wait for the device before that is an error (default 600 seconds)
 *   GRAFT_CUDA_OVERLAP=0    weights are dequantized between products, not beside them on a second stream (the same bits, one buffer less)
 *   GRAFT_CUDA_GRAPHS=0     no CUDA graphs: graph_begin and graph_end do nothing (so too with GRAFT_CUDA_SYNC=1)
 *   GRAFT_CUBLAS=FILE|off   libcublas to use for large products; default: the one that the loader finds, else own kernels
 */
#ifndef GRAFT_CUDA_H
#define GRAFT_CUDA_H
#include "graft/ops.h"

#if defined(__GNUC__)
#define GK_EXPORT __attribute__((visibility("default")))
#else
#define GK_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* sizeof(gk_ops) of the plug-in; another than the caller's means that it was built from other sources. */
GK_EXPORT int64_t gk_cuda_ops_bytes(void);
typedef int64_t gk_cuda_ops_bytes_fn(void);

/* Opens GPU number `device` (0 is the first). On failure NULL and one line in message. */
GK_EXPORT gk_backend *gk_cuda_open(int32_t device, char *message, int64_t message_bytes);
typedef gk_backend *gk_cuda_open_fn(int32_t device, char *message, int64_t message_bytes);

/* Why an op of this thread last returned something else than GK_OK: one line that names the kernel or the bytes; it is forgotten once read. "" if none did.
 * Valid until this thread's next call. */
GK_EXPORT const char *gk_cuda_last_error(void);
typedef const char *gk_cuda_last_error_fn(void);

/* Bytes of device memory: in use by this backend (weights, tensors, scratch), the most that were, free for anybody, and all there is. */
GK_EXPORT void gk_cuda_memory(gk_backend *b, int64_t *used, int64_t *peak, int64_t *free_now, int64_t *total);
typedef void gk_cuda_memory_fn(gk_backend *b, int64_t *used, int64_t *peak, int64_t *free_now, int64_t *total);

/* Memory that host and device both see, for tests; NULL when there is none. */
GK_EXPORT void *gk_cuda_shared_alloc(int64_t bytes);
GK_EXPORT void gk_cuda_shared_free(void *p);

#ifdef __cplusplus
}
#endif
#endif
