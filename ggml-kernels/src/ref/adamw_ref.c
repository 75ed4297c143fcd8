/* AdamW, plainly, in double. docs/adamw.md */
#include <math.h>

#include "internal.h"

gk_status gk_adamw_ref(gk_backend *b, const gk_adamw *o, const float *g, float *p, float *m, float *v, int64_t n) {
  (void)b;
  double b1 = o->beta1, b2 = o->beta2;
  double c1 = 1 - pow(b1, (double)o->step), c2 = 1 - pow(b2, (double)o->step);
  for (int64_t i = 0; i < n; i++) {
    double d = (double)g[i] * o->grad_scale;
    double w = p[i] - (double)o->learning_rate * o->weight_decay * p[i];
    double mean = b1 * m[i] + (1 - b1) * d, square = b2 * v[i] + (1 - b2) * d * d;
    p[i] = (float)(w - o->learning_rate * (mean / c1) / (sqrt(square / c2) + o->eps));
    m[i] = (float)mean;
    v[i] = (float)square;
  }
  return GK_OK;
}
