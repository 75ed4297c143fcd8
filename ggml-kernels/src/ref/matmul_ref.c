/* Products, the plain reference: one dequantized row of W at a time, sums in double, one thread.
 * Contracts: ops.h. Derivation: docs/matmul.md. */
#include "internal.h"

/* Row r of a weight as f32 in `row` [k]. */
static void weight_row(const gk_weight *w, int64_t r, float *row) {
  const char *data = w->data;
  gk_dequantize_ref(w->type, data + r * gk_type_bytes(w->type, w->k), row, w->k);
}

gk_status gk_matmul_fwd_ref(gk_backend *be, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k) {
  float *row = gk_scratch_get(be, GK_SCRATCH_MATMUL_A, k * (int64_t)sizeof *row);
  if (!row) return GK_OUT_OF_MEMORY;
  for (int32_t g = 0; g < group; g++) {
    for (int64_t j = 0; j < p[g].w.n; j++) {
      weight_row(&p[g].w, j, row);
      for (int64_t i = 0; i < m; i++) {
        double sum = 0;
        for (int64_t l = 0; l < k; l++) sum += (double)x[i * ldx + l] * row[l];
        float *y = &((float *)p[g].y.data)[i * p[g].ldy + j];
        *y = (float)((p[g].accumulate ? *y : 0.0) + p[g].scale * sum);
      }
    }
  }
  return GK_OK;
}

/* fwd: y_g = scale_g * x · W_gᵀ, so dx = Σ_g scale_g * dy_g · W_g. */
gk_status gk_matmul_dx_ref(gk_backend *be, int32_t group, const gk_product *p, float *dx, int64_t lddx, int64_t m, int64_t k, int32_t accumulate) {
  float *row = gk_scratch_get(be, GK_SCRATCH_MATMUL_A, k * (int64_t)sizeof *row);
  double *sum = gk_scratch_get(be, GK_SCRATCH_MATMUL_B, m * k * (int64_t)sizeof *sum);
  if (!row || !sum) return GK_OUT_OF_MEMORY;
  for (int64_t i = 0; i < m; i++)
    for (int64_t l = 0; l < k; l++) sum[i * k + l] = accumulate ? dx[i * lddx + l] : 0;
  for (int32_t g = 0; g < group; g++) {
    for (int64_t j = 0; j < p[g].w.n; j++) {
      weight_row(&p[g].w, j, row);
      for (int64_t i = 0; i < m; i++) {
        const double dy = (double)p[g].scale * ((const float *)p[g].y.data)[i * p[g].ldy + j];
        for (int64_t l = 0; l < k; l++) sum[i * k + l] += dy * row[l];
      }
    }
  }
  for (int64_t i = 0; i < m; i++)
    for (int64_t l = 0; l < k; l++) dx[i * lddx + l] = (float)sum[i * k + l];
  return GK_OK;
}

/* fwd: y = x · Wᵀ, so dW = dyᵀ · x. */
gk_status gk_matmul_dw_ref(gk_backend *be, const float *dy, int64_t ldy, const float *x, int64_t ldx, int64_t m, int64_t n, int64_t k, float scale, float *dw) {
  double *sum = gk_scratch_get(be, GK_SCRATCH_MATMUL_A, k * (int64_t)sizeof *sum);
  if (!sum) return GK_OUT_OF_MEMORY;
  for (int64_t j = 0; j < n; j++) {
    for (int64_t l = 0; l < k; l++) sum[l] = 0;
    for (int64_t i = 0; i < m; i++) {
      const double g = dy[i * ldy + j];
      for (int64_t l = 0; l < k; l++) sum[l] += g * x[i * ldx + l];
    }
    for (int64_t l = 0; l < k; l++) dw[j * k + l] = (float)(dw[j * k + l] + scale * sum[l]);
  }
  return GK_OK;
}
