/* Log-softmax at the target, its gradient, and statistics of the row: one block a row. docs/cross_entropy.md
 *
 * One pass gives maximum and sums together, each thread its own in f32, brought to the row's maximum and added up in double. The second pass, which
 * writes the gradient, goes backwards: what was read last is still in the cache. Statistics cost little beside the memory and are always made,
 * so that logps are the same bits with and without them. */
#include <cfloat>
#include <cmath>
#include <new>

#include "packs.cuh"

/* A thread holds 4 packs of a row at a time. */
enum { MOST_THREADS = 1024, QUADS = 4, HELD = 4 * QUADS };

struct RowSums {
  float max, sum, squares, total;   /* Σ e^(z - max), Σ e^2(z - max), Σ z / 4096: a power of two, so exact, and no sum of finite logits overflows */
};

/* all: every one of the 16 is in the row. */
template <bool all> GK_DEVICE void add_held(RowSums *s, const float z[HELD], const int64_t left[QUADS]) {
  float most = z[0];
  for (int k = 1; k < HELD; k++) most = fmaxf(most, z[k]);   /* NaN is lost here, not in the sums */
  if (most > s->max) {
    const float shrink = expf(s->max - most);
    s->sum *= shrink;
    s->squares *= shrink * shrink;
    s->max = most;
  }
  float sum = 0, squares = 0;
  for (int k = 0; k < HELD; k++) {
    const float e = expf(z[k] - s->max);   /* 0 for what is not there, -inf */
    sum += e;
    squares = fmaf(e, e, squares);
    s->total = fmaf(all || k % 4 < left[k / 4] ? z[k] : 0.0f, 1.0f / 4096, s->total);
  }
  s->sum += sum;
  s->squares += squares;
}

template <int W>
GK_KERNEL(MOST_THREADS) cross_entropy_kernel(float *logits, int64_t ldl, const int32_t *targets, int64_t m, int64_t v, float *results, int32_t with_grad) {
  GK_SHARED float room[32];
  GK_SHARED double sums[32];
  const int64_t r = blockIdx.x, stride = (int64_t)blockDim.x * 4, step = stride * QUADS, own = (int64_t)threadIdx.x * 4;
  float *const row = logits + r * ldl;
  RowSums s = {-FLT_MAX, 0, 0, 0};   /* the lowest finite number: -inf logits have probability 0 and are not NaN */
  float z[HELD];
  int64_t left[QUADS];
  for (int64_t at = own; at - own < v; at += step) {
    for (int q = 0; q < QUADS; q++) {
      left[q] = v - (at + q * stride);
      load_quad<W>(z + 4 * q, row + at + q * stride, left[q], -INFINITY);
    }
    if (at - own + step <= v) add_held<true>(&s, z, left);
    else add_held<false>(&s, z, left);
  }
  const float max = block_max(s.max, room), shrink = expf(s.max - max);
  const double sum = block_sum((double)s.sum * shrink, sums), squares = block_sum((double)s.squares * shrink * shrink, sums), total = block_sum((double)s.total, sums);
  const int32_t target = targets[r];
  float at_target = 0;
  if (threadIdx.x == 0) {
    const double z_target = (double)row[target] - max;
    results[r] = (float)(z_target - log(sum));
    results[m + r] = (float)(total * 4096 / (double)v);
    results[2 * m + r] = (float)(log(squares) - 2 * log(sum));   /* log Σ (e / Σ e)² */
    at_target = (float)(1.0 - exp(z_target) / sum);              /* rounded once, from double */
  }
  if (!with_grad) return;
  block_barrier();   /* the target's logit has been read */
  /* d logp / d z_i = [i == target] - softmax_i */
  const float factor = (float)(-1.0 / sum);
  for (int64_t at = own + (v - 1) / step * step; at >= 0; at -= step) {
    for (int q = QUADS - 1; q >= 0; q--) load_quad<W>(z + 4 * q, row + at + q * stride, v - (at + q * stride), 0);
    for (int k = 0; k < HELD; k++) z[k] = factor * expf(z[k] - max);
    for (int q = QUADS - 1; q >= 0; q--) store_quad<W>(row + at + q * stride, z + 4 * q, v - (at + q * stride));
  }
  block_barrier();
  if (threadIdx.x == 0) row[target] = at_target;
}

gk_status gk_cross_entropy_cuda(gk_backend *b, float *logits, int64_t ldl, const int32_t *targets, int64_t m, int64_t v, float *logps, float *mean_logits, float *log_squares,
                                int32_t with_grad) {
  if (m <= 0) return GK_OK;
  const int32_t *of_rows = nullptr;
  GK_TRY(gk_cuda_stage_array(b, targets, m, &of_rows));
  float *results = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, 3 * m * (int64_t)sizeof(float));
  if (!results) return GK_OUT_OF_MEMORY;
  const bool wide = ldl % 4 == 0 && gk_aligned(logits);
  unsigned threads = 32;
  while (threads < MOST_THREADS && (int64_t)threads * HELD < v) threads *= 2;
  GK_TRY(LAUNCH_PACKS(b, wide, cross_entropy_kernel, (unsigned)m, threads, 0, logits, ldl, of_rows, m, v, results, with_grad));
  if (!mean_logits && !log_squares) return gk_cuda_fetch(b, logps, results, m * (int64_t)sizeof(float), "cross_entropy");
  float *host = new (std::nothrow) float[(size_t)(3 * m)];
  if (!host) return gk_cuda_fail(GK_OUT_OF_MEMORY, "cuda: cross_entropy: no host memory for the statistics of %lld rows", (long long)m);
  const gk_status status = gk_cuda_fetch(b, host, results, 3 * m * (int64_t)sizeof(float), "cross_entropy");
  if (status == GK_OK) {
    memcpy(logps, host, (size_t)m * sizeof(float));
    if (mean_logits) memcpy(mean_logits, host + m, (size_t)m * sizeof(float));
    if (log_squares) memcpy(log_squares, host + 2 * m, (size_t)m * sizeof(float));
  }
  delete[] host;
  return status;
}
