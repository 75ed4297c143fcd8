/* RMS norm, plainly, sums in double. docs/rmsnorm.md */
#include <math.h>

#include "internal.h"

static int64_t row_offset(int64_t r, int64_t width, int64_t per_token, int64_t stride) {
  return (r / per_token) * stride + (r % per_token) * width;
}

gk_status gk_rmsnorm_fwd_ref(gk_backend *b, const float *x, const float *w, float eps, int64_t rows, int64_t width,
                             int64_t per_token, int64_t stride, float *y, float *rstd) {
  (void)b;
  for (int64_t r = 0; r < rows; r++) {
    int64_t o = row_offset(r, width, per_token, stride);
    double sum = 0;
    for (int64_t i = 0; i < width; i++) sum += (double)x[o + i] * x[o + i];
    double s = 1.0 / sqrt(sum / (double)width + eps);
    for (int64_t i = 0; i < width; i++) y[o + i] = (float)(x[o + i] * s * w[i]);
    rstd[r] = (float)s;
  }
  return GK_OK;
}

/* fwd: y = x * r * w, r = (mean(x²) + eps)^-1/2
 * With g = dy * w:  dx = r * (g - x * r² * mean(g * x)),  dw = Σ_rows dy * x * r. */
gk_status gk_rmsnorm_bwd_ref(gk_backend *b, const float *dy, const float *x, const float *w, const float *rstd,
                             int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *dx,
                             int32_t accumulate, float *dw) {
  (void)b;
  for (int64_t r = 0; r < rows; r++) {
    int64_t o = row_offset(r, width, per_token, stride);
    double s = rstd[r], dot = 0;
    for (int64_t i = 0; i < width; i++) dot += (double)dy[o + i] * w[i] * x[o + i];
    double c = dot * s * s / (double)width;
    for (int64_t i = 0; i < width; i++) {
      double g = dy[o + i];
      if (dw) dw[i] = (float)(dw[i] + g * x[o + i] * s);
      double d = s * (g * w[i] - x[o + i] * c);
      dx[o + i] = (float)(accumulate ? dx[o + i] + d : d);
    }
  }
  return GK_OK;
}
