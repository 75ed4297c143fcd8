/* Forward with few rows of x in f32. A warp has one row of W; lane l its runs of eight elements l, l + 32, ..., one chain of fused multiply-adds
 * for each row of x, then the warp's tree. Rows of x in tiles of TILE, for each of which the weight is decoded again. */
#include "dequantize.cuh"
#include "matmul.h"

enum { WARPS = 4, THREADS = 32 * WARPS, TILE = 8 };

struct few_f32_arguments {
  const uint8_t *w;
  int64_t row_bytes, n, k;
  const float *x;
  int64_t ldx, m;
  float *y;
  int64_t ldy;
  float scale;
  int32_t accumulate, wide, wide_x;
};

template <gk_type t, int rows> GK_KERNEL(THREADS) few_f32_kernel(few_f32_arguments p) {
  const int lane = (int)threadIdx.x % 32;
  const int64_t n = (int64_t)blockIdx.x * WARPS + threadIdx.x / 32, m0 = (int64_t)blockIdx.y * rows, runs = (p.k + 7) / 8;
  if (n >= p.n) return;   /* the whole warp */
  const uint8_t *row = p.w + n * p.row_bytes;
  float acc[rows] = {};
  for (int64_t run = lane; run < runs; run += 32) {
    float v[8];
    weight_run<t>(row, run, p.k, p.wide, v);
#pragma unroll
    for (int m = 0; m < rows; m++) {
      if (m0 + m >= p.m) break;
      float x[8];
      load_run<GK_F32>(p.x + (m0 + m) * p.ldx, run, p.k, p.wide_x, x);
#pragma unroll
      for (int i = 0; i < 8; i++) acc[m] = fmaf(v[i], x[i], acc[m]);
    }
  }
#pragma unroll
  for (int m = 0; m < rows; m++) {
    const float sum = warp_sum(acc[m]);
    if (lane != 0 || m0 + m >= p.m) continue;
    float *to = p.y + (m0 + m) * p.ldy + n;
    *to = p.accumulate ? fmaf(p.scale, sum, *to) : p.scale * sum;
  }
}

template <gk_type t> static gk_status few(gk_backend *b, const few_f32_arguments &p) {
  const unsigned grid = (unsigned)gk_ceil_div(p.n, WARPS);
  if (p.m == 1) return LAUNCH(b, (few_f32_kernel<t, 1>), grid, THREADS, 0, p);
  return LAUNCH(b, (few_f32_kernel<t, TILE>), dim3(grid, (unsigned)gk_ceil_div(p.m, TILE)), THREADS, 0, p);
}

static gk_status one(gk_backend *b, const gk_product &p, gk_act x_act, int64_t ldx, int64_t m) {
  const float *x = (const float *)x_act.data;
  few_f32_arguments a = {(const uint8_t *)p.w.data, gk_type_bytes(p.w.type, p.w.k), p.w.n, p.w.k, x, ldx, m, (float *)p.y.data, p.ldy, p.scale, p.accumulate, 0, 0};
  a.wide = p.w.k % 8 == 0 && gk_aligned(p.w.data, 16);
  a.wide_x = p.w.k % 8 == 0 && ldx % 4 == 0 && gk_aligned(x, 16);
  switch (p.w.type) {
#define CASE(t) case t: return few<t>(b, a);
    GK_WITH_QUANTIZED(CASE)
    GK_WITH_FLOAT(CASE)
#undef CASE
    default: return gk_cuda_check_weight(p.w);
  }
}

gk_status gk_cuda_few_f32(gk_backend *b, int32_t group, const gk_product *p, gk_act x, int64_t ldx, int64_t m, int64_t k) {
  for (int32_t g = 0; g < group; g++) GK_TRY(one(b, p[g], x, ldx, m));
  (void)k;
  return GK_OK;
}
