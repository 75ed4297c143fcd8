/* adamw against the update in double, over several steps. */
#include "harness.h"

void check_adamw(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  static const int64_t sizes[] = {1, 3, 17, 31, 63, 64, 20001};
  for (size_t c = 0; c < 3 * sizeof sizes / sizeof sizes[0]; c++) {
    int64_t n = sizes[c / 3];
    gk_adamw o = {.learning_rate = 1e-2f, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f, .weight_decay = c % 3 ? 0.1f : 0, .grad_scale = c % 3 == 2 ? 0.25f : 1};
    float *g = guarded_normal(n), *p = guarded_normal(n), *m = guarded_f32(n), *v = guarded_f32(n);
    for (int64_t i = 0; i < n; i++) m[i] = v[i] = 0;
    if (c % 3 == 1)
      for (int64_t i = 0; i < n; i++) g[i] *= i % 3 == 0 ? 1e-30f : i % 3 == 1 ? 1e15f : 0;
    for (o.step = 1; o.step <= 4; o.step++) {
      AT("%s n %d step %d", isa, (int)n, (int)o.step);
      float *p0 = guarded_f32(n), *m0 = guarded_f32(n), *v0 = guarded_f32(n);
      memcpy(p0, p, (size_t)n * sizeof(float));
      memcpy(m0, m, (size_t)n * sizeof(float));
      memcpy(v0, v, (size_t)n * sizeof(float));
      CHECK(ops->adamw(b, &o, g, p, m, v, n) == GK_OK);
      for (int64_t i = 0; i < n; i++) {
        double d = (double)g[i] * o.grad_scale, b1 = o.beta1, b2 = o.beta2, lr = o.learning_rate;
        double mean = b1 * m0[i] + (1 - b1) * d, square = b2 * v0[i] + (1 - b2) * d * d;
        double w = p0[i] * (1 - lr * o.weight_decay);
        double move = lr * (mean / (1 - pow(b1, (double)o.step))) / (sqrt(square / (1 - pow(b2, (double)o.step))) + o.eps);
        double mean_size = fabs(b1 * m0[i]) + fabs((1 - b1) * d);
        NEAR("m", i, m[i], mean, 3 * FLT_EPSILON * mean_size + 2e-45);
        NEAR("v", i, v[i], square, 3 * FLT_EPSILON * square + 4e-45);
        /* the move's error is that of m, relative, and half that of v; v below the normal range moves p little,
         * because eps is in the way */
        NEAR("p", i, p[i], w - move, FLT_EPSILON * fabs(p0[i]) + 8 * FLT_EPSILON * fabs(move) * (mean == 0 ? 1 : mean_size / fabs(mean)) + lr * 1e-14);
      }
      for (int64_t i = 0; i < n; i++) g[i] += 0.1f * random_normal();
    }
    g[n - 1] = NAN;
    o.step = 5;
    ops->adamw(b, &o, g, p, m, v, n);
    CHECK(isnan(p[n - 1]) && isnan(m[n - 1]) && isnan(v[n - 1]));
    guarded_free_all();
  }
}
