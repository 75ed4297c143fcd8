/* rope against rotation in double, both layouts, both directions, and its table's cache. */
#include "acts.h"

static void rotate(const gk_rope *r, const float *x, int32_t position, double *y, double *size, int64_t D, int direction) {
  int64_t half = r->rotary / 2;
  for (int64_t d = 0; d < D; d++) y[d] = x[d], size[d] = 0;
  for (int64_t p = 0; p < half; p++) {
    double angle = direction * (double)position * (double)r->inv_freq[p], c = cos(angle), s = sin(angle), m = r->magnitude;
    int64_t i = r->layout == GK_ROPE_NEOX ? p : 2 * p, j = r->layout == GK_ROPE_NEOX ? p + half : 2 * p + 1;
    y[i] = m * (c * x[i] - s * x[j]);
    y[j] = m * (s * x[i] + c * x[j]);
    size[i] = size[j] = fabs(m) * (fabs(x[i]) + fabs(x[j]));
  }
}

void check_rope(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  static const struct { int64_t t, heads, D; int32_t rotary; } shapes[] = {
      {1, 1, 2, 2}, {3, 2, 17, 6}, {5, 3, 31, 30}, {7, 1, 64, 64}, {2, 5, 80, 20}, {33, 4, 96, 96}, {40, 32, 128, 128}, {1, 8, 256, 128}};
  double want[256], size[256];
  for (size_t c = 0; c < 4 * sizeof shapes / sizeof shapes[0]; c++) {
    int64_t t = shapes[c / 4].t, heads = shapes[c / 4].heads, D = shapes[c / 4].D, n = t * heads * D;
    int direction = c & 1 ? -1 : 1;
    float *freq = guarded_f32(shapes[c / 4].rotary / 2);
    gk_rope r = {c & 2 ? GK_ROPE_NEOX : GK_ROPE_NORM, shapes[c / 4].rotary, freq, c % 3 ? 1.0f : 1.19f};
    AT("%s %s t %d heads %d D %d rotary %d direction %d", isa, r.layout == GK_ROPE_NEOX ? "neox" : "norm", (int)t, (int)heads, (int)D, r.rotary, direction);
    for (int32_t p = 0; p < r.rotary / 2; p++) freq[p] = (float)pow(500000.0, -2.0 * p / r.rotary);
    int32_t *position = guarded_i32(t);
    for (int64_t i = 0; i < t; i++) position[i] = (int32_t)(random_u64() % 131072);
    float *x = guarded_normal(n), *y = guarded_f32(n);
    for (int round = 0; round < 4; round++) {
      if (round == 2) position[t - 1] ^= 5;    /* the same pointer, another content: a cached table must not serve */
      if (round == 3) freq[0] *= 0.5f;
      memcpy(y, x, (size_t)n * sizeof(float));
      gk_act act = act_of(b, y, n);
      if (round == 0) memcpy(x, y, (size_t)n * sizeof(float));   /* as it was rounded */
      CHECK(ops->rope(b, &r, act, position, t, heads, D, direction) == GK_OK);
      const float *got = act_floats(act, n);
      for (int64_t i = 0; i < t * heads; i++) {
        rotate(&r, x + i * D, position[i / heads], want, size, D, direction);
        /* two table entries and three roundings; what is not rotated is not touched */
        for (int64_t d = 0; d < D; d++) NEAR("y", i * D + d, got[i * D + d], want[d], 4 * FLT_EPSILON * size[d] + (d < r.rotary ? act_rounding(b) * fabs(want[d]) : 0));
      }
    }
    /* The backward is the transpose: forward then backward multiplies by magnitude². */
    memcpy(y, x, (size_t)n * sizeof(float));
    gk_act back = act_of(b, y, n);
    ops->rope(b, &r, back, position, t, heads, D, 1);
    ops->rope(b, &r, back, position, t, heads, D, -1);
    y = act_floats(back, n);
    for (int64_t i = 0; i < t * heads; i++) {
      rotate(&r, x + i * D, 0, want, size, D, 1);
      for (int64_t d = 0; d < D; d++)
        NEAR("turned back", i * D + d, y[i * D + d], d < r.rotary ? want[d] * r.magnitude : x[i * D + d], (16 * FLT_EPSILON + 2 * r.magnitude * act_rounding(b)) * size[d]);
    }
    x[0] = NAN;
    back = act_of(b, x, n);
    ops->rope(b, &r, back, position, t, heads, D, direction);
    CHECK(isnan(act_floats(back, n)[0]));
    guarded_free_all();
  }
}
