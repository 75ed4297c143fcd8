/* C[i,j] = Σ_s A(i,s) B(j,s) in f32 throughout, each sum in the order of s (of each split). docs/matmul.md, "CUDA"
 *
 * A block of 16 x 16 threads computes a tile of B x B, a thread B/16 x B/16 of it, in groups of four rows and columns. Pieces of 16 s lie s by s in
 * shared memory, two of them: one is multiplied while the next comes by registers.
 */
#include "matmul.h"

enum { THREADS = 256, BS = 16 };

struct gemm_f32_arguments {
  const float *a, *b;
  int64_t lda, ldb;
  float *c;
  int64_t ldc;
  int64_t i, j, s, s_each;
  int64_t tiles_i;
  float scale;
  int32_t accumulate, wide_a, wide_b;   /* wide: aligned to 16, ld a multiple of 4 */
};

/* This thread's quads of the piece: rows r0.. of [rows,S], 16 s from s0 on; zeros outside. */
template <int B, bool crossed> GK_DEVICE void load_piece(float4 quads[B / 64], const float *data, int64_t ld, int64_t r0, int64_t rows, int64_t s0, int64_t s, bool wide) {
#pragma unroll
  for (int n = 0; n < B / 64; n++) {
    const int quad = (int)threadIdx.x + n * THREADS, per_row = crossed ? B / 4 : BS / 4;
    const int64_t outer = quad / per_row + (crossed ? s0 : r0), inner = quad % per_row * 4 + (crossed ? r0 : s0);
    const int64_t outer_end = crossed ? s : rows, inner_end = crossed ? rows : s;
    const float *from = data + outer * ld + inner;
    float4 v = make_float4(0, 0, 0, 0);
    if (outer < outer_end) {
      if (wide && inner + 3 < inner_end) {
        v = *(const float4 *)from;
      } else {
        if (inner < inner_end) v.x = from[0];
        if (inner + 1 < inner_end) v.y = from[1];
        if (inner + 2 < inner_end) v.z = from[2];
        if (inner + 3 < inner_end) v.w = from[3];
      }
    }
    quads[n] = v;
  }
}

template <int B, bool crossed> GK_DEVICE void store_piece(float4 (*piece)[B / 4 + 1], const float4 quads[B / 64]) {
#pragma unroll
  for (int n = 0; n < B / 64; n++) {
    const int quad = (int)threadIdx.x + n * THREADS;
    if (crossed) {
      piece[quad / (B / 4)][quad % (B / 4)] = quads[n];
    } else {
      const int row = quad / (BS / 4), s = quad % (BS / 4) * 4;
      ((float *)piece[s])[row] = quads[n].x, ((float *)piece[s + 1])[row] = quads[n].y, ((float *)piece[s + 2])[row] = quads[n].z, ((float *)piece[s + 3])[row] = quads[n].w;
    }
  }
}

template <int B, bool cross_a, bool cross_b> GK_KERNEL(THREADS) gemm_f32_kernel(gemm_f32_arguments g) {
  GK_SHARED float4 as[2][BS][B / 4 + 1], bs[2][BS][B / 4 + 1];
  const int64_t i0 = blockIdx.x % g.tiles_i * B, j0 = blockIdx.x / g.tiles_i * B;
  const int64_t s_begin = blockIdx.z * g.s_each, s_end = s_begin + g.s_each < g.s ? s_begin + g.s_each : g.s;
  const int ti = (int)threadIdx.x / 16 * 4, tj = (int)threadIdx.x % 16 * 4;
  float acc[B / 16][B / 16] = {};
  float4 qa[B / 64], qb[B / 64];
  int stage = 0;
  load_piece<B, cross_a>(qa, g.a, g.lda, i0, g.i, s_begin, s_end, g.wide_a);
  load_piece<B, cross_b>(qb, g.b, g.ldb, j0, g.j, s_begin, s_end, g.wide_b);
  for (int64_t s = s_begin; s < s_end; s += BS, stage ^= 1) {
    store_piece<B, cross_a>(as[stage], qa);
    store_piece<B, cross_b>(bs[stage], qb);
    block_barrier();   /* the other stage is written only after the next one, when all have left it */
    if (s + BS < s_end) {
      load_piece<B, cross_a>(qa, g.a, g.lda, i0, g.i, s + BS, s_end, g.wide_a);
      load_piece<B, cross_b>(qb, g.b, g.ldb, j0, g.j, s + BS, s_end, g.wide_b);
    }
#pragma unroll
    for (int k = 0; k < BS; k++) {
      float ra[B / 16], rb[B / 16];
#pragma unroll
      for (int n = 0; n < B / 64; n++) {
        const float4 va = as[stage][k][16 * n + ti / 4], vb = bs[stage][k][16 * n + tj / 4];
        ra[4 * n] = va.x, ra[4 * n + 1] = va.y, ra[4 * n + 2] = va.z, ra[4 * n + 3] = va.w;
        rb[4 * n] = vb.x, rb[4 * n + 1] = vb.y, rb[4 * n + 2] = vb.z, rb[4 * n + 3] = vb.w;
      }
#pragma unroll
      for (int m = 0; m < B / 16; m++)
#pragma unroll
        for (int n = 0; n < B / 16; n++) acc[m][n] = fmaf(ra[m], rb[n], acc[m][n]);
    }
  }
  float *c = g.c + blockIdx.z * g.i * g.j;
#pragma unroll
  for (int m = 0; m < B / 16; m++) {
    const int64_t i = i0 + m / 4 * 64 + ti + m % 4;
    if (i >= g.i) continue;
#pragma unroll
    for (int n = 0; n < B / 16; n++) {
      const int64_t j = j0 + n / 4 * 64 + tj + n % 4;
      if (j >= g.j) continue;
      float *to = c + i * g.ldc + j;
      *to = g.accumulate ? fmaf(g.scale, acc[m][n], *to) : g.scale * acc[m][n];
    }
  }
}

template <int B> static gk_status run(gk_backend *b, const gk_cuda_gemm &g) {
  gemm_f32_arguments a = {};
  a.a = (const float *)g.a.data, a.b = (const float *)g.b.data, a.lda = g.a.ld, a.ldb = g.b.ld;
  a.c = (float *)g.c.data, a.ldc = g.ldc, a.i = g.i, a.j = g.j, a.s = g.s, a.scale = g.scale, a.accumulate = g.accumulate;
  a.wide_a = g.a.ld % 4 == 0 && gk_aligned(a.a, 16), a.wide_b = g.b.ld % 4 == 0 && gk_aligned(a.b, 16);
  a.tiles_i = gk_ceil_div(g.i, B);
  const int64_t tiles = a.tiles_i * gk_ceil_div(g.j, B);
  const gk_cuda_splits split = gk_cuda_split(tiles, g.s);
  a.s_each = split.each;
  if (split.count > 1) {
    a.c = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, split.count * g.i * g.j * (int64_t)sizeof(float));
    if (!a.c) return GK_OUT_OF_MEMORY;
    a.ldc = g.j, a.scale = 1, a.accumulate = 0;
  }
  const dim3 grid((unsigned)tiles, 1, (unsigned)split.count);
  if (g.a.crossed) GK_TRY(LAUNCH(b, (gemm_f32_kernel<B, true, true>), grid, THREADS, 0, a));
  else if (g.b.crossed) GK_TRY(LAUNCH(b, (gemm_f32_kernel<B, false, true>), grid, THREADS, 0, a));
  else GK_TRY(LAUNCH(b, (gemm_f32_kernel<B, false, false>), grid, THREADS, 0, a));
  return split.count > 1 ? gk_cuda_gemm_total(b, a.c, split.count, g) : GK_OK;
}

gk_status gk_cuda_gemm_f32(gk_backend *b, const gk_cuda_gemm &g) {
  const bool large = gk_ceil_div(g.i, 128) * gk_ceil_div(g.j, 128) >= GK_GEMM_LARGE;
  return large ? run<128>(b, g) : run<64>(b, g);
}

/* c = scale * Σ_splits partial [splits,I,J], or +=. */
template <typename C> GK_KERNEL(THREADS) gemm_total_kernel(const float *partial, int64_t splits, int64_t i, int64_t j, C *c, int64_t ldc, float scale, int32_t accumulate) {
  for (int64_t n = (int64_t)blockIdx.x * THREADS + threadIdx.x; n < i * j; n += (int64_t)gridDim.x * THREADS) {
    float sum = partial[n];
    for (int64_t s = 1; s < splits; s++) sum += partial[s * i * j + n];
    C *to = c + n / j * ldc + n % j;
    act_store(to, accumulate ? fmaf(scale, sum, act_to_f32(*to)) : scale * sum);
  }
}

gk_status gk_cuda_gemm_total(gk_backend *b, const float *partial, int64_t splits, const gk_cuda_gemm &g) {
  const unsigned grid = gk_cuda_grid(b, g.i * g.j, THREADS);
  if (gk_is_bf16(g.c)) return LAUNCH(b, gemm_total_kernel<gk_bf16>, grid, THREADS, 0, partial, splits, g.i, g.j, (gk_bf16 *)g.c.data, g.ldc, g.scale, g.accumulate);
  return LAUNCH(b, gemm_total_kernel<float>, grid, THREADS, 0, partial, splits, g.i, g.j, (float *)g.c.data, g.ldc, g.scale, g.accumulate);
}
