/* Products on the cpu: chooses the path by isa and shape. Contracts: ops.h; method: docs/matmul.md. */
#include "cpu/matmul.h"

/* NULL: the reference. */
static const gk_mm_kernel *kernel_of(const gk_backend *b) {
  switch (b->isa) {
#if defined(__x86_64__)
    case GK_ISA_AVX2: return &gk_mm_kernel_avx2;
    case GK_ISA_AVX512: return &gk_mm_kernel_avx512;
    case GK_ISA_AMX: return b->precision == GK_PRECISE ? &gk_mm_kernel_avx512 : &gk_mm_kernel_amx;
#elif defined(__aarch64__)
    case GK_ISA_NEON: return &gk_mm_kernel_neon;
#endif
    default: return NULL;
  }
}

int32_t gk_matmul_few_rows(const gk_backend *b) {
  const gk_mm_kernel *kernel = kernel_of(b);
  return kernel ? kernel->few_rows : INT32_MAX;
}

gk_status gk_matmul_fwd(gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k) {
  const gk_mm_kernel *kernel = kernel_of(b);
  if (!kernel) return gk_matmul_fwd_ref(b, group, p, x, ldx, m, k);
  if (m <= kernel->few_rows) return gk_matmul_fwd_few(kernel, b, group, p, x, ldx, m, k);
  return gk_matmul_fwd_panel(kernel, b, group, p, x, ldx, m, k);
}

gk_status gk_matmul_dx(gk_backend *b, int32_t group, const gk_product *p, float *dx, int64_t lddx, int64_t m, int64_t k, int32_t accumulate) {
  const gk_mm_kernel *kernel = kernel_of(b);
  if (!kernel) return gk_matmul_dx_ref(b, group, p, dx, lddx, m, k, accumulate);
  return gk_matmul_dx_panel(kernel, b, group, p, dx, lddx, m, k, accumulate);
}

gk_status gk_matmul_dw(gk_backend *b, const float *dy, int64_t ldy, const float *x, int64_t ldx, int64_t m, int64_t n, int64_t k, float scale, float *dw) {
  const gk_mm_kernel *kernel = kernel_of(b);
  if (!kernel) return gk_matmul_dw_ref(b, dy, ldy, x, ldx, m, n, k, scale, dw);
  return gk_matmul_dw_panel(kernel, b, dy, ldy, x, ldx, m, n, k, scale, dw);
}
