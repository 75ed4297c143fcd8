/* C[i,j] = Σ_s A(i,s) B(j,s) on tensor cores: bf16 operands, f32 sums. docs/matmul.md, "CUDA"
 *
 * A block of four warps computes a tile of BT x BT, a warp a quarter. Steps of BS s flow through STAGES pieces of shared memory by asynchronous
 * copies of 16 bytes, and from there into registers half a step ahead of the tensor cores. A piece holds an operand as it lies in memory: BS s side
 * by side for each r, or, crossed, the tile's r side by side for each s; load_matrices transposes the latter. The chunks of 16 bytes of a row are
 * stored in another order for each of the eight rows of a matrix, so that they lie in different banks.
 */
#include "matmul.h"

enum { BS = 32, STAGES = 4, RASTER = 8, THREADS = 128 };

struct gemm_bf16_arguments {
  const uint16_t *a, *b;
  int64_t lda, ldb;
  void *c;               /* f32, or bf16; [splits,I,J] of ld J in f32 when there are splits */
  int64_t ldc;
  int64_t i, j, s, s_each;
  int64_t tiles_i, tiles_j;
  float scale;
  int32_t accumulate, paired;   /* paired: c is aligned to two elements, ldc even */
  int32_t gap;                  /* 0: a graph's arguments are compared by their bytes */
};

/* Where chunk `at` of row `row` of a piece lies, in bytes: rows of 64 bytes (two share the banks), or crossed of 128 and more. */
template <int BT, bool crossed> GK_DEVICE int chunk_at(int row, int at) { return crossed ? row * (BT * 2) + (at ^ (row % 8)) * 16 : row * (BS * 2) + (at ^ (row / 2 % 4)) * 16; }

/* What a thread copies of an operand [rows,S]: COPIES chunks of each piece, the same place in each, `apart` elements from one to the next. */
struct copier {
  const uint16_t *from;   /* the first chunk of the next piece */
  int64_t apart, step;    /* step: to the next piece */
  int to, own_s;          /* place in a piece; s of the first chunk in its piece */
  uint32_t rows_inside;   /* bit n: chunk n lies in a row that exists */
};
template <int BT, bool crossed> GK_DEVICE copier make_copier(const uint16_t *data, int64_t ld, int64_t r0, int64_t rows, int64_t s0) {
  const int per_row = crossed ? BT / 8 : BS / 8, row = (int)threadIdx.x / per_row, at = (int)threadIdx.x % per_row;
  copier c;
  c.apart = THREADS / per_row * ld, c.step = crossed ? BS * ld : (int64_t)BS;
  c.to = chunk_at<BT, crossed>(row, at);
  c.own_s = crossed ? row : 8 * at;
  c.from = data + (crossed ? (s0 + row) * ld + r0 + 8 * at : (r0 + row) * ld + s0 + 8 * at);
  c.rows_inside = 0;
#pragma unroll
  for (int n = 0; n < BT * BS / 8 / THREADS; n++)
    if (crossed ? r0 + 8 * at < rows : r0 + row + n * (THREADS / per_row) < rows) c.rows_inside |= 1u << n;
  return c;
}
/* Starts to copy the next piece, of which s_left s exist. */
template <int BT, bool crossed> GK_DEVICE void start_piece(copier &c, unsigned char *piece, const uint16_t *data, int s_left) {
  const int per_row = crossed ? BT / 8 : BS / 8, rows_apart = THREADS / per_row;
#pragma unroll
  for (int n = 0; n < BT * BS / 8 / THREADS; n++) {
    const bool inside = (c.rows_inside >> n & 1) && c.own_s + (crossed ? n * rows_apart : 0) < s_left;
    copy_async_16(piece + c.to + n * rows_apart * (crossed ? BT * 2 : BS * 2), inside ? c.from + n * c.apart : data, inside ? 16 : 0);
  }
  c.from += c.step;
}

/* The 16 x 16 of rows r.. and s k.. of a piece, in the order of mma_bf16's a, or two of its b: the second of four matrices has the next eight rows in a,
 * the next eight s in b. */
template <int BT, bool crossed, bool of_a> GK_DEVICE void load_fragment(uint32_t f[4], const unsigned char *piece, int r, int k) {
  const int lane = (int)threadIdx.x % 32, low = lane / 8 % 2, high = lane / 16;
  const int own_r = r + 8 * (of_a ? low : high), own_s = k + 8 * (of_a ? high : low);
  if (crossed) load_matrices_transposed(f, piece + chunk_at<BT, crossed>(own_s + lane % 8, own_r / 8));
  else load_matrices(f, piece + chunk_at<BT, crossed>(own_r + lane % 8, own_s / 8));
}

template <int BT, bool cross_a, bool cross_b, typename C> GK_KERNEL(THREADS) gemm_bf16_kernel(gemm_bf16_arguments g) {
  const int WT = BT / 2, piece = BT * BS * 2;
  GK_DYNAMIC_SHARED(room);
  /* Tiles in bands of RASTER rows of them: those that run together share their operands in L2. */
  const int64_t id = blockIdx.x, band = id / (RASTER * g.tiles_j) * RASTER, tall = g.tiles_i - band < RASTER ? g.tiles_i - band : (int64_t)RASTER;
  const int64_t within = id - band * g.tiles_j, i0 = (band + within % tall) * BT, j0 = within / tall * BT;
  const int64_t s_begin = blockIdx.z * g.s_each, s_end = s_begin + g.s_each < g.s ? s_begin + g.s_each : g.s;
  const int s_count = (int)(s_end - s_begin), steps = (s_count + BS - 1) / BS;
  const int warp = (int)threadIdx.x / 32, wi = warp / 2 * WT, wj = warp % 2 * WT;
  copier of_a = make_copier<BT, cross_a>(g.a, g.lda, i0, g.i, s_begin), of_b = make_copier<BT, cross_b>(g.b, g.ldb, j0, g.j, s_begin);

  float acc[WT / 16][WT / 8][4] = {};
  uint32_t fa[2][WT / 16][4], fb[2][WT / 16][4];
#pragma unroll
  for (int n = 0; n < STAGES - 1; n++) {
    if (n < steps) {
      start_piece<BT, cross_a>(of_a, room + 2 * n * piece, g.a, s_count - n * BS);
      start_piece<BT, cross_b>(of_b, room + (2 * n + 1) * piece, g.b, s_count - n * BS);
    }
    copy_async_commit();
  }
  copy_async_wait<STAGES - 2>();
  block_barrier();
#pragma unroll
  for (int n = 0; n < WT / 16; n++) {
    load_fragment<BT, cross_a, true>(fa[0][n], room, wi + 16 * n, 0);
    load_fragment<BT, cross_b, false>(fb[0][n], room + piece, wj + 16 * n, 0);
  }
  int at = 0, ahead = STAGES - 1;   /* stages */
  for (int step = 0; step < steps; step++) {
    const unsigned char *now = room + 2 * at * piece;
    at = at + 1 < STAGES ? at + 1 : 0;
    const unsigned char *next = room + 2 * at * piece;
#pragma unroll
    for (int k = 0; k < BS; k += 16) {
      const int half = k / 16 % 2;
      if (k == 0) {   /* into the piece of the step before, which all have left at the barrier below */
        if (step + STAGES - 1 < steps) {
          const int s_left = s_count - (step + STAGES - 1) * BS;
          start_piece<BT, cross_a>(of_a, room + 2 * ahead * piece, g.a, s_left);
          start_piece<BT, cross_b>(of_b, room + (2 * ahead + 1) * piece, g.b, s_left);
        }
        copy_async_commit();
        ahead = ahead + 1 < STAGES ? ahead + 1 : 0;
      }
      if (k + 16 == BS) {
        copy_async_wait<STAGES - 2>();
        block_barrier();   /* the next piece is here; this one is in registers */
      }
      if (k + 16 < BS || step + 1 < steps) {
        const unsigned char *from = k + 16 < BS ? now : next;
#pragma unroll
        for (int n = 0; n < WT / 16; n++) {
          load_fragment<BT, cross_a, true>(fa[half ^ 1][n], from, wi + 16 * n, (k + 16) % BS);
          load_fragment<BT, cross_b, false>(fb[half ^ 1][n], from + piece, wj + 16 * n, (k + 16) % BS);
        }
      }
#pragma unroll
      for (int m = 0; m < WT / 16; m++)
#pragma unroll
        for (int n = 0; n < WT / 8; n++) mma_bf16(acc[m][n], fa[half][m], fb[half][n / 2] + n % 2 * 2);
    }
  }

  C *c = (C *)g.c + blockIdx.z * g.i * g.j;
  const int lane = (int)threadIdx.x % 32;
#pragma unroll
  for (int m = 0; m < WT / 16; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int64_t i = i0 + wi + 16 * m + 8 * half + lane / 4;
      if (i >= g.i) continue;
#pragma unroll
      for (int n = 0; n < WT / 8; n++) {
        const int64_t j = j0 + wj + 8 * n + lane % 4 * 2;
        C *to = c + i * g.ldc + j;
        const float lo = acc[m][n][2 * half], hi = acc[m][n][2 * half + 1];
        if (g.paired && j + 1 < g.j) {
          const float2 old = g.accumulate ? act_load_2(to) : make_float2(0.0f, 0.0f);
          if (g.accumulate) act_store_2(to, fmaf(g.scale, lo, old.x), fmaf(g.scale, hi, old.y));
          else act_store_2(to, g.scale * lo, g.scale * hi);
        } else {
          if (j < g.j) act_store(to, g.accumulate ? fmaf(g.scale, lo, act_to_f32(to[0])) : g.scale * lo);
          if (j + 1 < g.j) act_store(to + 1, g.accumulate ? fmaf(g.scale, hi, act_to_f32(to[1])) : g.scale * hi);
        }
      }
    }
}

template <int BT, typename C> static gk_status launch(gk_backend *b, const gk_cuda_gemm &g, dim3 grid, const gemm_bf16_arguments &a) {
  const size_t shared = STAGES * 2 * BT * BS * sizeof(uint16_t);
  if (g.a.crossed) return LAUNCH(b, (gemm_bf16_kernel<BT, true, true, C>), grid, THREADS, shared, a);
  if (g.b.crossed) return LAUNCH(b, (gemm_bf16_kernel<BT, false, true, C>), grid, THREADS, shared, a);
  return LAUNCH(b, (gemm_bf16_kernel<BT, false, false, C>), grid, THREADS, shared, a);
}

template <int BT> static gk_status run(gk_backend *b, const gk_cuda_gemm &g) {
  gemm_bf16_arguments a = {};
  a.a = (const uint16_t *)g.a.data, a.b = (const uint16_t *)g.b.data, a.lda = g.a.ld, a.ldb = g.b.ld;
  a.c = g.c.data, a.ldc = g.ldc, a.i = g.i, a.j = g.j, a.s = g.s, a.scale = g.scale, a.accumulate = g.accumulate;
  a.tiles_i = gk_ceil_div(g.i, BT), a.tiles_j = gk_ceil_div(g.j, BT);
  const gk_cuda_splits split = gk_cuda_split(a.tiles_i * a.tiles_j, g.s);
  a.s_each = split.each;
  if (split.count > 1) {
    a.c = gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, split.count * g.i * g.j * (int64_t)sizeof(float));
    if (!a.c) return GK_OUT_OF_MEMORY;
    a.ldc = g.j, a.scale = 1, a.accumulate = 0;
  }
  const bool narrow = gk_is_bf16(g.c) && split.count == 1;
  a.paired = a.ldc % 2 == 0 && gk_aligned(a.c, narrow ? 4 : 8) && (split.count == 1 || g.i * g.j % 2 == 0);
  const dim3 grid((unsigned)(a.tiles_i * a.tiles_j), 1, (unsigned)split.count);
  GK_TRY((narrow ? launch<BT, gk_bf16> : launch<BT, float>)(b, g, grid, a));
  return split.count > 1 ? gk_cuda_gemm_total(b, (const float *)a.c, split.count, g) : GK_OK;
}

gk_status gk_cuda_gemm_bf16(gk_backend *b, const gk_cuda_gemm &g) {
  const bool large = gk_ceil_div(g.i, 128) * gk_ceil_div(g.j, 128) >= GK_GEMM_LARGE;
  return large ? run<128>(b, g) : run<64>(b, g);
}
