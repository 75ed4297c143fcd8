/* Sums, scalings and the sum of squares, plainly. */
#include "internal.h"

gk_status gk_add_bias_ref(gk_backend *b, float *y, const float *bias, int64_t t, int64_t n) {
  (void)b;
  for (int64_t i = 0; i < t; i++)
    for (int64_t j = 0; j < n; j++) y[i * n + j] += bias[j];
  return GK_OK;
}

gk_status gk_add_bias_bwd_ref(gk_backend *b, const float *dy, int64_t t, int64_t n, float *db) {
  (void)b;
  for (int64_t i = 0; i < n; i++) {
    double sum = db[i];
    for (int64_t r = 0; r < t; r++) sum += dy[r * n + i];
    db[i] = (float)sum;
  }
  return GK_OK;
}

gk_status gk_add_scaled_ref(gk_backend *b, float *y, const float *x, float s, int64_t n) {
  (void)b;
  for (int64_t i = 0; i < n; i++) y[i] = (float)(y[i] + (double)s * x[i]);
  return GK_OK;
}

gk_status gk_scale_ref(gk_backend *b, float *y, float s, int64_t n) {
  (void)b;
  for (int64_t i = 0; i < n; i++) y[i] *= s;
  return GK_OK;
}

gk_status gk_scale_rows_ref(gk_backend *b, float *y, const float *s, int64_t m, int64_t n) {
  (void)b;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) y[i * n + j] *= s[i];
  return GK_OK;
}

gk_status gk_sum_squares_ref(gk_backend *b, const float *x, int64_t n, double *out) {
  (void)b;
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
  *out = sum;
  return GK_OK;
}
