/* add_bias, add_scaled, scale, scale_rows, sum_squares against the same in double. */
#include "acts.h"

static const int64_t sizes[] = {1, 3, 17, 31, 63, 64, 1000, 200001};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };
static const struct { int64_t m, n; } shapes[] = {{1, 1}, {3, 17}, {5, 63}, {70, 31}, {2, 2048}, {131, 1025}};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

void check_add_bias(gk_backend *b, const char *isa) {
  for (int c = 0; c < N_SHAPES; c++) {
    int64_t m = shapes[c].m, n = shapes[c].n;
    AT("%s m %d n %d", isa, (int)m, (int)n);
    float *y = guarded_normal(m * n), *bias = guarded_normal(n), *old = guarded_f32(m * n);
    const gk_act act = act_of(b, y, m * n);
    memcpy(old, y, (size_t)(m * n) * sizeof(float));
    CHECK(gk_backend_ops(b)->add_bias(b, act, bias, m, n) == GK_OK);
    y = act_floats(act, m * n);
    for (int64_t i = 0; i < m * n; i++) {
      const float want = old[i] + bias[i % n];
      CHECK(y[i] == (act.type == GK_BF16 ? act_value(act_bits(want)) : want));
    }
    guarded_free_all();
  }
}

void check_add_bias_bwd(gk_backend *b, const char *isa) {
  for (int c = 0; c < N_SHAPES; c++) {
    int64_t m = shapes[c].m, n = shapes[c].n;
    AT("%s m %d n %d", isa, (int)m, (int)n);
    float *dy = guarded_normal(m * n), *db = guarded_normal(n), *old = guarded_f32(n);
    memcpy(old, db, (size_t)n * sizeof(float));
    CHECK(gk_backend_ops(b)->add_bias_bwd(b, act_of(b, dy, m * n), m, n, db) == GK_OK);
    for (int64_t i = 0; i < n; i++) {
      double sum = old[i], norm = fabs(old[i]);
      for (int64_t r = 0; r < m; r++) sum += dy[r * n + i], norm += fabs(dy[r * n + i]);
      NEAR("db", i, db[i], sum, (double)(m + 1) * FLT_EPSILON * norm);
    }
    guarded_free_all();
  }
}

void check_add_scaled(gk_backend *b, const char *isa) {
  for (int c = 0; c < N_SIZES; c++) {
    int64_t n = sizes[c];
    AT("%s n %d", isa, (int)n);
    float *y = guarded_normal(n), *x = guarded_normal(n), *old = guarded_f32(n), s = random_normal();
    memcpy(old, y, (size_t)n * sizeof(float));
    CHECK(gk_backend_ops(b)->add_scaled(b, y, x, s, n) == GK_OK);
    for (int64_t i = 0; i < n; i++)
      NEAR("y", i, y[i], old[i] + (double)s * x[i], FLT_EPSILON * (fabs(old[i]) + fabs((double)s * x[i])));
    x[n - 1] = NAN;
    gk_backend_ops(b)->add_scaled(b, y, x, s, n);
    CHECK(isnan(y[n - 1]));
    guarded_free_all();
  }
}

void check_scale(gk_backend *b, const char *isa) {
  for (int c = 0; c < N_SIZES; c++) {
    int64_t n = sizes[c];
    AT("%s n %d", isa, (int)n);
    float *y = guarded_normal(n), *old = guarded_f32(n), s = random_normal();
    memcpy(old, y, (size_t)n * sizeof(float));
    CHECK(gk_backend_ops(b)->scale(b, y, s, n) == GK_OK);
    for (int64_t i = 0; i < n; i++) CHECK(y[i] == old[i] * s);
    guarded_free_all();
  }
}

void check_scale_rows(gk_backend *b, const char *isa) {
  for (int c = 0; c < N_SHAPES; c++) {
    int64_t m = shapes[c].m, n = shapes[c].n;
    AT("%s m %d n %d", isa, (int)m, (int)n);
    float *y = guarded_normal(m * n), *s = guarded_normal(m), *old = guarded_f32(m * n);
    memcpy(old, y, (size_t)(m * n) * sizeof(float));
    CHECK(gk_backend_ops(b)->scale_rows(b, y, s, m, n) == GK_OK);
    for (int64_t i = 0; i < m * n; i++) CHECK(y[i] == old[i] * s[i / n]);
    guarded_free_all();
  }
}

void check_sum_squares(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  gk_backend *one = open_backend(isa, 1);
  for (int c = 0; c < 2 * N_SIZES; c++) {
    int64_t n = sizes[c / 2];
    AT("%s n %d %s", isa, (int)n, c % 2 ? "huge" : "normal");
    float *x = guarded_normal(n);
    if (c % 2)
      for (int64_t i = 0; i < n; i++) x[i] *= i % 3 ? 1e30f : 1e-42f;
    double want = 0, got, alone;
    for (int64_t i = 0; i < n; i++) want += (double)x[i] * x[i];
    CHECK(ops->sum_squares(b, x, n, &got) == GK_OK);
    NEAR("sum", 0, got, want, (double)n * DBL_EPSILON * want);
    CHECK(gk_backend_ops(one)->sum_squares(one, x, n, &alone) == GK_OK);
    CHECK(memcmp(&got, &alone, sizeof got) == 0);   /* whatever the number of threads */
    x[n - 1] = NAN;
    ops->sum_squares(b, x, n, &got);
    CHECK(isnan(got));
    guarded_free_all();
  }
  double none = -1;
  CHECK(ops->sum_squares(b, NULL, 0, &none) == GK_OK && none == 0);
  gk_backend_ops(one)->close(one);
}
