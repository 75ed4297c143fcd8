/* Attention's forward on tensor cores. docs/attention.md */
#include <cfloat>

#include "attention.h"
#include "attention_bf16.cuh"

enum { FWD_THREADS = 128, FWD_ROWS = 128, FWD_KEYS = 64, FWD_N = FWD_KEYS / 8 };

/* A block owns 128 query rows of a head, a warp 32 of them (two strips of 16, which share what is loaded of k and v), and goes over 64 keys at a time.
 * c = scale * log2 e > 0: p = 2^(c q·k - highest), with `highest` in units of those exponents. One buffer each for k and v: v arrives during q kᵀ, the next k during the softmax and p v. */
template <int D>
GK_KERNEL(FWD_THREADS) attention_fwd_bf16_kernel(const attention_query_tile *tiles, int heads, int kv_heads, float c, const uint16_t *q, const uint16_t *k, const uint16_t *v, gk_bf16 *out,
                                                 float *lse) {
  GK_DYNAMIC_SHARED(room);
  constexpr int pitch = bf16_tile<D>::pitch;
  uint16_t *q_tile = (uint16_t *)room, *k_tile = q_tile + FWD_ROWS * pitch, *v_tile = k_tile + FWD_KEYS * pitch;
  GK_SHARED attention_query_tile t;   /* these are not in registers, of which there are none to spare */
  GK_SHARED const uint16_t *keys_of[2];
  if (threadIdx.x == 0) {
    const int64_t of_head = (int64_t)((int)(blockIdx.x % heads) / (heads / kv_heads)) * D;
    t = tiles[blockIdx.x / heads], keys_of[0] = k + of_head, keys_of[1] = v + of_head;
  }
  block_barrier();
  const int head = (int)(blockIdx.x % heads), total = tile_seen(t, t.rows - 1);
  const int lane = (int)threadIdx.x % 32, first = (int)threadIdx.x / 32 * 32;   /* the warp's first row */
  const int q_stride = heads * D, k_stride = kv_heads * D;

  float s[2][FWD_N][4], o[2][D / 8][4], highest[2][2], sum[2][2];
#pragma unroll
  for (int m = 0; m < 2; m++) {
#pragma unroll
    for (int n = 0; n < D / 8; n++) o[m][n][0] = o[m][n][1] = o[m][n][2] = o[m][n][3] = 0;
    highest[m][0] = highest[m][1] = -FLT_MAX;
    sum[m][0] = sum[m][1] = 0;
  }
  const auto load_keys = [&](uint16_t *tile, int which, int j0) {
    const uint16_t *from = keys_of[which];
    bf16_load<D, FWD_KEYS, FWD_THREADS>(tile, (const uint16_t *)tiles, [&](int j) { return j0 + j < total ? from + (int64_t)tile_key_row(t, j0 + j) * k_stride : nullptr; });
    copy_async_commit();
  };
  bf16_load<D, FWD_ROWS, FWD_THREADS>(q_tile, (const uint16_t *)tiles, [&](int r) { return r < t.rows ? q + (int64_t)(t.q_begin + r) * q_stride + head * D : nullptr; });
  load_keys(k_tile, 0, 0);
  const uint16_t *q_left = bf16_left<D>(q_tile + first * pitch), *k_right = bf16_right<D>(k_tile), *v_left = bf16_left<D>(v_tile);
  for (int j0 = 0; j0 < total; j0 += FWD_KEYS) {
    copy_async_wait<0>();
    block_barrier();   /* k is here; all are done with the last v */
    load_keys(v_tile, 1, j0);
    const bool active = first < t.rows && j0 < tile_seen(t, first + 31 < t.rows ? first + 31 : t.rows - 1);   /* the warp's last row sees some of these keys */
    if (active) {
#pragma unroll
      for (int m = 0; m < 2; m++)
#pragma unroll
        for (int n = 0; n < FWD_N; n++) s[m][n][0] = s[m][n][1] = s[m][n][2] = s[m][n][3] = 0;
#pragma unroll
      for (int kk = 0; kk < D / 16; kk++) {
        uint32_t left[2][4];
        load_matrices(left[0], q_left + 16 * kk);
        load_matrices(left[1], q_left + 16 * pitch + 16 * kk);
#pragma unroll
        for (int n = 0; n < FWD_N; n += 2) {
          uint32_t right[4];
          load_matrices(right, k_right + 8 * n * pitch + 16 * kk);
#pragma unroll
          for (int m = 0; m < 2; m++) {
            mma_bf16(s[m][n], left[m], right);
            mma_bf16(s[m][n + 1], left[m], right + 2);
          }
        }
      }
    }
    copy_async_wait<0>();
    block_barrier();   /* v is here; all are done with k */
    if (j0 + FWD_KEYS < total) load_keys(k_tile, 0, j0 + FWD_KEYS);
    if (!active) continue;
    uint32_t p[2][FWD_N / 2][4];
#pragma unroll
    for (int m = 0; m < 2; m++) {
      if (j0 + FWD_KEYS > tile_seen(t, first)) {
        const int seen0 = tile_seen(t, first + 16 * m + lane / 4) - j0, seen1 = tile_seen(t, first + 16 * m + lane / 4 + 8) - j0;
#pragma unroll
        for (int n = 0; n < FWD_N; n++)
#pragma unroll
          for (int i = 0; i < 2; i++) {
            if (8 * n + lane % 4 * 2 + i >= seen0) s[m][n][i] = -INFINITY;
            if (8 * n + lane % 4 * 2 + i >= seen1) s[m][n][2 + i] = -INFINITY;
          }
      }
#pragma unroll
      for (int half = 0; half < 2; half++) {   /* rows lane / 4 and lane / 4 + 8 of the strip; NaN comes back through the exponentials */
        float high = -INFINITY;
#pragma unroll
        for (int n = 0; n < FWD_N; n++) high = fmaxf(high, fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
        high = fmaxf(high, shuffle_xor(high, 1));
        high = fmaxf(high, shuffle_xor(high, 2));
        high = fmaxf(highest[m][half], high * c);
        const float less = exp2_fast(highest[m][half] - high);
        highest[m][half] = high;
        float part = 0;
#pragma unroll
        for (int n = 0; n < FWD_N; n++)
#pragma unroll
          for (int i = 2 * half; i < 2 * half + 2; i++) {
            s[m][n][i] = exp2_fast(fmaf(s[m][n][i], c, -high));
            part += s[m][n][i];
          }
        sum[m][half] = sum[m][half] * less + part;
#pragma unroll
        for (int n = 0; n < D / 8; n++) o[m][n][2 * half] *= less, o[m][n][2 * half + 1] *= less;
      }
      bf16_weights<FWD_N / 2>(p[m], s[m]);
    }
#pragma unroll
    for (int kk = 0; kk < FWD_KEYS / 16; kk++)
#pragma unroll
      for (int n = 0; n < D / 8; n += 2) {
        uint32_t right[4];
        load_matrices_transposed(right, v_left + 16 * kk * pitch + 8 * n);
#pragma unroll
        for (int m = 0; m < 2; m++) {
          mma_bf16(o[m][n], p[m][kk], right);
          mma_bf16(o[m][n + 1], p[m][kk], right + 2);
        }
      }
  }
  copy_async_wait<0>();
#pragma unroll
  for (int m = 0; m < 2; m++)
#pragma unroll
    for (int half = 0; half < 2; half++) {
      const int i = first + 16 * m + 8 * half + lane / 4;
      float all = sum[m][half];
      all += shuffle_xor(all, 1);
      all += shuffle_xor(all, 2);
      if (i >= t.rows) continue;
      const bool none = tile_seen(t, i) <= 0;
      const float inverse = none ? 0.0f : 1.0f / all;
      const int64_t at = (int64_t)(t.q_begin + i) * heads + head;
      gk_bf16 *row = out + at * D + lane % 4 * 2;
#pragma unroll
      for (int n = 0; n < D / 8; n++) act_store_2(row + 8 * n, o[m][n][2 * half] * inverse, o[m][n][2 * half + 1] * inverse);
      if (lse && lane % 4 == 0) lse[at] = none ? -INFINITY : (highest[m][half] + log2f(all)) * LN_2;
    }
}

template <int D> static gk_status forward(gk_backend *b, const gk_attention *a, const attention_work &w, gk_act q, gk_act k, gk_act v, gk_act out, float *lse) {
  return LAUNCH(b, attention_fwd_bf16_kernel<D>, (unsigned)(w.n_query_tiles * a->heads), FWD_THREADS, bf16_tile<D>::bytes(FWD_ROWS + 2 * FWD_KEYS), w.query_tiles, a->heads, a->kv_heads,
                a->scale * LOG2_E, (const uint16_t *)q.data, (const uint16_t *)k.data, (const uint16_t *)v.data, (gk_bf16 *)out.data, lse);
}

gk_status gk_cuda_attention_fwd_bf16(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, float *lse) {
  attention_work w;
  GK_TRY(gk_cuda_attention_work(b, a, FWD_ROWS, 0, &w));
  return (a->head_width == 64 ? forward<64> : a->head_width == 96 ? forward<96> : forward<128>)(b, a, w, q, k, v, out, lse);
}
