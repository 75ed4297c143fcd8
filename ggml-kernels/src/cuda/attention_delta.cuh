/* What the backward's kernels want to know of each query row and head. */
#ifndef GRAFT_CUDA_ATTENTION_DELTA_CUH
#define GRAFT_CUDA_ATTENTION_DELTA_CUH
#include "attention.h"

enum { DELTA_THREADS = 256 };

/* delta[h, row] = dout·out of the row's head h; level[h, row] = factor * lse[row, h]. A warp to each, pairs of columns to a lane; rows and stats are counted from
 * the first row given. paired: dout and out may be read by pairs. */
template <typename T>
GK_KERNEL(DELTA_THREADS) attention_delta_kernel(const T *dout, const T *out, const float *lse, int64_t rows, int heads, int width, bool paired, float factor, float *delta, float *level) {
  const int64_t pair = (int64_t)blockIdx.x * (DELTA_THREADS / 32) + threadIdx.x / 32;
  if (pair >= rows * heads) return;   /* the whole warp */
  float sum = 0;
  for (int d = 2 * (int)(threadIdx.x % 32); d < width; d += 64) {
    const T *x = dout + pair * width + d, *y = out + pair * width + d;
    if (paired) {
      const float2 dx = act_load_2(x), dy = act_load_2(y);
      sum = fmaf(dx.y, dy.y, fmaf(dx.x, dy.x, sum));
    } else {
      sum = fmaf(act_to_f32(x[0]), act_to_f32(y[0]), sum);
      if (d + 1 < width) sum = fmaf(act_to_f32(x[1]), act_to_f32(y[1]), sum);
    }
  }
  sum = warp_sum(sum);
  if (threadIdx.x % 32) return;
  const int64_t at = pair % heads * rows + pair / heads;
  delta[at] = sum;
  level[at] = factor * lse[pair];
}

/* *delta: in scratch memory, delta and after it level, each [H, w.q_end - w.q_begin]. */
template <typename T>
static inline gk_status attention_delta(gk_backend *b, const gk_attention *a, const attention_work &w, gk_act out, const float *lse, gk_act dout, float factor, const float **delta) {
  const int64_t rows = w.q_end - w.q_begin, stats = rows * a->heads, at = w.q_begin * a->heads;
  float *room = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, 2 * stats * (int64_t)sizeof(float));
  if (!room) return GK_OUT_OF_MEMORY;
  *delta = room;
  const bool paired = a->head_width % 2 == 0 && gk_aligned(dout.data, 2 * sizeof(T)) && gk_aligned(out.data, 2 * sizeof(T));
  return LAUNCH(b, attention_delta_kernel<T>, (unsigned)gk_ceil_div(stats, DELTA_THREADS / 32), DELTA_THREADS, 0, (const T *)dout.data + at * a->head_width,
                (const T *)out.data + at * a->head_width, lse + at, rows, a->heads, a->head_width, paired, factor, room, room + stats);
}
#endif
