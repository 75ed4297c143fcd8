/* Attention's backward on tensor cores: one kernel whose blocks own query rows (dq), one whose blocks own key rows (dk, dv), so that every sum has one
 * owner and one order. Each makes p again from the scores and the forward's lse. docs/attention.md
 *
 * fwd: s_j = scale * q·k_j,  p = exp(s - lse),  o = Σ p_j v_j
 * c = scale * log2 e: p = 2^(c q·k - level), level = lse * log2 e. */
#include "attention.h"
#include "attention_bf16.cuh"
#include "attention_delta.cuh"

enum { BWD_THREADS = 256, DQ_ROWS = 128, DQ_KEYS = 64, DQ_N = DQ_KEYS / 8, DKV_KEYS = 128, DKV_ROWS = 32, DKV_N = DKV_ROWS / 8 };

/* dq = scale * Σ ds_j k_j,  ds_j = p_j (do·v_j - delta). A warp owns 16 query rows, with q and do in registers; k and v have two buffers each, in which q
 * and do pass first. */
template <int D>
GK_KERNEL(BWD_THREADS) attention_dq_bf16_kernel(const attention_query_tile *tiles, int heads, int kv_heads, bf16_operands in, float scale, float c, const float *delta, const float *level,
                                                int64_t q_first, int64_t rows, gk_bf16 *dq) {
  GK_DYNAMIC_SHARED(room);
  constexpr int pitch = bf16_tile<D>::pitch, size = DQ_KEYS * pitch;
  uint16_t *k_tile = (uint16_t *)room, *v_tile = k_tile + 2 * size;   /* [2] each */
  const attention_query_tile t = tiles[blockIdx.x / heads];
  const int head = (int)(blockIdx.x % heads), g = head / (heads / kv_heads), total = tile_seen(t, t.rows - 1);
  const int lane = (int)threadIdx.x % 32, first = (int)threadIdx.x / 32 * 16;
  const int last = first + 15 < t.rows ? first + 15 : t.rows - 1;
  const int least = tile_seen(t, first), most = first < t.rows ? tile_seen(t, last) : 0;
  const int64_t q_stride = (int64_t)heads * D, k_stride = (int64_t)kv_heads * D;
  const uint16_t *q = in.q + (int64_t)head * D, *d = in.dout + (int64_t)head * D, *k = in.k + (int64_t)g * D, *v = in.v + (int64_t)g * D;

  uint32_t q_own[D / 16][4], d_own[D / 16][4];
  bf16_load<D, DQ_ROWS, BWD_THREADS>(k_tile, (const uint16_t *)tiles, [&](int r) { return r < t.rows ? q + (t.q_begin + r) * q_stride : nullptr; });
  bf16_load<D, DQ_ROWS, BWD_THREADS>(v_tile, (const uint16_t *)tiles, [&](int r) { return r < t.rows ? d + (t.q_begin + r) * q_stride : nullptr; });
  copy_async_commit();
  float of_level[2], of_delta[2], o[D / 8][4];
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int i = first + lane / 4 + 8 * half;
    const int64_t at = head * rows + t.q_begin + i - q_first;
    of_level[half] = i < t.rows ? level[at] : INFINITY;   /* p = 0 */
    of_delta[half] = i < t.rows ? delta[at] : 0.0f;
  }
#pragma unroll
  for (int n = 0; n < D / 8; n++) o[n][0] = o[n][1] = o[n][2] = o[n][3] = 0;
  copy_async_wait<0>();
  block_barrier();
  bf16_own<D>(q_own, k_tile + first * pitch);
  bf16_own<D>(d_own, v_tile + first * pitch);
  block_barrier();

  const auto load_keys = [&](int buffer, int j0) {
    bf16_load<D, DQ_KEYS, BWD_THREADS>(k_tile + buffer * size, (const uint16_t *)tiles, [&](int j) { return j0 + j < total ? k + tile_key_row(t, j0 + j) * k_stride : nullptr; });
    bf16_load<D, DQ_KEYS, BWD_THREADS>(v_tile + buffer * size, (const uint16_t *)tiles, [&](int j) { return j0 + j < total ? v + tile_key_row(t, j0 + j) * k_stride : nullptr; });
    copy_async_commit();
  };
  load_keys(0, 0);
  for (int j0 = 0, buffer = 0; j0 < total; j0 += DQ_KEYS, buffer ^= 1) {
    copy_async_wait<0>();
    block_barrier();   /* this buffer is here; all are done with the other */
    if (j0 + DQ_KEYS < total) load_keys(buffer ^ 1, j0 + DQ_KEYS);
    if (j0 >= most) continue;
    float s[DQ_N][4], dp[DQ_N][4];
    bf16_products<D, DQ_N>(s, q_own, bf16_right<D>(k_tile + buffer * size));
    bf16_products<D, DQ_N>(dp, d_own, bf16_right<D>(v_tile + buffer * size));
    const bool border = j0 + DQ_KEYS > least;
    const int seen[2] = {tile_seen(t, first + lane / 4) - j0, tile_seen(t, first + lane / 4 + 8) - j0};
#pragma unroll
    for (int n = 0; n < DQ_N; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float ds = exp2_fast(fmaf(s[n][i], c, -of_level[i / 2])) * (dp[n][i] - of_delta[i / 2]);
        s[n][i] = border && 8 * n + lane % 4 * 2 + i % 2 >= seen[i / 2] ? 0.0f : ds;
      }
    uint32_t ds[DQ_N / 2][4];
    bf16_weights<DQ_N / 2>(ds, s);
    bf16_accumulate<D, DQ_N / 2>(o, ds, bf16_left<D>(k_tile + buffer * size));
  }
  copy_async_wait<0>();
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int i = first + lane / 4 + 8 * half;
    if (i >= t.rows) continue;
    gk_bf16 *row = dq + ((int64_t)(t.q_begin + i) * heads + head) * D + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < D / 8; n++) act_store_2(row + 8 * n, o[n][2 * half] * scale, o[n][2 * half + 1] * scale);
  }
}

/* The queries that a block of keys goes over: 32 rows of one segment and head at a time. */
struct dkv_cursor {
  int viewer, end, head, i0, sees;
  attention_viewer w;
};
GK_DEVICE void open_viewer(dkv_cursor &c, const attention_viewer *viewers, int key) {
  c.w = viewers[c.viewer];
  c.i0 = c.sees = key - c.w.base > 0 ? key - c.w.base : 0;   /* the first query that sees the tile's first key; every viewer has one */
}
/* Whether there is one more. */
GK_DEVICE bool advance(dkv_cursor &c, const attention_viewer *viewers, int key, int first_head, int end_head) {
  c.i0 += DKV_ROWS;
  if (c.i0 < c.w.q_count) return true;
  c.i0 = c.sees;
  if (++c.head < end_head) return true;
  c.head = first_head;
  if (++c.viewer == c.end) return false;
  open_viewer(c, viewers, key);
  return true;
}

/* dv_j += Σ_rows p_j do,  dk_j += scale * Σ_rows ds_j q. A warp owns 16 keys: sᵀ = k qᵀ and dpᵀ = v doᵀ come out as left operands of the sums. k is in
 * registers, v in shared memory; q and do have two buffers, in the first of which k passes first. */
template <int D>
GK_KERNEL(BWD_THREADS) attention_dkv_bf16_kernel(const attention_key_tile *tiles, const attention_viewer *viewers, int heads, int kv_heads, bf16_operands in, float scale, float c, const float *delta,
                                                 const float *level, int64_t q_first, int64_t rows, gk_bf16 *dk, gk_bf16 *dv) {
  GK_DYNAMIC_SHARED(room);
  constexpr int pitch = bf16_tile<D>::pitch, size = DKV_ROWS * pitch;
  uint16_t *q_tile = (uint16_t *)room, *d_tile = q_tile + 2 * size, *v_tile = q_tile + 4 * size;   /* q and do [2]; all four are as large as k */
  float *stats = (float *)(v_tile + DKV_KEYS * pitch);                                             /* [2] of level [32], delta [32] */
  const attention_key_tile t = tiles[blockIdx.x / kv_heads];
  const int g = (int)(blockIdx.x % kv_heads), rep = heads / kv_heads, thread = (int)threadIdx.x;
  const int lane = thread % 32, first = thread / 32 * 16;   /* the warp's first key in the tile */
  const int64_t q_stride = (int64_t)heads * D, k_stride = (int64_t)kv_heads * D;
  const uint16_t *k = in.k + t.k_begin * k_stride + (int64_t)g * D, *v = in.v + t.k_begin * k_stride + (int64_t)g * D;

  uint32_t k_own[D / 16][4];
  bf16_load<D, DKV_KEYS, BWD_THREADS>(q_tile, k, [&](int r) { return r < t.keys ? k + r * k_stride : nullptr; });
  bf16_load<D, DKV_KEYS, BWD_THREADS>(v_tile, k, [&](int r) { return r < t.keys ? v + r * k_stride : nullptr; });
  copy_async_commit();
  copy_async_wait<0>();
  block_barrier();
  bf16_own<D>(k_own, q_tile + first * pitch);
  block_barrier();
  const uint16_t *v_left = bf16_left<D>(v_tile + first * pitch);

  float ok[D / 8][4], ov[D / 8][4];
#pragma unroll
  for (int n = 0; n < D / 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) ok[n][i] = ov[n][i] = 0;

  /* Thread 0..31 brings the level of a row, 32..63 its delta; rows past the segment's end get a level for which p = 0. */
  const auto stat_of = [&](const dkv_cursor &c) {
    const int i = c.i0 + thread % 32;
    if (thread >= 64) return 0.0f;
    if (i >= c.w.q_count) return thread < 32 ? INFINITY : 0.0f;
    return (thread < 32 ? level : delta)[c.head * rows + c.w.q_begin + i - q_first];
  };
  const auto load_queries = [&](int buffer, const dkv_cursor &c) {
    const int64_t at = c.w.q_begin * q_stride + (int64_t)c.head * D;
    bf16_load<D, DKV_ROWS, BWD_THREADS>(q_tile + buffer * size, k, [&](int r) { return c.i0 + r < c.w.q_count ? in.q + at + (c.i0 + r) * q_stride : nullptr; });
    bf16_load<D, DKV_ROWS, BWD_THREADS>(d_tile + buffer * size, k, [&](int r) { return c.i0 + r < c.w.q_count ? in.dout + at + (c.i0 + r) * q_stride : nullptr; });
    copy_async_commit();
  };

  dkv_cursor next = {t.first, t.first + t.count, g * rep, 0, 0, {0, 0, 0}};
  open_viewer(next, viewers, t.k_begin);
  load_queries(0, next);
  if (thread < 64) stats[thread] = stat_of(next);
  bool more = true;
  for (int buffer = 0; more; buffer ^= 1) {
    const int i0 = next.i0, from = t.k_begin + first - next.w.base;   /* the first query that sees the warp's first key */
    copy_async_wait<0>();
    block_barrier();   /* this buffer is here; all are done with the other */
    more = advance(next, viewers, t.k_begin, g * rep, (g + 1) * rep);
    float stat = 0;
    if (more) {
      load_queries(buffer ^ 1, next);
      stat = stat_of(next);
    }
    if (first < t.keys && i0 + DKV_ROWS > from) {
      const uint16_t *q_now = q_tile + buffer * size, *d_now = d_tile + buffer * size;
      const float *stats_now = stats + 64 * buffer + lane % 4 * 2;
      float s[DKV_N][4], dp[DKV_N][4];
      bf16_products<D, DKV_N>(s, k_own, bf16_right<D>(q_now));
#pragma unroll
      for (int n = 0; n < DKV_N; n++) dp[n][0] = dp[n][1] = dp[n][2] = dp[n][3] = 0;
#pragma unroll
      for (int kk = 0; kk < D / 16; kk++) {
        uint32_t left[4];
        load_matrices(left, v_left + 16 * kk);
#pragma unroll
        for (int n = 0; n < DKV_N; n += 2) {
          uint32_t right[4];
          load_matrices(right, bf16_right<D>(d_now) + 8 * n * pitch + 16 * kk);
          mma_bf16(dp[n], left, right);
          mma_bf16(dp[n + 1], left, right + 2);
        }
      }
      const bool border = i0 < from + 15;
#pragma unroll
      for (int n = 0; n < DKV_N; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const bool unseen = border && i0 + 8 * n + lane % 4 * 2 + i % 2 < from + lane / 4 + i / 2 * 8;
          const float p = unseen ? 0.0f : exp2_fast(fmaf(s[n][i], c, -stats_now[8 * n + i % 2]));
          s[n][i] = p;
          dp[n][i] = unseen ? 0.0f : p * (dp[n][i] - stats_now[32 + 8 * n + i % 2]);
        }
      uint32_t weights[DKV_N / 2][4];
      bf16_weights<DKV_N / 2>(weights, s);
      bf16_accumulate<D, DKV_N / 2>(ov, weights, bf16_left<D>(d_now));
      bf16_weights<DKV_N / 2>(weights, dp);
      bf16_accumulate<D, DKV_N / 2>(ok, weights, bf16_left<D>(q_now));
    }
    if (more && thread < 64) stats[64 * (buffer ^ 1) + thread] = stat;
  }
#pragma unroll
  for (int half = 0; half < 2; half++) {
    const int r = first + lane / 4 + 8 * half;
    if (r >= t.keys) continue;
    const int64_t at = (t.k_begin + r) * k_stride + (int64_t)g * D + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < D / 8; n++) {
      const float2 k_was = act_load_2(dk + at + 8 * n), v_was = act_load_2(dv + at + 8 * n);
      act_store_2(dk + at + 8 * n, fmaf(scale, ok[n][2 * half], k_was.x), fmaf(scale, ok[n][2 * half + 1], k_was.y));
      act_store_2(dv + at + 8 * n, ov[n][2 * half] + v_was.x, ov[n][2 * half + 1] + v_was.y);
    }
  }
}

template <int D> static gk_status backward(gk_backend *b, const gk_attention *a, const attention_work &w, const bf16_operands &in, const float *delta, gk_act dq, gk_act dk, gk_act dv) {
  const int64_t rows = w.q_end - w.q_begin;
  const float *level = delta + rows * a->heads;
  const float c = a->scale * LOG2_E;
  const size_t of_dq = bf16_tile<D>::bytes(4 * DQ_KEYS), of_dkv = bf16_tile<D>::bytes(4 * DKV_ROWS + DKV_KEYS) + 128 * sizeof(float);
  GK_TRY(LAUNCH(b, attention_dq_bf16_kernel<D>, (unsigned)(w.n_query_tiles * a->heads), BWD_THREADS, of_dq, w.query_tiles, a->heads, a->kv_heads, in, a->scale, c, delta, level, w.q_begin, rows,
                (gk_bf16 *)dq.data));
  return LAUNCH(b, attention_dkv_bf16_kernel<D>, (unsigned)(w.n_key_tiles * a->kv_heads), BWD_THREADS, of_dkv, w.key_tiles, w.viewers, a->heads, a->kv_heads, in, a->scale, c, delta, level,
                w.q_begin, rows, (gk_bf16 *)dk.data, (gk_bf16 *)dv.data);
}

gk_status gk_cuda_attention_bwd_bf16(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, const float *lse, gk_act dout, gk_act dq, gk_act dk, gk_act dv) {
  attention_work w;
  const float *delta;
  GK_TRY(gk_cuda_attention_work(b, a, DQ_ROWS, DKV_KEYS, &w));
  GK_TRY(attention_delta<gk_bf16>(b, a, w, out, lse, dout, LOG2_E, &delta));
  const bf16_operands in = {(const uint16_t *)q.data, (const uint16_t *)k.data, (const uint16_t *)v.data, (const uint16_t *)dout.data};
  return (a->head_width == 64 ? backward<64> : a->head_width == 96 ? backward<96> : backward<128>)(b, a, w, in, delta, dq, dk, dv);
}
