/* Tiles of bf16 rows in shared memory as operands of tensor-core products.
 *
 * Rows of D elements lie D + 8 apart, an odd number of 16-byte units, so that the eight rows of an 8x8 matrix are in different banks; and every address in
 * the inner loops is one of a few plus a constant. */
#ifndef GRAFT_CUDA_ATTENTION_BF16_CUH
#define GRAFT_CUDA_ATTENTION_BF16_CUH
#include "attention.h"

static constexpr float LOG2_E = 1.44269504088896340736f, LN_2 = 0.69314718055994530942f;

template <int D> struct bf16_tile {
  static constexpr int pitch = D + 8;
  static constexpr int bytes(int rows) { return rows * pitch * 2; }
};

/* Starts to load `rows` rows of D elements by `threads` threads; row_of(r) is where row r begins, aligned to 16, NULL for zeros. `any` is an address
 * of global memory, aligned to 16, for those. */
template <int D, int rows, int threads, typename F> GK_DEVICE void bf16_load(uint16_t *tile, const uint16_t *any, F row_of) {
  constexpr int units = D / 8;
  constexpr int together = D == 96 ? 1 : 2;   /* addresses of more would take registers from the sums */
  (void)together;
#pragma unroll together
  for (int i = (int)threadIdx.x; i < rows * units; i += threads) {
    const int r = i / units, unit = i % units;
    const uint16_t *row = row_of(r);
    copy_async_16(tile + r * bf16_tile<D>::pitch + 8 * unit, row ? row + 8 * unit : any, row ? 16 : 0);
  }
}

/* Where this lane's row of four matrices begins: of a left operand at the tile's first row and column (also of a right one [k, n] that is loaded transposed), */
template <int D> GK_DEVICE const uint16_t *bf16_left(const uint16_t *tile) {
  const int lane = (int)threadIdx.x % 32;
  return tile + lane % 16 * bf16_tile<D>::pitch + lane / 16 * 8;
}
/* and of a right operand that is stored as [n, k]. */
template <int D> GK_DEVICE const uint16_t *bf16_right(const uint16_t *tile) {
  const int lane = (int)threadIdx.x % 32;
  return tile + (lane % 8 + lane / 16 * 8) * bf16_tile<D>::pitch + lane / 8 % 2 * 8;
}

/* s [16 own rows, 8 N other rows] = own · otherᵀ over D columns, own already in registers; `other` from bf16_right. */
template <int D, int N> GK_DEVICE void bf16_products(float s[N][4], const uint32_t own[D / 16][4], const uint16_t *other) {
#pragma unroll
  for (int n = 0; n < N; n++) s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0;
#pragma unroll
  for (int k = 0; k < D / 16; k++)
#pragma unroll
    for (int n = 0; n < N; n += 2) {
      uint32_t right[4];
      load_matrices(right, other + n * 8 * bf16_tile<D>::pitch + 16 * k);
      mma_bf16(s[n], own[k], right);
      mma_bf16(s[n + 1], own[k], right + 2);
    }
}

/* o [16 own rows, D] += weights [16 own rows, 16 K other rows] · other; weights in bf16 as mma's left operand; `other` from bf16_left. */
template <int D, int K> GK_DEVICE void bf16_accumulate(float o[D / 8][4], const uint32_t weights[K][4], const uint16_t *other) {
#pragma unroll
  for (int k = 0; k < K; k++)
#pragma unroll
    for (int n = 0; n < D / 8; n += 2) {
      uint32_t right[4];
      load_matrices_transposed(right, other + 16 * k * bf16_tile<D>::pitch + 8 * n);
      mma_bf16(o[n], weights[k], right);
      mma_bf16(o[n + 1], weights[k], right + 2);
    }
}

/* Products' results as the next product's left operand: the layouts of c [16, 8] twice and a [16, 16] agree. */
template <int K> GK_DEVICE void bf16_weights(uint32_t weights[K][4], const float s[2 * K][4]) {
#pragma unroll
  for (int k = 0; k < K; k++) {
    weights[k][0] = bf16_pair(s[2 * k][0], s[2 * k][1]);
    weights[k][1] = bf16_pair(s[2 * k][2], s[2 * k][3]);
    weights[k][2] = bf16_pair(s[2 * k + 1][0], s[2 * k + 1][1]);
    weights[k][3] = bf16_pair(s[2 * k + 1][2], s[2 * k + 1][3]);
  }
}

template <int D> GK_DEVICE void bf16_own(uint32_t own[D / 16][4], const uint16_t *tile) {
#pragma unroll
  for (int k = 0; k < D / 16; k++) load_matrices(own[k], bf16_left<D>(tile) + 16 * k);
}

/* The caller's tensors. */
struct bf16_operands {
  const uint16_t *q, *k, *v, *dout;
};
#endif
