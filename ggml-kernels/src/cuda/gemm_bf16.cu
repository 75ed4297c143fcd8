/* C[i,j] = Σ_s A(i,s) B(j,s) on tensor cores: bf16 operands, f32 sums. docs/matmul.md, "CUDA"
 *
 * A block computes a tile of BI x BJ. Steps of 64 s flow through STAGES pieces of shared memory by asynchronous copies of 16 bytes. A piece
 * holds an operand as it lies in memory: 64 s side by side for each r, or, crossed, the tile's r side by side for each s; load_matrices
 * transposes the latter. Chunk c (16 bytes) of row n is stored at c ^ (n % 8), so that the eight rows of a matrix lie in different banks.
 */
#include "matmul.h"

enum { BS = 64, STAGES = 3, RASTER = 8 };

struct gemm_bf16_arguments {
  const uint16_t *a, *b;
  int64_t lda, ldb;
  float *c;              /* [splits,I,J] of ld J when there are splits */
  int64_t ldc;
  int64_t i, j, s, s_each;
  int64_t tiles_i, tiles_j;
  float scale;
  int32_t accumulate, paired;   /* paired: c is aligned to 8, ldc even */
};

/* Starts to copy the piece of R rows r0.. and the 64 s from s0 on of an operand [rows,S]. */
template <int R, bool crossed, int threads>
GK_DEVICE void start_piece(unsigned char *piece, const uint16_t *data, int64_t ld, int64_t r0, int64_t rows, int64_t s0, int64_t s) {
  const int per_row = crossed ? R / 8 : BS / 8;
#pragma unroll
  for (int n = 0; n < R * BS / 8 / threads; n++) {
    const int chunk = (int)threadIdx.x + n * threads, row = chunk / per_row, at = chunk % per_row;
    const int64_t r = r0 + (crossed ? 8 * at : row), own_s = s0 + (crossed ? row : 8 * at);
    const bool inside = r < rows && own_s < s;
    const uint16_t *from = inside ? data + (crossed ? own_s * ld + r : r * ld + own_s) : data;
    copy_async_16(piece + (row * per_row + (at ^ (row % 8))) * 16, from, inside ? 16 : 0);
  }
}

/* The address that this lane gives to load_matrices for rows r.. r+15 and s k.. k+15 of a piece: matrix number n is of the second eight rows when
 * bit 0 of n is set, and of the second eight s when bit 1 is (a's order), or the other way round (b's). */
template <int R, bool crossed, bool of_a> GK_DEVICE const unsigned char *matrix_row(const unsigned char *piece, int r, int k) {
  const int lane = (int)threadIdx.x % 32, n = lane / 8, low = n & 1, high = n >> 1;
  const int own_r = r + 8 * (of_a ? low : high), own_s = k + 8 * (of_a ? high : low);
  const int row = (crossed ? own_s : own_r) + lane % 8, at = (crossed ? own_r : own_s) / 8, per_row = crossed ? R / 8 : BS / 8;
  return piece + (row * per_row + (at ^ (row % 8))) * 16;
}

template <int BI, int BJ, int WI, int WJ, bool cross_a, bool cross_b>
GK_KERNEL(BI / WI * (BJ / WJ) * 32) gemm_bf16_kernel(gemm_bf16_arguments g) {
  const int threads = BI / WI * (BJ / WJ) * 32, piece_a = BI * BS * 2, piece_b = BJ * BS * 2;
  GK_DYNAMIC_SHARED(room);
  /* Tiles in columns of RASTER rows of them: those that run together share their operands in L2. */
  const int64_t id = blockIdx.x, band = id / (RASTER * g.tiles_j) * RASTER, tall = g.tiles_i - band < RASTER ? g.tiles_i - band : (int64_t)RASTER;
  const int64_t within = id - band * g.tiles_j, i0 = (band + within % tall) * BI, j0 = within / tall * BJ;
  const int64_t s_begin = blockIdx.z * g.s_each, s_end = s_begin + g.s_each < g.s ? s_begin + g.s_each : g.s;
  const int steps = (int)((s_end - s_begin + BS - 1) / BS);
  const int warp = (int)threadIdx.x / 32, wi = warp / (BJ / WJ) * WI, wj = warp % (BJ / WJ) * WJ;

  float acc[WI / 16][WJ / 8][4] = {};
#pragma unroll
  for (int n = 0; n < STAGES - 1; n++) {
    if (n < steps) {
      start_piece<BI, cross_a, threads>(room + n * (piece_a + piece_b), g.a, g.lda, i0, g.i, s_begin + n * BS, s_end);
      start_piece<BJ, cross_b, threads>(room + n * (piece_a + piece_b) + piece_a, g.b, g.ldb, j0, g.j, s_begin + n * BS, s_end);
    }
    copy_async_commit();
  }
  for (int step = 0; step < steps; step++) {
    copy_async_wait<STAGES - 2>();
    block_barrier();   /* this step's piece is here, and nobody reads the one before it any more */
    const int ahead = step + STAGES - 1;
    if (ahead < steps) {
      unsigned char *to = room + ahead % STAGES * (piece_a + piece_b);
      start_piece<BI, cross_a, threads>(to, g.a, g.lda, i0, g.i, s_begin + ahead * BS, s_end);
      start_piece<BJ, cross_b, threads>(to + piece_a, g.b, g.ldb, j0, g.j, s_begin + ahead * BS, s_end);
    }
    copy_async_commit();
    const unsigned char *a = room + step % STAGES * (piece_a + piece_b), *b = a + piece_a;
#pragma unroll
    for (int k = 0; k < BS; k += 16) {
      uint32_t fa[WI / 16][4], fb[WJ / 16][4];
#pragma unroll
      for (int n = 0; n < WI / 16; n++) {
        const unsigned char *row = matrix_row<BI, cross_a, true>(a, wi + 16 * n, k);
        if (cross_a) load_matrices_transposed(fa[n], row);
        else load_matrices(fa[n], row);
      }
#pragma unroll
      for (int n = 0; n < WJ / 16; n++) {
        const unsigned char *row = matrix_row<BJ, cross_b, false>(b, wj + 16 * n, k);
        if (cross_b) load_matrices_transposed(fb[n], row);
        else load_matrices(fb[n], row);
      }
#pragma unroll
      for (int m = 0; m < WI / 16; m++)
#pragma unroll
        for (int n = 0; n < WJ / 8; n++) mma_bf16(acc[m][n], fa[m], fb[n / 2] + n % 2 * 2);
    }
  }

  float *c = g.c + blockIdx.z * g.i * g.j;
  const int lane = (int)threadIdx.x % 32;
#pragma unroll
  for (int m = 0; m < WI / 16; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int64_t i = i0 + wi + 16 * m + 8 * half + lane / 4;
      if (i >= g.i) continue;
#pragma unroll
      for (int n = 0; n < WJ / 8; n++) {
        const int64_t j = j0 + wj + 8 * n + lane % 4 * 2;
        float *to = c + i * g.ldc + j;
        const float lo = acc[m][n][2 * half], hi = acc[m][n][2 * half + 1];
        if (g.paired && j + 1 < g.j) {
          const float2 old = g.accumulate ? *(const float2 *)to : make_float2(0.0f, 0.0f);
          *(float2 *)to = g.accumulate ? make_float2(fmaf(g.scale, lo, old.x), fmaf(g.scale, hi, old.y)) : make_float2(g.scale * lo, g.scale * hi);
        } else {
          if (j < g.j) to[0] = g.accumulate ? fmaf(g.scale, lo, to[0]) : g.scale * lo;
          if (j + 1 < g.j) to[1] = g.accumulate ? fmaf(g.scale, hi, to[1]) : g.scale * hi;
        }
      }
    }
}

template <int BI, int BJ, int WI, int WJ> static gk_status run(gk_backend *b, const gk_cuda_gemm &g) {
  const unsigned threads = BI / WI * (BJ / WJ) * 32;
  const size_t shared = STAGES * (BI + BJ) * BS * sizeof(uint16_t);
  gemm_bf16_arguments a = {};
  a.a = (const uint16_t *)g.a.data, a.b = (const uint16_t *)g.b.data, a.lda = g.a.ld, a.ldb = g.b.ld;
  a.c = g.c, a.ldc = g.ldc, a.i = g.i, a.j = g.j, a.s = g.s, a.scale = g.scale, a.accumulate = g.accumulate;
  a.tiles_i = gk_ceil_div(g.i, BI), a.tiles_j = gk_ceil_div(g.j, BJ);
  const gk_cuda_splits split = gk_cuda_split(a.tiles_i * a.tiles_j, g.s);
  a.s_each = split.each;
  if (split.count > 1) {
    a.c = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, split.count * g.i * g.j * (int64_t)sizeof(float));
    if (!a.c) return GK_OUT_OF_MEMORY;
    a.ldc = g.j, a.scale = 1, a.accumulate = 0;
  }
  a.paired = a.ldc % 2 == 0 && gk_aligned(a.c, 8) && (split.count == 1 || g.i * g.j % 2 == 0);
  const dim3 grid((unsigned)(a.tiles_i * a.tiles_j), 1, (unsigned)split.count);
  if (g.a.crossed) GK_TRY(LAUNCH(b, (gemm_bf16_kernel<BI, BJ, WI, WJ, true, true>), grid, threads, shared, a));
  else if (g.b.crossed) GK_TRY(LAUNCH(b, (gemm_bf16_kernel<BI, BJ, WI, WJ, false, true>), grid, threads, shared, a));
  else GK_TRY(LAUNCH(b, (gemm_bf16_kernel<BI, BJ, WI, WJ, false, false>), grid, threads, shared, a));
  return split.count > 1 ? gk_cuda_gemm_total(b, a.c, split.count, g) : GK_OK;
}

gk_status gk_cuda_gemm_bf16(gk_backend *b, const gk_cuda_gemm &g) {
  const bool large = gk_ceil_div(g.i, 128) * gk_ceil_div(g.j, 128) >= GK_GEMM_LARGE;
  return large ? run<128, 128, 64, 32>(b, g) : run<64, 64, 32, 32>(b, g);
}
