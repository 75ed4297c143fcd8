/* Log-softmax at the target and its gradient for one isa; see vec.h. docs/cross_entropy.md
 *
 * One pass over the row gives its maximum and Σ exp(z - max): it goes block by block (a block fits the first-level
 * cache), and when a block raises the maximum, the sum so far is scaled down. A second pass writes the gradient. */
#include <float.h>
#include <math.h>

#include "vec.h"

enum { CE_BLOCK = 4096 };

typedef struct entropy_job {
  float *logits;
  int64_t ldl, v;
  const int32_t *targets;
  float *logps;
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

GK_INLINE float block_sum(const float *z, int64_t n, float max) {
  vf m = vf_set(max), a = vf_zero(), b = a;
  int64_t i = 0;
  for (; i + 2 * VW <= n; i += 2 * VW) {
    a = vf_add(a, vf_exp(vf_sub(vf_load(z + i), m)));
    b = vf_add(b, vf_exp(vf_sub(vf_load(z + i + VW), m)));
  }
  for (; i < n; i += VW) a = vf_add(a, vf_first(vf_exp(vf_sub(vf_loadn(z + i, n - i), m)), n - i, vf_zero()));
  return vf_hsum(vf_add(a, b));
}

static void entropy_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const entropy_job *j = arg;
  for (int64_t r = begin; r < end; r++) {
    float *z = j->logits + r * j->ldl, max = -FLT_MAX;
    double sum = 0;
    for (int64_t i = 0; i < j->v; i += CE_BLOCK) {
      int64_t n = gk_min_i64(CE_BLOCK, j->v - i);
      float m = block_max(z + i, n);
      if (m > max) {
        sum *= exp((double)max - m);
        max = m;
      }
      sum += block_sum(z + i, n, max);
    }
    int32_t target = j->targets[r];
    j->logps[r] = (float)((double)z[target] - max - log(sum));
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
                               float *logps, int32_t with_grad) {
  entropy_job j = {logits, ldl, v, targets, logps, with_grad};
  gk_parallel_for(b, m, gk_max_i64(1, 32768 / gk_max_i64(v, 1)), entropy_rows, &j);
  return GK_OK;
}
