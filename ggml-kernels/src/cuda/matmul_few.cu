/* Forward with few rows of x, bf16: the weight's blocks are read once, decoded in registers and multiplied on tensor cores. docs/matmul.md, "CUDA"
 *
 * A block takes 16 rows of W and all of K: warp w the 32 elements 32 (w + 8 c), c = 0, 1, .. An mma's 16 k are its lanes' own: lane (g, t) of a warp
 * has the eight elements 8t.. of the 32, in rows g and g + 8 of W and row g of x, the first four for one mma, the others for the next. So
 * a run of eight is one 16-byte load of x, and needs no other lane. Sums of a row of x take the same way whatever the rows beside it are.
 */
#include "dequantize.cuh"
#include "matmul.h"

enum { WARPS = 8, THREADS = 32 * WARPS, ROWS = 16 };

struct few_bf16_arguments {
  const uint8_t *w;
  int64_t row_bytes, n, k;
  const uint16_t *x;       /* [m, ldx] bf16, zeros from k on */
  int64_t ldx, m;
  float *y;
  int64_t ldy;
  float scale;
  int32_t accumulate, wide;
};

/* m <= 8 tiles */
template <gk_type t, int tiles> GK_KERNEL(THREADS) few_bf16_kernel(few_bf16_arguments p) {
  GK_SHARED float room[WARPS][8 * tiles][ROWS];
  const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32, g = lane / 4, part = lane % 4;
  const int64_t n0 = (int64_t)blockIdx.x * ROWS, runs = (p.k + 7) / 8;
  /* Rows past the last are the last again, and not stored. */
  const uint8_t *row[2];
#pragma unroll
  for (int h = 0; h < 2; h++) row[h] = p.w + (n0 + g + 8 * h < p.n ? n0 + g + 8 * h : p.n - 1) * p.row_bytes;
  float acc[tiles][4] = {};
#pragma unroll 2
  for (int64_t first = 4 * warp; first < runs; first += 4 * WARPS) {   /* one way for the whole warp */
    const int64_t run = first + part;
    const bool inside = run < runs;
    uint4 a[2], x[tiles];
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float v[8] = {};
      if (inside) weight_run<t>(row[h], run, p.k, p.wide, v);
      a[h] = bf16_run(v);
    }
#pragma unroll
    for (int n = 0; n < tiles; n++) x[n] = inside && 8 * n + g < p.m ? *(const uint4 *)(p.x + (8 * n + g) * p.ldx + 8 * run) : make_uint4(0, 0, 0, 0);
    const uint32_t low[4] = {a[0].x, a[1].x, a[0].y, a[1].y}, high[4] = {a[0].z, a[1].z, a[0].w, a[1].w};
#pragma unroll
    for (int n = 0; n < tiles; n++) {
      const uint32_t x_low[2] = {x[n].x, x[n].y}, x_high[2] = {x[n].z, x[n].w};
      mma_bf16(acc[n], low, x_low);
      mma_bf16(acc[n], high, x_high);
    }
  }
#pragma unroll
  for (int n = 0; n < tiles; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) room[warp][8 * n + 2 * part + e % 2][g + e / 2 * 8] = acc[n][e];
  block_barrier();
  for (int at = (int)threadIdx.x; at < 8 * tiles * ROWS; at += THREADS) {
    const int m = at / ROWS, n = at % ROWS;
    if (m >= p.m || n0 + n >= p.n) continue;
    float sum = room[0][m][n];
#pragma unroll
    for (int w = 1; w < WARPS; w++) sum += room[w][m][n];
    float *to = p.y + m * p.ldy + n0 + n;
    *to = p.accumulate ? fmaf(p.scale, sum, *to) : p.scale * sum;
  }
}

template <gk_type t> static gk_status few(gk_backend *b, const few_bf16_arguments &p) {
  const unsigned grid = (unsigned)gk_ceil_div(p.n, ROWS);
  if (p.m <= 8) return LAUNCH(b, (few_bf16_kernel<t, 1>), grid, THREADS, 0, p);
  if (p.m <= 16) return LAUNCH(b, (few_bf16_kernel<t, 2>), grid, THREADS, 0, p);
  return LAUNCH(b, (few_bf16_kernel<t, 4>), grid, THREADS, 0, p);
}

gk_status gk_cuda_few_bf16(gk_backend *b, const gk_product &p, const uint16_t *x, int64_t m) {
  few_bf16_arguments a = {(const uint8_t *)p.w.data, gk_type_bytes(p.w.type, p.w.k), p.w.n, p.w.k, x, gk_round_8(p.w.k), m, p.y, p.ldy, p.scale, p.accumulate, 0};
  a.wide = p.w.k % 8 == 0 && gk_aligned(p.w.data, 16);
  switch (p.w.type) {
#define CASE(t) case t: return few<t>(b, a);
    GK_WITH_QUANTIZED(CASE)
    GK_WITH_FLOAT(CASE)
#undef CASE
    default: return gk_cuda_check_weight(p.w);
  }
}
