/* cross_entropy and its statistics against the formulas in double, its gradient against central differences too. */
#include "harness.h"

static double logp_of(const double *z, int64_t v, int64_t target) {
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < v; i++) max = fmax(max, z[i]);
  for (int64_t i = 0; i < v; i++) sum += exp(z[i] - max);
  return z[target] - max - log(sum);
}

static double mean_of(const double *z, int64_t v) {
  double sum = 0;
  for (int64_t i = 0; i < v; i++) sum += z[i];
  return sum / (double)v;
}

/* log Σ p², p = e^(z - max) / Σ e^(z - max) */
static double log_squares_of(const double *z, int64_t v) {
  double max = -INFINITY, sum = 0, squares = 0;
  for (int64_t i = 0; i < v; i++) max = fmax(max, z[i]);
  for (int64_t i = 0; i < v; i++) sum += exp(z[i] - max);
  for (int64_t i = 0; i < v; i++) squares += pow(exp(z[i] - max) / sum, 2);
  return log(squares);
}

/* What a row's statistics may be off by; sum_error as below. */
static void check_statistics(const double *row, int64_t v, double sum_error, const float *means, const float *squares, int64_t r) {
  double mean = mean_of(row, v), size = 0;
  for (int64_t i = 0; i < v; i++) size += fabs(row[i]) / (double)v;
  /* a sum of v numbers in at least 8 lanes, block by block, and one rounding of the result */
  if (isinf(mean)) CHECK(means[r] == mean);
  else NEAR("mean logit", r, means[r], mean, (8 + 4096.0 / 8) * FLT_EPSILON * size + FLT_EPSILON * fabs(mean));
  /* log Σ e² - 2 log Σ e: each sum errs as that of logp does; what is rounded before exp counts twice in e² */
  double want = log_squares_of(row, v);
  NEAR("log sum of squares", r, squares[r], want, 3 * sum_error + 100 * FLT_EPSILON + FLT_EPSILON * fabs(want));
}

void check_cross_entropy(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  static const struct { int64_t m, v, gap; } shapes[] = {{1, 1, 0}, {3, 3, 2}, {5, 17, 0}, {2, 63, 1}, {70, 31, 5}, {4, 4096, 0}, {3, 9001, 7}, {2, 30000, 0}};
  static const float spreads[] = {1, 0, 30, 1e4f, 1e37f};
  for (size_t c = 0; c < 10 * sizeof shapes / sizeof shapes[0]; c++) {
    int64_t m = shapes[c / 10].m, v = shapes[c / 10].v, ldl = v + shapes[c / 10].gap, n = (m - 1) * ldl + v;
    float spread = spreads[c % 5];
    int with_grad = c / 5 % 2;
    AT("%s m %d v %d spread %g grad %d", isa, (int)m, (int)v, (double)spread, with_grad);
    float *z = guarded_normal(n), *old = guarded_f32(n), *logps = guarded_f32(m);
    float *bare = guarded_f32(n), *bare_logps = guarded_f32(m), *means = guarded_f32(m), *squares = guarded_f32(m);
    int32_t *target = guarded_i32(m);
    for (int64_t i = 0; i < n; i++) z[i] = z[i] * spread + (i % ldl >= v - 3 ? spread : 0);   /* rising at the end */
    for (int64_t r = 0; r < m; r++) target[r] = r == 0 ? (int32_t)v - 1 : (int32_t)(random_u64() % (uint64_t)v);
    if (c % 5 == 1)   /* far below 0: an exp without the right maximum is 0 */
      for (int64_t i = 0; i < n; i++) z[i] -= 500;
    if (c % 5 == 2 && v > 3)   /* a forbidden token: probability 0, not NaN */
      for (int64_t r = 0; r < m; r++) z[r * ldl + (target[r] + 1) % v] = -INFINITY;
    memcpy(old, z, (size_t)n * sizeof(float));
    memcpy(bare, z, (size_t)n * sizeof(float));
    CHECK(ops->cross_entropy(b, z, ldl, target, m, v, logps, means, squares, with_grad) == GK_OK);
    /* without statistics, and with each alone: the same bits */
    CHECK(ops->cross_entropy(b, bare, ldl, target, m, v, bare_logps, NULL, NULL, with_grad) == GK_OK);
    CHECK(memcmp(bare, z, (size_t)n * sizeof(float)) == 0 && memcmp(bare_logps, logps, (size_t)m * sizeof(float)) == 0);
    float *alone = guarded_f32(m);
    memcpy(bare, old, (size_t)n * sizeof(float));
    CHECK(ops->cross_entropy(b, bare, ldl, target, m, v, bare_logps, alone, NULL, 0) == GK_OK);
    CHECK(memcmp(alone, means, (size_t)m * sizeof(float)) == 0 && memcmp(bare_logps, logps, (size_t)m * sizeof(float)) == 0);
    CHECK(ops->cross_entropy(b, bare, ldl, target, m, v, bare_logps, NULL, alone, 0) == GK_OK);
    CHECK(memcmp(alone, squares, (size_t)m * sizeof(float)) == 0 && memcmp(bare_logps, logps, (size_t)m * sizeof(float)) == 0);
    double *row = malloc((size_t)v * sizeof *row);
    for (int64_t r = 0; r < m; r++) {
      for (int64_t i = 0; i < v; i++) row[i] = old[r * ldl + i];
      double want = logp_of(row, v, target[r]);
      /* the sum of v exps in at least 8 lanes, block by block, and one rounding of the result; z - max is rounded to
       * f32 before exp, but only entries within 100 of the maximum matter */
      double sum_error = (8 + 4096.0 / 8 + 100) * FLT_EPSILON;
      NEAR("logp", r, logps[r], want, sum_error + FLT_EPSILON * fabs(want));
      check_statistics(row, v, sum_error, means, squares, r);
      for (int64_t i = 0; i < v; i++) {
        double p = exp(row[i] - row[target[r]] + want), g = (i == target[r]) - p;
        if (v <= 63 && spread == 1) {
          double h = 1e-5, keep = row[i];
          row[i] = keep + h;
          double up = logp_of(row, v, target[r]);
          row[i] = keep - h;
          NEAR("statement of the gradient", i, g, (up - logp_of(row, v, target[r])) / (2 * h), 1e-9);
          row[i] = keep;
        }
        double got = z[r * ldl + i];
        if (with_grad) NEAR("gradient", r * ldl + i, got, g, (sum_error + 2 * FLT_EPSILON) * p + (i == target[r] ? FLT_EPSILON * fabs(g) : 0) + 1e-40);
        else CHECK(got == old[r * ldl + i] || isinf(got));
      }
      for (int64_t i = v; i < ldl && r + 1 < m; i++) CHECK(z[r * ldl + i] == old[r * ldl + i]);
    }
    free(row);
    memcpy(z, old, (size_t)n * sizeof(float));
    z[n - 1] = NAN;
    ops->cross_entropy(b, z, ldl, target, m, v, logps, means, squares, with_grad);
    CHECK(isnan(logps[m - 1]) && isnan(means[m - 1]) && isnan(squares[m - 1]));
    if (with_grad) CHECK(isnan(z[n - v]));
    guarded_free_all();
  }
}
