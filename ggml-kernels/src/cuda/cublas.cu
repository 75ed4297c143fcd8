/* cuBLAS by dlopen: the few of its names that products need, declared here, since its headers may not be there. */
#include "cublas.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

/* cublas_api.h, library_types.h */
enum { OP_N = 0, OP_T = 1, TYPE_R_32F = 0, TYPE_R_16BF = 14, COMPUTE_32F = 68, GEMM_DEFAULT = -1, NO_REDUCED_PRECISION_REDUCTION = 16 };
typedef void *handle_t;
typedef int create_fn(handle_t *);
typedef int destroy_fn(handle_t);
typedef int set_stream_fn(handle_t, cudaStream_t);
typedef int set_workspace_fn(handle_t, void *, size_t);
typedef int get_version_fn(handle_t, int *);
typedef int set_math_mode_fn(handle_t, int);
typedef int gemm_fn(handle_t, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda, const void *b, int type_b, int ldb, const void *beta,
                    void *c, int type_c, int ldc, int compute, int algorithm);

const int64_t WORKSPACE_BYTES = int64_t(32) << 20;   /* what NVIDIA recommends for Hopper */

const char *status_name(int status) {
  switch (status) {
    case 1: return "not initialized";
    case 3: return "allocation failed";
    case 7: return "invalid value";
    case 8: return "architecture mismatch";
    case 11: return "mapping error";
    case 13: return "execution failed";
    case 14: return "internal error";
    case 15: return "not supported";
    default: return "unknown status";
  }
}

}  // namespace

struct gk_cublas {
  void *library;
  handle_t handle;
  destroy_fn *destroy;
  set_workspace_fn *set_workspace;
  gemm_fn *gemm;
  bool has_workspace;
  char description[96];
};

static gk_status failed(const char *what, int status) { return gk_cuda_fail(GK_DEVICE_ERROR, "cuda: %s: status %d (%s)", what, status, status_name(status)); }

void gk_cublas_close(gk_cublas *c) {
  if (!c) return;
  if (c->handle) c->destroy(c->handle);
  else if (c->library) dlclose(c->library);   /* once it has run it stays: its code is known to the driver until the process ends */
  delete c;
}

gk_cublas *gk_cublas_open(gk_backend *b, const char **description) {
  static thread_local char why[160];
  const char *wanted = getenv("GRAFT_CUBLAS");
  *description = "own products";
  if (wanted && strcmp(wanted, "off") == 0) return nullptr;
#ifdef GRAFT_CUDA_EMULATED
  if (!wanted || !*wanted) return nullptr;   /* a real one would want a real GPU */
#endif
  gk_cublas *c = new (std::nothrow) gk_cublas();
  if (!c) return nullptr;
  if (wanted && *wanted) {
    if (const char *end = strstr(wanted, "libcublas.so")) {   /* it needs libcublasLt, which may lie beside it and nowhere else */
      char beside[512];
      if (snprintf(beside, sizeof beside, "%.*slibcublasLt%s", (int)(end - wanted), wanted, end + strlen("libcublas")) < (int)sizeof beside) (void)dlopen(beside, RTLD_NOW | RTLD_LOCAL);
    }
    c->library = dlopen(wanted, RTLD_NOW | RTLD_LOCAL);
  } else {
    static const char *const names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
    for (int i = 0; i < 3 && !c->library; i++) c->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  }
  if (!c->library) {
    if (wanted && *wanted) {
      const char *error = dlerror();
      snprintf(why, sizeof why, "own products (GRAFT_CUBLAS: %s)", error ? error : "cannot be opened");
      *description = why;
    }
    gk_cublas_close(c);
    return nullptr;
  }
  create_fn *create = (create_fn *)dlsym(c->library, "cublasCreate_v2");
  set_stream_fn *set_stream = (set_stream_fn *)dlsym(c->library, "cublasSetStream_v2");
  set_math_mode_fn *set_math_mode = (set_math_mode_fn *)dlsym(c->library, "cublasSetMathMode");
  get_version_fn *get_version = (get_version_fn *)dlsym(c->library, "cublasGetVersion_v2");
  c->destroy = (destroy_fn *)dlsym(c->library, "cublasDestroy_v2");
  c->set_workspace = (set_workspace_fn *)dlsym(c->library, "cublasSetWorkspace_v2");
  c->gemm = (gemm_fn *)dlsym(c->library, "cublasGemmEx");
  int status = -1;
  if (create && set_stream && set_math_mode && c->destroy && c->set_workspace && c->gemm) {
    status = create(&c->handle);
    if (status) c->handle = nullptr;
    else status = set_stream(c->handle, b->stream);
    if (!status) status = set_math_mode(c->handle, NO_REDUCED_PRECISION_REDUCTION);   /* sums of parts stay f32 where the result is bf16 */
  }
  if (status) {
    snprintf(why, sizeof why, status < 0 ? "own products (the cuBLAS that was found lacks a function)" : "own products (cuBLAS does not start: status %d, %s)", status, status_name(status));
    *description = why;
    gk_cublas_close(c);
    return nullptr;
  }
  int version = 0;   /* 130100: 13.1 */
  if (get_version && get_version(c->handle, &version) == 0 && version > 0)
    snprintf(c->description, sizeof c->description, "cuBLAS %d.%d", version / 10000, version % 10000 / 100);
  else
    snprintf(c->description, sizeof c->description, "cuBLAS");
  *description = c->description;
  return c;
}

/* cuBLAS counts by columns: our c [I,J] is its C [J,I], so its first operand is our b, as [J,S], and its second our a, as [S,I]. Rows of b that lie
 * s by s are columns of [S,J] to it: transposed; crossed they are as it wants them. For a the other way round. */
gk_status gk_cublas_gemm_bf16(gk_backend *b, const gk_cuda_gemm &g) {
  gk_cublas *c = b->cublas;
  GK_TRY(gk_cuda_region_leave(b));   /* it queues by itself */
  GK_TRY(gk_cuda_here(b));
  if (!c->has_workspace) {   /* its own would be taken from the device behind our pool's back */
    void *room = gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_CUBLAS, WORKSPACE_BYTES);
    if (!room) return GK_OUT_OF_MEMORY;
    if (const int status = c->set_workspace(c->handle, room, (size_t)WORKSPACE_BYTES)) return failed("cublasSetWorkspace", status);
    c->has_workspace = true;
  }
  const float alpha = g.scale, beta = g.accumulate ? 1.0f : 0.0f;
  const int status = c->gemm(c->handle, g.b.crossed ? OP_N : OP_T, g.a.crossed ? OP_T : OP_N, (int)g.j, (int)g.i, (int)g.s, &alpha, g.b.data, TYPE_R_16BF, (int)g.b.ld, g.a.data,
                             TYPE_R_16BF, (int)g.a.ld, &beta, g.c.data, gk_is_bf16(g.c) ? TYPE_R_16BF : TYPE_R_32F, (int)g.ldc, COMPUTE_32F, GEMM_DEFAULT);
  if (!status) return b->synchronous ? gk_cuda_wait(b, "cublasGemmEx") : GK_OK;
  char what[128];
  snprintf(what, sizeof what, "cublasGemmEx of %lld x %lld x %lld", (long long)g.i, (long long)g.j, (long long)g.s);
  return failed(what, status);
}
