/* The part of cuBLAS that graft_cuda asks for, as its manual states it, in plain loops over host memory: column-major, bf16 operands, f32 results. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
enum { OK = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };

static int opened, has_stream, has_workspace;

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
EXPORT int cublasSetStream_v2(void *handle, void *stream) {
  has_stream = handle == &opened && stream != NULL;
  has_workspace = 0;   /* the manual: the workspace goes back to the default */
  return has_stream ? OK : INVALID_VALUE;
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

/* C [m,n] = alpha op(A) op(B) + beta C; op(A) [m,k], op(B) [k,n]; element (r,c) of a matrix is p[c * ld + r]. C is not read when beta is 0. */
EXPORT int cublasGemmEx(void *handle, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda, const void *b, int type_b, int ldb, const void *beta,
                        void *c, int type_c, int ldc, int compute, int algorithm) {
  if (handle != &opened || !has_stream || !has_workspace) return NOT_INITIALIZED;
  if (type_a != 14 || type_b != 14 || type_c != 0 || compute != 68 || algorithm != -1) return NOT_SUPPORTED;
  if ((op_a | op_b) & ~1 || m < 0 || n < 0 || k < 0 || lda < (op_a ? k : m) || ldb < (op_b ? n : k) || ldc < m) return INVALID_VALUE;
  const float scale = *(const float *)alpha, keep = *(const float *)beta;
  for (int column = 0; column < n; column++)
    for (int row = 0; row < m; row++) {
      float sum = 0, *to = (float *)c + (size_t)column * (size_t)ldc + (size_t)row;
      for (int s = 0; s < k; s++)
        sum += value(a, op_a ? (size_t)row * (size_t)lda + (size_t)s : (size_t)s * (size_t)lda + (size_t)row) *
               value(b, op_b ? (size_t)s * (size_t)ldb + (size_t)column : (size_t)column * (size_t)ldb + (size_t)s);
      *to = keep == 0 ? scale * sum : scale * sum + keep * *to;
    }
  return OK;
}
