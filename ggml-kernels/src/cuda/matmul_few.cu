/* Forward with few rows of x, bf16: the weights' blocks are read once, decoded in registers and multiplied on tensor cores. docs/matmul.md, "CUDA"
 *
 * A block takes 16 rows of W and all of K: warp w the 64 elements 64 (w + warps c), c = 0, 1, .. The 16 k of an mma may be any, so long as both operands
 * agree: lane (g, part) of a warp has the elements 16 part to 16 part + 15 of the 64, in rows g and g + 8 of W and row g of x, four for each of four mmas.
 * They share one scale in every type, are 32 bytes of x, and need no other lane. The sums of a row of x take the same way whatever the rows beside
 * it are: the number of warps is a matter of K alone.
 */
#include "dequantize.cuh"
#include "matmul.h"

enum { MOST_WARPS = 16, THREADS = 32 * MOST_WARPS, ROWS = 16, MEMBERS = 8 };

struct few_bf16_member {
  const uint8_t *w;
  void *y;
  int64_t ldy, n;
  uint32_t first_block;
  float scale;
  int32_t accumulate, bf16;   /* y is */
};
struct few_bf16_arguments {
  few_bf16_member members[MEMBERS];   /* of one type, blocks of the grid one after the other */
  int32_t count, gap;                 /* gap 0: a graph's arguments are compared by their bytes */
  int64_t row_bytes, k;
  const void *x;                      /* [m, ldx], bf16 with zeros from k to the next multiple of 8, or f32 */
  int64_t ldx, m;
};

/* Elements 16 r to 16 r + 15 of a row as eight pairs of bf16, zeros past its end. A quantized element is rounded from a value within 2^-15 a of that of
 * decode_run: it takes one fused multiply-add, a (128 + q) + (b - 128 a), where it can. */
template <gk_type t, bool wide> GK_DEVICE void decode_16(const uint8_t *row, uint32_t r, int64_t k, uint32_t pairs[8]) {
  float v[16];
  if constexpr (gk_layout<t>::is_float) {
    load_run<t>(row, 2 * (int64_t)r, k, wide, v);
    if (!wide || 16 * (int64_t)r + 8 < k) load_run<t>(row, 2 * (int64_t)r + 1, k, wide, v + 8);
    else
      for (int i = 8; i < 16; i++) v[i] = 0;
  } else {
    const uint8_t *block = row + (int64_t)(r / (gk_layout<t>::runs / 2)) * gk_layout<t>::bytes;
    const int e = 16 * (int)(r % (gk_layout<t>::runs / 2));   /* of unsigned numbers, whose divisions are shifts */
    uint32_t w[4];
    float a, b;
    run_bytes<t, 4, wide>(block, e, w);
    run_scales<t, wide>(block, e, &a, &b);
    const int bias = gk_layout<t>::bias;
    const float c = fmaf(-(128.0f + (float)bias), a, b);
#pragma unroll
    for (int i = 0; i < 16; i++) {
      if (bias < 128) v[i] = fmaf(bits_to_f32(permute_bytes(w[i / 4], 0x43000000u, 0x7044u | (uint32_t)(i % 4) << 8)), a, c);   /* the byte below 2^7's exponent: 128 + q + bias */
      else v[i] = byte_less(w[i / 4], i % 4, bias) * a;
    }
  }
#pragma unroll
  for (int i = 0; i < 8; i++) pairs[i] = bf16_pair(v[2 * i], v[2 * i + 1]);
}

/* The same of a row of x. f32: rows are aligned to 16, k a multiple of 8. */
template <bool x_f32> GK_DEVICE void load_x(const few_bf16_arguments &p, int64_t m, int r, uint32_t pairs[8]) {
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const bool inside = m < p.m && 16 * (int64_t)r + 8 * h < p.k;
    const int64_t at = inside ? m * p.ldx + 16 * (int64_t)r + 8 * h : 0;   /* no branch: the loads of w and x go out together */
    uint4 q;
    if (x_f32) {
      float v[8];
      load_run<GK_F32>((const float *)p.x + at, 0, 8, true, v);
      q = bf16_run(v);
    } else {
      q = *(const uint4 *)((const uint16_t *)p.x + at);
    }
    pairs[4 * h] = inside ? q.x : 0, pairs[4 * h + 1] = inside ? q.y : 0, pairs[4 * h + 2] = inside ? q.z : 0, pairs[4 * h + 3] = inside ? q.w : 0;
  }
}

/* m <= 8 tiles */
template <gk_type t, bool wide, int tiles, bool x_f32> GK_KERNEL(THREADS) few_bf16_kernel(few_bf16_arguments p) {
  GK_SHARED float room[MOST_WARPS][8 * tiles][ROWS + 4];
  const int warps = (int)blockDim.x / 32, warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32, g = lane / 4, part = lane % 4;
  int which = 0;
  while (which + 1 < p.count && blockIdx.x >= p.members[which + 1].first_block) which++;
  const few_bf16_member &own = p.members[which];
  const int64_t n0 = (int64_t)(blockIdx.x - own.first_block) * ROWS;
  const int runs = (int)((p.k + 15) / 16);
  /* Rows past the last are the last again, and not stored. */
  const uint8_t *row0 = own.w + (n0 + g < own.n ? n0 + g : own.n - 1) * p.row_bytes, *row8 = own.w + (n0 + g + 8 < own.n ? n0 + g + 8 : own.n - 1) * p.row_bytes;
  float acc[tiles][4] = {};
#pragma unroll 2
  for (int first = 4 * warp; first < runs; first += 4 * warps) {   /* one way for the whole warp */
    const int r = first + part, in_w = r < runs ? r : runs - 1;   /* past the end x is 0, and w the row's last, whose NaN is in the sum anyway */
    uint32_t a0[8], a8[8], x[tiles][8];
#pragma unroll
    for (int n = 0; n < tiles; n++) load_x<x_f32>(p, 8 * n + g, r, x[n]);
    decode_16<t, wide>(row0, (uint32_t)in_w, p.k, a0);
    decode_16<t, wide>(row8, (uint32_t)in_w, p.k, a8);
#pragma unroll
    for (int e = 0; e < 8; e += 2) {
      const uint32_t a[4] = {a0[e], a8[e], a0[e + 1], a8[e + 1]};
#pragma unroll
      for (int n = 0; n < tiles; n++) mma_bf16(acc[n], a, x[n] + e);
    }
  }
#pragma unroll
  for (int n = 0; n < tiles; n++)
#pragma unroll
    for (int e = 0; e < 4; e++) room[warp][8 * n + 2 * part + e % 2][g + e / 2 * 8] = acc[n][e];
  block_barrier();
  for (int at = (int)threadIdx.x; at < 8 * tiles * ROWS; at += (int)blockDim.x) {
    const int m = at / ROWS, n = at % ROWS;
    if (m >= p.m || n0 + n >= own.n) continue;
    float sum = room[0][m][n];
    for (int w = 1; w < warps; w++) sum += room[w][m][n];
    const int64_t to = m * own.ldy + n0 + n;
    act_put(own.y, own.bf16, to, own.accumulate ? fmaf(own.scale, sum, act_get(own.y, own.bf16, to)) : own.scale * sum);
  }
}

/* all: kernels for each number of rows; else one for all, where a type is seldom as it is here. */
template <gk_type t, bool wide, bool all> static gk_status few(gk_backend *b, const few_bf16_arguments &p, unsigned grid, bool x_f32) {
  const int64_t chunks = gk_ceil_div(p.k, 64);
  const unsigned threads = 32 * (chunks >= 32 ? 16 : chunks >= 8 ? 8 : chunks >= 4 ? 4 : chunks >= 2 ? 2 : 1);
  if constexpr (all) {
    if (x_f32) return LAUNCH(b, (few_bf16_kernel<t, wide, 1, true>), grid, threads, 0, p);
    if (p.m <= 8) return LAUNCH(b, (few_bf16_kernel<t, wide, 1, false>), grid, threads, 0, p);
    if (p.m <= 16) return LAUNCH(b, (few_bf16_kernel<t, wide, 2, false>), grid, threads, 0, p);
  }
  return LAUNCH(b, (few_bf16_kernel<t, wide, 4, false>), grid, threads, 0, p);
}

/* Whether rows of a type are read 16 bytes at a time; and of this weight, which may lie askew or have rows of another length. */
static bool can_be_wide(gk_type type) { return type == GK_Q4_K || type == GK_Q5_K || type == GK_F32 || type == GK_F16 || type == GK_BF16; }
static bool is_wide(const gk_weight &w) { return can_be_wide(w.type) && w.k % 8 == 0 && gk_aligned(w.data, 16); }

gk_status gk_cuda_few_bf16(gk_backend *b, int32_t group, const gk_product *p, gk_act x, int64_t ldx, int64_t m, int64_t k) {
  few_bf16_arguments a = {};
  a.k = k, a.m = m, a.x = x.data, a.ldx = ldx;
  const bool ready = gk_is_bf16(x) && k % 8 == 0 && ldx % 8 == 0 && gk_aligned(x.data, 16);
  bool x_f32 = !gk_is_bf16(x) && m <= 2 && k % 8 == 0 && ldx % 4 == 0 && gk_aligned(x.data, 16);   /* a conversion of its own would take longer */
  for (int32_t g = 0; g < group; g++) x_f32 = x_f32 && (is_wide(p[g].w) || !can_be_wide(p[g].w.type));
  if (!x_f32 && !ready) {
    uint16_t *room = (uint16_t *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_X, m * gk_round_8(k) * 2);
    if (!room) return GK_OUT_OF_MEMORY;
    GK_TRY(gk_cuda_to_bf16(b, x, ldx, m, k, room));
    a.x = room, a.ldx = gk_round_8(k);
  }
  for (int32_t first = 0; first < group; first++) {
    const gk_type type = p[first].w.type;
    const bool wide = is_wide(p[first].w);
    int32_t before = 0;
    for (int32_t g = 0; g < first; g++) before += p[g].w.type == type && is_wide(p[g].w) == wide;
    if (before % MEMBERS) continue;   /* done: each launch takes the next MEMBERS of its kind */
    unsigned grid = 0;
    a.count = 0;
    a.row_bytes = gk_type_bytes(type, k);
    for (int32_t g = first; g < group && a.count < MEMBERS; g++) {
      if (p[g].w.type != type || is_wide(p[g].w) != wide) continue;
      a.members[a.count++] = {(const uint8_t *)p[g].w.data, p[g].y.data, p[g].ldy, p[g].w.n, grid, p[g].scale, p[g].accumulate, gk_is_bf16(p[g].y)};
      grid += (unsigned)gk_ceil_div(p[g].w.n, ROWS);
    }
    switch (type) {
#define CASE(t) case t: GK_TRY((few<t, false, true>(b, a, grid, x_f32))); break;
#define CASE_WIDE(t) case t: GK_TRY(wide ? (few<t, true, true>(b, a, grid, x_f32)) : (few<t, false, false>(b, a, grid, false))); break;
      CASE(GK_Q4_0) CASE(GK_Q4_1) CASE(GK_Q5_0) CASE(GK_Q5_1) CASE(GK_Q8_0) CASE(GK_Q2_K) CASE(GK_Q3_K) CASE(GK_Q6_K) CASE(GK_IQ4_NL) CASE(GK_IQ4_XS)
      CASE_WIDE(GK_Q4_K) CASE_WIDE(GK_Q5_K) CASE_WIDE(GK_F32) CASE_WIDE(GK_F16) CASE_WIDE(GK_BF16)
#undef CASE
#undef CASE_WIDE
      default: return gk_cuda_check_weight(p[first].w);
    }
  }
  return GK_OK;
}
