/* Gated linear unit with SiLU, plainly, in double. docs/swiglu.md */
#include <math.h>

#include "internal.h"

gk_status gk_swiglu_fwd_ref(gk_backend *b, const float *gate, const float *up, int64_t n, float *y) {
  (void)b;
  for (int64_t i = 0; i < n; i++) {
    double g = gate[i];
    y[i] = (float)(g / (1 + exp(-g)) * up[i]);
  }
  return GK_OK;
}

/* fwd: y = silu(g) * u, silu(g) = g * s, s = 1/(1+exp(-g))
 * du = dy * g * s,  dg = dy * u * s * (1 + g * (1 - s)) */
gk_status gk_swiglu_bwd_ref(gk_backend *b, const float *dy, const float *gate, const float *up, int64_t n,
                            float *dgate, float *dup) {
  (void)b;
  for (int64_t i = 0; i < n; i++) {
    double g = gate[i], u = up[i], d = dy[i], s = 1 / (1 + exp(-g));
    dup[i] = (float)(d * g * s);
    dgate[i] = (float)(d * u * s * (1 + g * (1 - s)));
  }
  return GK_OK;
}
