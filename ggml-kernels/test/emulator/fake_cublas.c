/* The part of cuBLAS that graft_cuda asks for, as its manual states it, in plain loops over host memory: column-major, bf16 operands, f32 or bf16 results.
 * Queued on its stream, which begins with how (runtime.cpp). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { OK = 0, NOT_INITIALIZED = 1, ALLOC_FAILED = 3, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };

typedef struct stream { int (*enqueue)(struct stream *, void (*run)(void *), void *argument); } stream;
static int opened, has_workspace, math_mode;
static stream *queue;

EXPORT int cublasCreate_v2(void **handle) {
  *handle = &opened;
  opened++;
  return OK;
}
EXPORT int cublasDestroy_v2(void *handle) {
  if (handle != &opened || opened-- < 1) return NOT_INITIALIZED;
  return OK;
}
EXPORT int cublasGetVersion_v2(void *handle, int *version) {
  (void)handle;
  *version = 990000;
  return OK;
}
/* 16: partial sums are not added up in less than f32. */
EXPORT int cublasSetMathMode(void *handle, int mode) {
  if (handle != &opened || mode != 16) return INVALID_VALUE;
  math_mode = mode;
  return OK;
}
EXPORT int cublasSetStream_v2(void *handle, void *stream) {
  queue = handle == &opened ? stream : NULL;
  has_workspace = 0;   /* the manual: the workspace goes back to the default */
  return queue ? OK : INVALID_VALUE;
}
EXPORT int cublasSetWorkspace_v2(void *handle, void *workspace, size_t bytes) {
  has_workspace = handle == &opened && (uintptr_t)workspace % 256 == 0 && bytes > 0;
  return has_workspace ? OK : INVALID_VALUE;
}

static float value(const uint16_t *p, size_t at) {
  const uint32_t bits = (uint32_t)p[at] << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

static uint16_t rounded(float f) {
  uint32_t bits;
  memcpy(&bits, &f, 4);
  if (f != f) return 0x7fff;
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

typedef struct gemm {
  int op_a, op_b, m, n, k, lda, ldb, ldc;
  float scale, keep;
  const uint16_t *a, *b;
  float *c;
  uint16_t *c_bf16;   /* unless NULL the results, rounded to nearest even */
} gemm;

static void run(void *argument) {
  const gemm g = *(const gemm *)argument;
  free(argument);
  for (int column = 0; column < g.n; column++)
    for (int row = 0; row < g.m; row++) {
      const size_t at = (size_t)column * (size_t)g.ldc + (size_t)row;
      float sum = 0;
      for (int s = 0; s < g.k; s++)
        sum += value(g.a, g.op_a ? (size_t)row * (size_t)g.lda + (size_t)s : (size_t)s * (size_t)g.lda + (size_t)row) *
               value(g.b, g.op_b ? (size_t)s * (size_t)g.ldb + (size_t)column : (size_t)column * (size_t)g.ldb + (size_t)s);
      const float result = g.keep == 0 ? g.scale * sum : g.scale * sum + g.keep * (g.c_bf16 ? value(g.c_bf16, at) : g.c[at]);
      if (g.c_bf16) g.c_bf16[at] = rounded(result);
      else g.c[at] = result;
    }
}

/* C [m,n] = alpha op(A) op(B) + beta C; op(A) [m,k], op(B) [k,n]; element (r,c) of a matrix is p[c * ld + r]. C is not read when beta is 0. */
EXPORT int cublasGemmEx(void *handle, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda, const void *b, int type_b, int ldb, const void *beta,
                        void *c, int type_c, int ldc, int compute, int algorithm) {
  if (handle != &opened || !queue || !has_workspace || !math_mode) return NOT_INITIALIZED;
  if (type_a != 14 || type_b != 14 || (type_c != 0 && type_c != 14) || compute != 68 || algorithm != -1) return NOT_SUPPORTED;
  if ((op_a | op_b) & ~1 || m < 0 || n < 0 || k < 0 || lda < (op_a ? k : m) || ldb < (op_b ? n : k) || ldc < m) return INVALID_VALUE;
  gemm *g = malloc(sizeof *g);
  if (!g) return ALLOC_FAILED;
  *g = (gemm){op_a, op_b, m, n, k, lda, ldb, ldc, *(const float *)alpha, *(const float *)beta, a, b, c, type_c == 14 ? c : NULL};
  if (queue->enqueue(queue, run, g) == OK) return OK;
  free(g);
  return EXECUTION_FAILED;
}
