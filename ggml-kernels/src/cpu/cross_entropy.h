/* Log-softmax at the target, its gradient, and statistics of the row for one isa; see vec.h. docs/cross_entropy.md
 *
 * One pass over the row gives its maximum and Σ exp(z - max), with the statistics where they are wanted: it goes block by
 * block (a block fits the first-level cache), and when a block raises the maximum, the sums so far are scaled down. A
 * second pass writes the gradient. */
#include <float.h>
#include <math.h>

#include "vec.h"

enum { CE_BLOCK = 4096 };

typedef struct entropy_job {
  float *logits;
  int64_t ldl, v;
  const int32_t *targets;
  float *logps, *mean_logits, *log_squares;
  int32_t with_grad;
} entropy_job;

/* The maximum starts at the lowest finite number, so that -inf logits have probability 0 and not NaN. NaN logits
 * may be lost in the maximum but not in the sum. */
GK_INLINE float block_max(const float *z, int64_t n) {
  vf lowest = vf_set(-FLT_MAX), a = lowest, b = lowest;
  int64_t i = 0;
  for (; i + 2 * VW <= n; i += 2 * VW) {
    a = vf_max(vf_load(z + i), a);
    b = vf_max(vf_load(z + i + VW), b);
  }
  for (; i < n; i += VW) a = vf_max(vf_first(vf_loadn(z + i, n - i), n - i, lowest), a);
  return vf_hmax(vf_max(a, b));
}

/* Σ exp(z - max); *squares is overwritten by the sum of its terms' squares when not NULL. */
GK_INLINE float block_sum(const float *z, int64_t n, float max, float *squares) {
  vf m = vf_set(max), a = vf_zero(), b = a, a2 = a, b2 = a;
  int64_t i = 0;
  for (; i + 2 * VW <= n; i += 2 * VW) {
    vf e = vf_exp(vf_sub(vf_load(z + i), m)), f = vf_exp(vf_sub(vf_load(z + i + VW), m));
    a = vf_add(a, e);
    b = vf_add(b, f);
    if (squares) {
      a2 = vf_fma(e, e, a2);
      b2 = vf_fma(f, f, b2);
    }
  }
  for (; i < n; i += VW) {
    vf e = vf_first(vf_exp(vf_sub(vf_loadn(z + i, n - i), m)), n - i, vf_zero());
    a = vf_add(a, e);
    if (squares) a2 = vf_fma(e, e, a2);
  }
  if (squares) *squares = vf_hsum(vf_add(a2, b2));
  return vf_hsum(vf_add(a, b));
}

/* Σ z / CE_BLOCK: a power of two, so the division is exact, and no sum of finite logits overflows. */
GK_INLINE float block_mean(const float *z, int64_t n) {
  vf part = vf_set(1.0f / CE_BLOCK), a = vf_zero(), b = a;
  int64_t i = 0;
  for (; i + 2 * VW <= n; i += 2 * VW) {
    a = vf_fma(vf_load(z + i), part, a);
    b = vf_fma(vf_load(z + i + VW), part, b);
  }
  for (; i < n; i += VW) a = vf_fma(vf_loadn(z + i, n - i), part, a);
  return vf_hsum(vf_add(a, b));
}

static void entropy_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const entropy_job *j = arg;
  for (int64_t r = begin; r < end; r++) {
    float *z = j->logits + r * j->ldl, max = -FLT_MAX;
    double sum = 0, squares = 0, blocks = 0;
    for (int64_t i = 0; i < j->v; i += CE_BLOCK) {
      int64_t n = gk_min_i64(CE_BLOCK, j->v - i);
      float m = block_max(z + i, n);
      if (m > max) {
        double shrink = exp((double)max - m);
        sum *= shrink;
        squares *= shrink * shrink;
        max = m;
      }
      if (j->log_squares) {
        float of_block;
        sum += block_sum(z + i, n, max, &of_block);
        squares += of_block;
      } else {
        sum += block_sum(z + i, n, max, NULL);
      }
      if (j->mean_logits) blocks += block_mean(z + i, n);
    }
    int32_t target = j->targets[r];
    j->logps[r] = (float)((double)z[target] - max - log(sum));
    if (j->mean_logits) j->mean_logits[r] = (float)(blocks * CE_BLOCK / (double)j->v);
    if (j->log_squares) j->log_squares[r] = (float)(log(squares) - 2 * log(sum));   /* log Σ (e / Σ e)² */
    if (!j->with_grad) continue;
    /* d logp / d z_i = [i == target] - softmax_i. The target's own entry is rounded once, from double. */
    double at_target = 1.0 - exp((double)z[target] - max) / sum;
    vf m = vf_set(max), f = vf_set((float)(-1.0 / sum));
    int64_t i = 0;
    for (; i + VW <= j->v; i += VW) vf_store(z + i, vf_mul(f, vf_exp(vf_sub(vf_load(z + i), m))));
    if (i < j->v) vf_storen(z + i, vf_mul(f, vf_exp(vf_sub(vf_loadn(z + i, j->v - i), m))), j->v - i);
    z[target] = (float)at_target;
  }
}

gk_status GK_FN(cross_entropy)(gk_backend *b, float *logits, int64_t ldl, const int32_t *targets, int64_t m, int64_t v,
                               float *logps, float *mean_logits, float *log_squares, int32_t with_grad) {
  entropy_job j = {logits, ldl, v, targets, logps, mean_logits, log_squares, with_grad};
  gk_parallel_for(b, m, gk_max_i64(1, 32768 / gk_max_i64(v, 1)), entropy_rows, &j);
  return GK_OK;
}
