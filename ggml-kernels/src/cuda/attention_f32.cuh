/* Tiles of f32 rows in shared memory, and products between them: a block of 128 threads owns 8 R rows and goes over 16 C others at a time.
 *
 * Thread (group, place) = (t / 16, t % 16) has own rows group R .. group R + R - 1, with others place + 16 c in a product of rows with rows, and with
 * columns 4 (place + 16 n) .. + 3 in a sum of rows. The 16 threads of a group are half of a warp.
 * Rows are `quads` groups of four columns, zeros after the head's width, an odd number of quads apart, so that eight rows' quads lie in different banks. */
#ifndef GRAFT_CUDA_ATTENTION_F32_CUH
#define GRAFT_CUDA_ATTENTION_F32_CUH
#include "acts.cuh"

enum { F32_THREADS = 128 };

struct f32_layout {
  int width, quads, pitch;   /* pitch: floats from one row to the next */
};
static inline f32_layout f32_layout_of(int width) {
  const int quads = (width + 3) / 4;
  return {width, quads, 4 * (quads | 1)};
}
/* Weights of own rows for 16 C others, own rows so many floats apart. */
template <int C> GK_HOST_DEVICE int f32_weight_pitch() { return 16 * C + 4; }

GK_DEVICE int f32_group() { return (int)threadIdx.x / 16; }
GK_DEVICE int f32_place() { return (int)threadIdx.x % 16; }

GK_DEVICE void fma4(float4 &sum, float w, const float4 &v) {
  sum.x = fmaf(w, v.x, sum.x), sum.y = fmaf(w, v.y, sum.y), sum.z = fmaf(w, v.z, sum.z), sum.w = fmaf(w, v.w, sum.w);
}
GK_DEVICE float half_warp_sum(float v) {
  for (int mask = 8; mask > 0; mask >>= 1) v += shuffle_xor(v, mask);
  return v;
}
/* NaN is not passed on: it comes back through the exponentials. */
GK_DEVICE float half_warp_max(float v) {
  for (int mask = 8; mask > 0; mask >>= 1) v = fmaxf(v, shuffle_xor(v, mask));
  return v;
}

/* Activations whose type is known when the kernel runs: a branch for each row is nothing beside its products, and kernels twice would be twice as many. */
struct f32_act {
  void *data;
  int32_t bf16, vector;   /* vector: may rows be read by quads, whose number is whole? */
};
static inline f32_act f32_act_of(gk_act a, int width) {
  return {a.data, gk_is_bf16(a), width % 4 == 0 && gk_aligned(a.data, (uintptr_t)(4 * gk_act_bytes(a)))};
}
GK_DEVICE float f32_get(const f32_act &a, int64_t i) { return act_get(a.data, a.bf16, i); }
/* Elements at .. at + 3, of which those from `left` on are 0. */
GK_DEVICE float4 f32_get_4(const f32_act &a, int64_t at, int left) {
  if (left <= 0) return make_float4(0, 0, 0, 0);
  if (a.vector) return a.bf16 ? act_load_4((const gk_bf16 *)a.data + at) : act_load_4((const float *)a.data + at);
  float v[4];
#pragma unroll
  for (int i = 0; i < 4; i++) v[i] = i < left ? f32_get(a, at + i) : 0.0f;
  return make_float4(v[0], v[1], v[2], v[3]);
}
GK_DEVICE void f32_put(const f32_act &a, int64_t i, float v) { act_put(a.data, a.bf16, i, v); }

/* Row r of the tile becomes the `width` elements from number offset_of(r) on, zeros where that is negative. */
template <typename F> GK_DEVICE void f32_load(float *to, const f32_layout &l, int rows, const f32_act &a, F offset_of) {
  const int lane = (int)threadIdx.x % 32;
  for (int r = (int)threadIdx.x / 32; r < rows; r += F32_THREADS / 32) {
    const int64_t at = offset_of(r);
    float *row = to + r * l.pitch;
    for (int i = lane; i < l.quads; i += 32) ((float4 *)row)[i] = f32_get_4(a, at + 4 * i, at < 0 ? 0 : l.width - 4 * i);
  }
}

/* s[r][c] = own row r · other row c */
template <int R, int C> GK_DEVICE void f32_products(const float *own, const float *other, const f32_layout &l, float s[R][C]) {
  const float4 *a = (const float4 *)(own + f32_group() * R * l.pitch), *b = (const float4 *)(other + f32_place() * l.pitch);
  const int step = l.pitch / 4;
#pragma unroll
  for (int r = 0; r < R; r++)
#pragma unroll
    for (int c = 0; c < C; c++) s[r][c] = 0;
  for (int i = 0; i < l.quads; i++) {
    float4 y[C];
#pragma unroll
    for (int c = 0; c < C; c++) y[c] = b[16 * c * step + i];
#pragma unroll
    for (int r = 0; r < R; r++) {
      const float4 x = a[r * step + i];
#pragma unroll
      for (int c = 0; c < C; c++) s[r][c] = fmaf(x.w, y[c].w, fmaf(x.z, y[c].z, fmaf(x.y, y[c].y, fmaf(x.x, y[c].x, s[r][c]))));
    }
  }
}

/* Weights into shared memory, where the threads of the group read them after a warp_barrier. */
template <int R, int C> GK_DEVICE void f32_put_weights(float *weights, const float s[R][C]) {
#pragma unroll
  for (int r = 0; r < R; r++)
#pragma unroll
    for (int c = 0; c < C; c++) weights[(f32_group() * R + r) * f32_weight_pitch<C>() + f32_place() + 16 * c] = s[r][c];
}

/* o[r][n] += Σ_j weight[r, j] * other row j, over all 16 C others; columns past the last quad repeat it. */
template <int R, int C, int N> GK_DEVICE void f32_accumulate(const float *weights, const float *other, const f32_layout &l, float4 o[R][N]) {
  const float *w = weights + f32_group() * R * f32_weight_pitch<C>();
  int column[N];
#pragma unroll
  for (int n = 0; n < N; n++) column[n] = f32_place() + 16 * n < l.quads ? f32_place() + 16 * n : l.quads - 1;
  for (int j = 0; j < 16 * C; j += 4) {
    float4 x[R];
#pragma unroll
    for (int r = 0; r < R; r++) x[r] = *(const float4 *)(w + r * f32_weight_pitch<C>() + j);
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const float4 *row = (const float4 *)(other + (j + i) * l.pitch);
#pragma unroll
      for (int n = 0; n < N; n++) {
        const float4 y = row[column[n]];
#pragma unroll
        for (int r = 0; r < R; r++) fma4(o[r][n], i == 0 ? x[r].x : i == 1 ? x[r].y : i == 2 ? x[r].z : x[r].w, y);
      }
    }
  }
}

/* The online softmax of own rows: s becomes p, o and sum are made smaller where the maximum rises. -inf in s is masked. `sum` is this thread's share. */
template <int R, int C, int N> GK_DEVICE void f32_softmax(float s[R][C], float most[R], float sum[R], float4 o[R][N]) {
#pragma unroll
  for (int r = 0; r < R; r++) {
    float m = s[r][0];
#pragma unroll
    for (int c = 1; c < C; c++) m = fmaxf(m, s[r][c]);
    m = fmaxf(most[r], half_warp_max(m));
    const float less = expf(most[r] - m);
    most[r] = m;
    sum[r] *= less;
#pragma unroll
    for (int c = 0; c < C; c++) {
      s[r][c] = expf(s[r][c] - m);
      sum[r] += s[r][c];
    }
#pragma unroll
    for (int n = 0; n < N; n++) o[r][n].x *= less, o[r][n].y *= less, o[r][n].z *= less, o[r][n].w *= less;
  }
}

/* This thread's columns of an own row; f(column, value). */
template <int N, typename F> GK_DEVICE void f32_each(const float4 o[N], int width, F f) {
#pragma unroll
  for (int n = 0; n < N; n++) {
    const float v[4] = {o[n].x, o[n].y, o[n].z, o[n].w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int column = 4 * (f32_place() + 16 * n) + i;
      if (column < width) f(column, v[i]);
    }
  }
}
template <int R, int N> GK_DEVICE void f32_clear(float4 o[R][N]) {
#pragma unroll
  for (int r = 0; r < R; r++)
#pragma unroll
    for (int n = 0; n < N; n++) o[r][n] = make_float4(0, 0, 0, 0);
}
#endif
