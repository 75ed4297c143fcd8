/* Log-softmax at the target, its gradient, and statistics of the row, plainly, in double. docs/cross_entropy.md */
#include <float.h>
#include <math.h>

#include "internal.h"

gk_status gk_cross_entropy_ref(gk_backend *b, float *logits, int64_t ldl, const int32_t *targets, int64_t m, int64_t v,
                               float *logps, float *mean_logits, float *log_squares, int32_t with_grad) {
  (void)b;
  for (int64_t r = 0; r < m; r++) {
    float *z = logits + r * ldl;
    double max = -FLT_MAX, sum = 0, squares = 0, total = 0;
    for (int64_t j = 0; j < v; j++)
      if (z[j] > max) max = z[j];
    for (int64_t j = 0; j < v; j++) {
      double e = exp(z[j] - max);
      sum += e;
      squares += e * e;
      total += z[j];
    }
    logps[r] = (float)(z[targets[r]] - max - log(sum));
    if (mean_logits) mean_logits[r] = (float)(total / (double)v);
    /* log Σ (e_j / Σ e)² */
    if (log_squares) log_squares[r] = (float)(log(squares) - 2 * log(sum));
    /* d logp / d z_j = [j == target] - softmax_j */
    if (with_grad)
      for (int64_t j = 0; j < v; j++) z[j] = (float)((j == targets[r]) - exp(z[j] - max) / sum);
  }
  return GK_OK;
}
