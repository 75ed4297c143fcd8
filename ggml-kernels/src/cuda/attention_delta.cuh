/* What the backward's kernels want to know of each query row and head. */
#ifndef GRAFT_CUDA_ATTENTION_DELTA_CUH
#define GRAFT_CUDA_ATTENTION_DELTA_CUH
#include "attention.h"

enum { DELTA_THREADS = 256 };

/* delta[h, row] = dout·out of the row's head h; level[h, row] = factor * lse[row, h]. A warp to each; rows and stats are counted from the first row given. */
GK_KERNEL(DELTA_THREADS) attention_delta_kernel(const float *dout, const float *out, const float *lse, int64_t rows, int heads, int width, float factor, float *delta, float *level) {
  const int64_t pair = (int64_t)blockIdx.x * (DELTA_THREADS / 32) + threadIdx.x / 32;
  if (pair >= rows * heads) return;   /* the whole warp */
  float sum = 0;
  for (int d = (int)threadIdx.x % 32; d < width; d += 32) sum = fmaf(dout[pair * width + d], out[pair * width + d], sum);
  sum = warp_sum(sum);
  if (threadIdx.x % 32) return;
  const int64_t at = pair % heads * rows + pair / heads;
  delta[at] = sum;
  level[at] = factor * lse[pair];
}

/* delta and level, each [H, w.q_end - w.q_begin], in `room` of twice that many floats. */
static inline gk_status attention_delta(gk_backend *b, const gk_attention *a, const attention_work &w, const float *out, const float *lse, const float *dout, float factor, float *room) {
  const int64_t rows = w.q_end - w.q_begin, at = w.q_begin * a->heads;
  return LAUNCH(b, attention_delta_kernel, (unsigned)gk_ceil_div(rows * a->heads, DELTA_THREADS / 32), DELTA_THREADS, 0, dout + at * a->head_width, out + at * a->head_width, lse + at, rows,
                a->heads, a->head_width, factor, room, room + rows * a->heads);
}
#endif
