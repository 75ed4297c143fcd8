/* y = x · Wᵀ for a few rows of x (generation): each row of W is dequantized once, in registers, and multiplied by
 * every row of x. Nothing is packed; the speed is that of reading W. f32 sums. */
#include "cpu/matmul.h"

enum { ROWS_A_TASK = 32 };

typedef struct few {
  const gk_mm_kernel *kernel;
  const gk_product *p;
  gk_dequantize_fn dequantize;
  const float *x;
  int64_t ldx, k, row_bytes;
  int32_t m;
} few;

static void rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const few *f = arg;
  const gk_product *p = f->p;
  float sum[GK_FEW];
  _Alignas(64) float tmp[GK_SBLOCK];
  for (int64_t j = begin; j < end; j++) {
    f->kernel->dot(p->w.type, f->dequantize, (const char *)p->w.data + j * f->row_bytes, f->x, f->ldx, f->m, f->k, sum, tmp);
    for (int32_t i = 0; i < f->m; i++) {
      float *y = p->y + i * p->ldy + j;
      *y = (p->accumulate ? *y : 0) + p->scale * sum[i];
    }
  }
}

gk_status gk_matmul_fwd_few(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k) {
  for (int32_t g = 0; g < group; g++) {
    few f = {.kernel = kernel, .p = &p[g], .dequantize = gk_dequantize_table(b->isa)[p[g].w.type], .x = x, .ldx = ldx, .k = k,
             .row_bytes = gk_type_bytes(p[g].w.type, k), .m = (int32_t)m};
    gk_parallel_for(b, p[g].w.n, ROWS_A_TASK, rows, &f);
  }
  return GK_OK;
}
