/* rmsnorm against the formula in double, and its backward against central differences of that formula. */
#include "acts.h"

/* y of one row, in double. */
static double norm_scale(const double *x, int64_t n, double eps) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
  return 1 / sqrt(sum / (double)n + eps);
}

/* L = Σ dy y of one row; what the backward differentiates. */
static double norm_loss(const double *x, const double *w, const float *dy, int64_t n, double eps) {
  double s = norm_scale(x, n, eps), sum = 0;
  for (int64_t i = 0; i < n; i++) sum += dy[i] * x[i] * s * w[i];
  return sum;
}

enum { WIDEST = 16388 };   /* a row that no block of threads holds */
typedef struct shape { int64_t rows, width, per_token, gap; } shape;
static const shape shapes[] = {{1, 1, 1, 0}, {2, 3, 1, 0}, {6, 17, 3, 5}, {3, 31, 1, 1}, {9, 63, 3, 0}, {70, 64, 2, 64}, {5, 129, 1, 3}, {67, 2048, 1, 0}, {2, 4100, 1, 4}, {2, WIDEST, 1, 0}};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };
static const float EPSILON = 1e-5f;

/* A sum of n terms in at least 16 lanes, and a few roundings more. */
static double sum_error(int64_t n) { return (8 + (double)n / 16) * FLT_EPSILON; }

static int64_t offset(const shape *s, int64_t r) {
  return r / s->per_token * (s->per_token * s->width + s->gap) + r % s->per_token * s->width;
}
static int64_t stride(const shape *s) { return s->per_token * s->width + s->gap; }
static int64_t total(const shape *s) { return offset(s, s->rows - 1) + s->width; }

/* The types that go together, (x, y) and (dy, x, dx), one after the other; on all backends but CUDA in bf16 the first. */
static int types(const gk_backend *b) { return is_bf16(b) ? 3 : 1; }
static gk_type bf16_if(int condition) { return condition ? GK_BF16 : GK_F32; }

static void row_double(const float *x, int64_t n, double *to) {
  for (int64_t i = 0; i < n; i++) to[i] = x[i];
}

void check_rmsnorm_fwd(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  double row[WIDEST];
  for (int c = 0; c < 2 * N_SHAPES * types(b); c++) {
    const shape *s = &shapes[c / 2 % N_SHAPES];
    const gk_type of_x = bf16_if(c / 2 / N_SHAPES == 2), of_y = bf16_if(c / 2 / N_SHAPES > 0);
    const double rounding = of_y == GK_BF16 ? act_rounding(b) : 0;
    int in_place = c % 2 && of_x == of_y;
    AT("%s rows %d width %d in_place %d, %s to %s", isa, (int)s->rows, (int)s->width, in_place, gk_type_get(of_x)->name, gk_type_get(of_y)->name);
    float *x = guarded_normal(total(s)), *w = guarded_normal(s->width), *rstd = guarded_f32(s->rows);
    float *y = guarded_normal(total(s)), *old = guarded_f32(total(s));
    if (c % 3 == 1)   /* denormal, tiny and huge */
      for (int64_t i = 0; i < total(s); i++) x[i] *= i % 2 ? 1e-40f : 1e-20f;
    if (c % 3 == 2)
      for (int64_t i = 0; i < total(s); i++) x[i] *= 1e15f;
    gk_act x_act = act_as(of_x, x, total(s));
    if (in_place) memcpy(y, x, (size_t)total(s) * sizeof(float));
    const gk_act y_act = act_as(of_y, y, total(s));
    memcpy(old, y, (size_t)total(s) * sizeof(float));
    CHECK(ops->rmsnorm_fwd(b, in_place ? y_act : x_act, w, EPSILON, s->rows, s->width, s->per_token, stride(s), y_act, rstd) == GK_OK);
    y = act_floats(y_act, total(s));
    for (int64_t r = 0; r < s->rows; r++) {
      int64_t o = offset(s, r);
      row_double(x + o, s->width, row);
      double k = norm_scale(row, s->width, EPSILON);
      NEAR("rstd", r, rstd[r], k, sum_error(s->width) * k);
      for (int64_t i = 0; i < s->width; i++)
        NEAR("y", i, y[o + i], row[i] * k * w[i], (sum_error(s->width) + rounding) * fabs(row[i] * k * w[i]) + (rounding > 0 ? 1e-40 : 2e-45) * (1 + k) * (1 + fabs(w[i])));
      if (r % s->per_token == s->per_token - 1 && r + 1 < s->rows)   /* the gap is not ours */
        for (int64_t i = 0; i < s->gap; i++) CHECK(y[o + s->width + i] == old[o + s->width + i]);
    }
    x[total(s) - 1] = NAN;
    x_act = act_as(of_x, x, total(s));
    ops->rmsnorm_fwd(b, x_act, w, EPSILON, s->rows, s->width, s->per_token, stride(s), y_act, rstd);
    CHECK(isnan(rstd[s->rows - 1]) && isnan(act_floats(y_act, total(s))[total(s) - 1]));
    guarded_free_all();
  }
}

void check_rmsnorm_bwd(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  double row[WIDEST], wd[WIDEST], want[WIDEST];
  for (int c = 0; c < 4 * N_SHAPES * types(b); c++) {
    const shape *s = &shapes[c / 4 % N_SHAPES];
    const gk_type of_dy = bf16_if(c / 4 / N_SHAPES > 0), of_x = bf16_if(c / 4 / N_SHAPES == 2);
    const double rounding = of_x == GK_BF16 ? act_rounding(b) : 0;
    int accumulate = c & 1, alias = (c >> 1 & 1) && of_dy == of_x, with_dw = c % 3 != 0;
    int64_t n = s->width;
    AT("%s rows %d width %d accumulate %d alias %d, dy %s, x %s", isa, (int)s->rows, (int)n, accumulate, alias, gk_type_get(of_dy)->name, gk_type_get(of_x)->name);
    float *x = guarded_normal(total(s)), *w = guarded_normal(n), *dy = guarded_normal(total(s));
    float *rstd = guarded_f32(s->rows), *dx = guarded_normal(total(s)), *dw = guarded_normal(n);
    float *dy0 = guarded_f32(total(s)), *dx0 = guarded_f32(total(s)), *dw0 = guarded_f32(n), *again = guarded_f32(n);
    const gk_act x_act = act_as(of_x, x, total(s)), dy_act = act_as(of_dy, dy, total(s));
    if (alias) memcpy(dx, dy, (size_t)total(s) * sizeof(float));
    const gk_act dx_act = act_as(of_x, dx, total(s));
    memcpy(dy0, dy, (size_t)total(s) * sizeof(float));
    memcpy(dx0, dx, (size_t)total(s) * sizeof(float));
    memcpy(dw0, dw, (size_t)n * sizeof(float));
    memcpy(again, dw, (size_t)n * sizeof(float));
    for (int64_t r = 0; r < s->rows; r++) {
      row_double(x + offset(s, r), n, row);
      rstd[r] = (float)norm_scale(row, n, EPSILON);
    }
    row_double(w, n, wd);
    CHECK(ops->rmsnorm_bwd(b, alias ? dx_act : dy_act, x_act, w, rstd, s->rows, n, s->per_token, stride(s), dx_act, accumulate, with_dw ? dw : NULL) == GK_OK);
    dx = act_floats(dx_act, total(s));
    double dw_want[WIDEST] = {0}, dw_size[WIDEST] = {0};
    for (int64_t r = 0; r < s->rows; r++) {
      int64_t o = offset(s, r);
      row_double(x + o, n, row);
      double k = norm_scale(row, n, EPSILON), dot = 0, dot_size = 0;
      for (int64_t i = 0; i < n; i++) {
        double t = dy0[o + i] * wd[i] * row[i];
        dot += t, dot_size += fabs(t);
        dw_want[i] += dy0[o + i] * row[i] * k, dw_size[i] += fabs(dy0[o + i] * row[i] * k);
      }
      for (int64_t i = 0; i < n; i++) {
        if (n <= 63) {   /* central difference of L; truncation h² times a third derivative of order k³ */
          double h = 1e-5, keep = row[i];
          row[i] = keep + h;
          double up = norm_loss(row, wd, dy0 + o, n, EPSILON);
          row[i] = keep - h;
          want[i] = (up - norm_loss(row, wd, dy0 + o, n, EPSILON)) / (2 * h);
          row[i] = keep;
        } else {
          want[i] = k * (dy0[o + i] * wd[i] - row[i] * k * k * dot / (double)n);
        }
        double size = k * (fabs(dy0[o + i] * wd[i]) + fabs(row[i]) * k * k * dot_size / (double)n);
        double before = accumulate ? dx0[o + i] : 0;
        double truncation = n <= 63 ? 1e-9 * (1 + pow(k, 3)) * (1 + dot_size) : 0;
        NEAR("dx", o + i, dx[o + i], before + want[i], 2 * sum_error(n) * size + FLT_EPSILON * fabs(before) + truncation + rounding * fabs(before + want[i]));
      }
    }
    for (int64_t i = 0; i < n; i++)
      NEAR("dw", i, dw[i], dw0[i] + (with_dw ? dw_want[i] : 0),
           with_dw ? (8 + (double)s->rows) * FLT_EPSILON * (dw_size[i] + fabs(dw0[i])) : 0);
    if (with_dw && !alias && !accumulate) {   /* the same bits again */
      CHECK(ops->rmsnorm_bwd(b, dy_act, x_act, w, rstd, s->rows, n, s->per_token, stride(s), dx_act, 0, again) == GK_OK);
      CHECK(memcmp(again, dw, (size_t)n * sizeof(float)) == 0);
    }
    guarded_free_all();
  }
}
