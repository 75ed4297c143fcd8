/* Attention computed in f32 for any head width up to 256, activations in f32 or bf16. The tiles are those of attention_f32.cuh; docs/attention.md has the formulas. */
#include <cfloat>

#include "attention.h"
#include "attention_delta.cuh"
#include "attention_f32.cuh"

/* What all three kernels are given, without a gap: a graph's arguments are compared by their bytes. q, out, dout and dq [*, H*D], k, v, dk and dv [*, G*D]. */
struct f32_attention {
  f32_layout layout;
  int heads, kv_heads, rep;   /* rep = H / G */
  float scale;
  int32_t gap;                /* 0 */
  f32_act q, k, v;
};

GK_DEVICE int64_t query_offset(const f32_attention &a, int64_t row, int head) { return (row * a.heads + head) * a.layout.width; }
GK_DEVICE int64_t key_offset(const f32_attention &a, int64_t row, int g) { return (row * a.kv_heads + g) * a.layout.width; }

/* Keys and values j0 .. j0 + 16 C - 1 of the `total` that a tile sees, of kv head g. Whatever the block did with those before is done, and all are here on return. */
template <int C> GK_DEVICE void f32_load_keys(float *k, float *v, const f32_attention &a, const attention_query_tile &t, int j0, int total, int g) {
  block_barrier();
  f32_load(k, a.layout, 16 * C, a.k, [&](int j) { return j0 + j < total ? key_offset(a, tile_key_row(t, j0 + j), g) : (int64_t)-1; });
  f32_load(v, a.layout, 16 * C, a.v, [&](int j) { return j0 + j < total ? key_offset(a, tile_key_row(t, j0 + j), g) : (int64_t)-1; });
  block_barrier();
}

template <int R, int C, int N> GK_KERNEL(F32_THREADS) attention_fwd_f32_kernel(const attention_query_tile *tiles, f32_attention a, f32_act out, float *lse) {
  GK_DYNAMIC_SHARED(room);
  const attention_query_tile t = tiles[blockIdx.x / a.heads];
  const int head = (int)(blockIdx.x % a.heads), g = head / a.rep, total = tile_seen(t, t.rows - 1);
  float *q = (float *)room, *k = q + 8 * R * a.layout.pitch, *v = k + 16 * C * a.layout.pitch, *weights = v + 16 * C * a.layout.pitch;
  float s[R][C], most[R], sum[R];
  float4 o[R][N];
  f32_clear<R, N>(o);
#pragma unroll
  for (int r = 0; r < R; r++) most[r] = -FLT_MAX, sum[r] = 0;
  f32_load(q, a.layout, 8 * R, a.q, [&](int r) { return r < t.rows ? query_offset(a, t.q_begin + r, head) : (int64_t)-1; });
  for (int j0 = 0; j0 < total; j0 += 16 * C) {
    f32_load_keys<C>(k, v, a, t, j0, total, g);
    f32_products<R, C>(q, k, a.layout, s);
#pragma unroll
    for (int r = 0; r < R; r++)
#pragma unroll
      for (int c = 0; c < C; c++) s[r][c] = j0 + f32_place() + 16 * c < tile_seen(t, f32_group() * R + r) ? s[r][c] * a.scale : -INFINITY;
    f32_softmax<R, C, N>(s, most, sum, o);
    warp_barrier();   /* the group has read the weights before these */
    f32_put_weights<R, C>(weights, s);
    warp_barrier();
    f32_accumulate<R, C, N>(weights, v, a.layout, o);
  }
#pragma unroll
  for (int r = 0; r < R; r++) {
    const int i = f32_group() * R + r;
    const float all = half_warp_sum(sum[r]);
    if (i >= t.rows) continue;
    const bool none = tile_seen(t, i) <= 0;
    const int64_t at = (int64_t)(t.q_begin + i) * a.heads + head;
    f32_each<N>(o[r], a.layout.width, [&](int column, float value) { f32_put(out, at * a.layout.width + column, none ? 0.0f : value / all); });
    if (lse && f32_place() == 0) lse[at] = none ? -INFINITY : most[r] + logf(all);
  }
}

/* fwd: s_j = scale * q·k_j,  p = exp(s - lse),  o = Σ p_j v_j
 * ds_j = p_j * (do·v_j - delta),  dq = scale * Σ ds_j k_j.  level and delta [H, rows from q_first on] */
template <int R, int C, int N>
GK_KERNEL(F32_THREADS) attention_dq_f32_kernel(const attention_query_tile *tiles, f32_attention a, f32_act dout, const float *delta, const float *level, int64_t q_first, int64_t rows, f32_act dq) {
  GK_DYNAMIC_SHARED(room);
  const attention_query_tile t = tiles[blockIdx.x / a.heads];
  const int head = (int)(blockIdx.x % a.heads), g = head / a.rep, total = tile_seen(t, t.rows - 1);
  float *q = (float *)room, *d = q + 8 * R * a.layout.pitch, *k = d + 8 * R * a.layout.pitch, *v = k + 16 * C * a.layout.pitch, *weights = v + 16 * C * a.layout.pitch;
  float s[R][C], dp[R][C], of_delta[R], of_level[R];
  float4 o[R][N];
  f32_clear<R, N>(o);
#pragma unroll
  for (int r = 0; r < R; r++) {
    const int i = f32_group() * R + r;
    const int64_t at = head * rows + t.q_begin + i - q_first;
    of_delta[r] = i < t.rows ? delta[at] : 0.0f;
    of_level[r] = i < t.rows ? level[at] : 0.0f;
  }
  f32_load(q, a.layout, 8 * R, a.q, [&](int r) { return r < t.rows ? query_offset(a, t.q_begin + r, head) : (int64_t)-1; });
  f32_load(d, a.layout, 8 * R, dout, [&](int r) { return r < t.rows ? query_offset(a, t.q_begin + r, head) : (int64_t)-1; });
  for (int j0 = 0; j0 < total; j0 += 16 * C) {
    f32_load_keys<C>(k, v, a, t, j0, total, g);
    f32_products<R, C>(q, k, a.layout, s);
    f32_products<R, C>(d, v, a.layout, dp);
#pragma unroll
    for (int r = 0; r < R; r++)
#pragma unroll
      for (int c = 0; c < C; c++)
        s[r][c] = j0 + f32_place() + 16 * c < tile_seen(t, f32_group() * R + r) ? expf(s[r][c] * a.scale - of_level[r]) * (dp[r][c] - of_delta[r]) : 0.0f;
    warp_barrier();
    f32_put_weights<R, C>(weights, s);
    warp_barrier();
    f32_accumulate<R, C, N>(weights, k, a.layout, o);
  }
#pragma unroll
  for (int r = 0; r < R; r++) {
    const int i = f32_group() * R + r;
    if (i >= t.rows) continue;
    const int64_t at = query_offset(a, t.q_begin + i, head);
    f32_each<N>(o[r], a.layout.width, [&](int column, float value) { f32_put(dq, at + column, value * a.scale); });
  }
}

/* dv_j += Σ_rows p_j do,  dk_j += scale * Σ_rows ds_j q: own rows are keys, others the queries of every segment and head that see them, in order. */
template <int R, int C, int N>
GK_KERNEL(F32_THREADS) attention_dkv_f32_kernel(const attention_key_tile *tiles, const attention_viewer *viewers, f32_attention a, f32_act dout, const float *delta, const float *level,
                                                int64_t q_first, int64_t rows, f32_act dk, f32_act dv) {
  GK_DYNAMIC_SHARED(room);
  const attention_key_tile t = tiles[blockIdx.x / a.kv_heads];
  const int g = (int)(blockIdx.x % a.kv_heads);
  float *k = (float *)room, *v = k + 8 * R * a.layout.pitch, *q = v + 8 * R * a.layout.pitch, *d = q + 16 * C * a.layout.pitch, *weights = d + 16 * C * a.layout.pitch;
  float *weights_ds = weights + 8 * R * f32_weight_pitch<C>();
  float s[R][C], dp[R][C];
  float4 ok[R][N], ov[R][N];
  f32_clear<R, N>(ok);
  f32_clear<R, N>(ov);
  f32_load(k, a.layout, 8 * R, a.k, [&](int r) { return r < t.keys ? key_offset(a, t.k_begin + r, g) : (int64_t)-1; });
  f32_load(v, a.layout, 8 * R, a.v, [&](int r) { return r < t.keys ? key_offset(a, t.k_begin + r, g) : (int64_t)-1; });
  for (int n = t.first; n < t.first + t.count; n++) {
    const attention_viewer w = viewers[n];
    const int sees = t.k_begin - w.base > 0 ? t.k_begin - w.base : 0;   /* the first query that sees the first key */
    for (int head = g * a.rep; head < (g + 1) * a.rep; head++)
      for (int i0 = sees; i0 < w.q_count; i0 += 16 * C) {
        block_barrier();
        f32_load(q, a.layout, 16 * C, a.q, [&](int i) { return i0 + i < w.q_count ? query_offset(a, w.q_begin + i0 + i, head) : (int64_t)-1; });
        f32_load(d, a.layout, 16 * C, dout, [&](int i) { return i0 + i < w.q_count ? query_offset(a, w.q_begin + i0 + i, head) : (int64_t)-1; });
        block_barrier();
        f32_products<R, C>(k, q, a.layout, s);
        f32_products<R, C>(v, d, a.layout, dp);
#pragma unroll
        for (int c = 0; c < C; c++) {
          const int i = i0 + f32_place() + 16 * c;
          const int64_t at = head * rows + w.q_begin + i - q_first;
          const float of_level = i < w.q_count ? level[at] : 0.0f, of_delta = i < w.q_count ? delta[at] : 0.0f;
#pragma unroll
          for (int r = 0; r < R; r++) {
            const bool seen = i < w.q_count && i >= t.k_begin + f32_group() * R + r - w.base;
            const float p = seen ? expf(s[r][c] * a.scale - of_level) : 0.0f;
            s[r][c] = p;
            dp[r][c] = seen ? p * (dp[r][c] - of_delta) : 0.0f;
          }
        }
        warp_barrier();
        f32_put_weights<R, C>(weights, s);
        f32_put_weights<R, C>(weights_ds, dp);
        warp_barrier();
        f32_accumulate<R, C, N>(weights, d, a.layout, ov);
        f32_accumulate<R, C, N>(weights_ds, q, a.layout, ok);
      }
  }
#pragma unroll
  for (int r = 0; r < R; r++) {
    const int i = f32_group() * R + r;
    if (i >= t.keys) continue;
    const int64_t at = key_offset(a, t.k_begin + i, g);
    f32_each<N>(ok[r], a.layout.width, [&](int column, float value) { f32_put(dk, at + column, fmaf(a.scale, value, f32_get(dk, at + column))); });
    f32_each<N>(ov[r], a.layout.width, [&](int column, float value) { f32_put(dv, at + column, f32_get(dv, at + column) + value); });
  }
}

static f32_attention parameters(const gk_attention *a, gk_act q, gk_act k, gk_act v) {
  const int width = a->head_width;
  return {f32_layout_of(width), a->heads, a->kv_heads, a->heads / a->kv_heads, a->scale, 0, f32_act_of(q, width), f32_act_of(k, width), f32_act_of(v, width)};
}

template <int R, int C, int N> static gk_status forward(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, float *lse) {
  attention_work w;
  GK_TRY(gk_cuda_attention_work(b, a, 8 * R, 0, &w));
  const f32_attention p = parameters(a, q, k, v);
  const size_t shared = sizeof(float) * (size_t)((8 * R + 32 * C) * p.layout.pitch + 8 * R * f32_weight_pitch<C>());
  return LAUNCH(b, (attention_fwd_f32_kernel<R, C, N>), (unsigned)(w.n_query_tiles * a->heads), F32_THREADS, shared, w.query_tiles, p, f32_act_of(out, a->head_width), lse);
}

template <int R, int C, int N>
static gk_status backward(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, const float *lse, gk_act dout_act, gk_act dq, gk_act dk, gk_act dv) {
  attention_work w;
  const float *delta;
  GK_TRY(gk_cuda_attention_work(b, a, 8 * R, 8 * R, &w));
  GK_TRY((gk_is_bf16(out) ? attention_delta<gk_bf16> : attention_delta<float>)(b, a, w, out, lse, dout_act, 1.0f, &delta));
  const f32_attention p = parameters(a, q, k, v);
  const f32_act dout = f32_act_of(dout_act, a->head_width);
  const int64_t rows = w.q_end - w.q_begin;
  const float *level = delta + rows * a->heads;
  const size_t tiles = sizeof(float) * (size_t)((16 * R + 32 * C) * p.layout.pitch), weights = sizeof(float) * (size_t)(8 * R * f32_weight_pitch<C>());
  GK_TRY(LAUNCH(b, (attention_dq_f32_kernel<R, C, N>), (unsigned)(w.n_query_tiles * a->heads), F32_THREADS, tiles + weights, w.query_tiles, p, dout, delta, level, w.q_begin, rows,
                f32_act_of(dq, a->head_width)));
  return LAUNCH(b, (attention_dkv_f32_kernel<R, C, N>), (unsigned)(w.n_key_tiles * a->kv_heads), F32_THREADS, tiles + 2 * weights, w.key_tiles, w.viewers, p, dout, delta, level, w.q_begin,
                rows, f32_act_of(dk, a->head_width), f32_act_of(dv, a->head_width));
}

/* 32 rows and 32 others to a block; 16 and 16 where heads are wide, whose sums take more registers. */
#define BY_WIDTH(f) (a->head_width <= 64 ? f<4, 2, 1> : a->head_width <= 128 ? f<4, 2, 2> : f<2, 1, 4>)

gk_status gk_cuda_attention_fwd_f32(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, float *lse) { return BY_WIDTH(forward)(b, a, q, k, v, out, lse); }

gk_status gk_cuda_attention_bwd_f32(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, const float *lse, gk_act dout, gk_act dq, gk_act dk, gk_act dv) {
  return BY_WIDTH(backward)(b, a, q, k, v, out, lse, dout, dq, dk, dv);
}
