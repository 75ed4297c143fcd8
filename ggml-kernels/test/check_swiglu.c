/* swiglu against the formula in double, its backward against central differences of that formula. */
#include "acts.h"

static double silu(double g) { return g / (1 + exp(-g)); }

static const int64_t sizes[] = {1, 3, 17, 31, 63, 64, 1000, 40001};
enum { N_SIZES = sizeof sizes / sizeof sizes[0] };
/* exp overflows f32 at 88.7, where silu is about 1e-37: what is lost there. */
static const double TINY = 128 * FLT_MIN;
static const float extreme[] = {0, -0.0f, 1e-40f, -1e-40f, 50, -50, 88, -88, 89, -89, 200, -200, 1e30f, -1e30f, -1.278f, 1e-8f};

static void adversarial(float *g, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (i % 5 == 4) g[i] = extreme[i / 5 % (int64_t)(sizeof extreme / sizeof extreme[0])];
}

void check_swiglu_fwd(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  for (int c = 0; c < N_SIZES; c++) {
    int64_t n = sizes[c];
    AT("%s n %d", isa, (int)n);
    float *gate = guarded_normal(n), *up = guarded_normal(n), *y = guarded_f32(n);
    adversarial(gate, n);
    gk_act y_act = act_of(b, y, n);
    CHECK(ops->swiglu_fwd(b, act_of(b, gate, n), act_of(b, up, n), n, y_act) == GK_OK);
    y = act_floats(y_act, n);
    for (int64_t i = 0; i < n; i++) {
      double want = silu(gate[i]) * up[i];
      NEAR("y", i, y[i], want, (6 * FLT_EPSILON + act_rounding(b)) * fabs(want) + TINY * (1 + fabs(up[i])));
    }
    gate[n - 1] = NAN;
    up[0] = NAN;
    y_act = act_empty(b, n);
    ops->swiglu_fwd(b, act_of(b, gate, n), act_of(b, up, n), n, y_act);
    y = act_floats(y_act, n);
    CHECK(isnan(y[n - 1]) && isnan(y[0]));
    guarded_free_all();
  }
}

void check_swiglu_bwd(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  for (int c = 0; c < 2 * N_SIZES; c++) {
    int64_t n = sizes[c / 2];
    int alias = c % 2;
    AT("%s n %d alias %d", isa, (int)n, alias);
    float *gate = guarded_normal(n), *up = guarded_normal(n), *dy = guarded_normal(n);
    adversarial(gate, n);
    float *dgate = guarded_f32(n), *dup = guarded_f32(n);
    const gk_act gate_act = act_of(b, gate, n), up_act = act_of(b, up, n);
    if (alias) memcpy(dgate, gate, (size_t)n * sizeof(float)), memcpy(dup, up, (size_t)n * sizeof(float));
    const gk_act dgate_act = act_of(b, dgate, n), dup_act = act_of(b, dup, n);
    CHECK(ops->swiglu_bwd(b, act_of(b, dy, n), alias ? dgate_act : gate_act, alias ? dup_act : up_act, n, dgate_act, dup_act) == GK_OK);
    dgate = act_floats(dgate_act, n), dup = act_floats(dup_act, n);
    for (int64_t i = 0; i < n; i++) {
      double g = gate[i], u = up[i], d = dy[i], h = 1e-5 * fmax(1, fabs(g)), s = 1 / (1 + exp(-g));
      double dg = d * u * (silu(g + h) - silu(g - h)) / (2 * h), du = d * silu(g);
      /* 1 - s is off by an ulp of 1, times g; the difference quotient by h² and by rounding over h */
      double size = fabs(d * u) * s * (1 + fmin(fabs(g), 100));
      NEAR("dgate", i, dgate[i], dg, 8 * FLT_EPSILON * size + act_rounding(b) * fabs(dg) + 1e-9 * fabs(d * u) + TINY * (1 + fabs(d * u)));
      NEAR("dup", i, dup[i], du, (6 * FLT_EPSILON + act_rounding(b)) * fabs(du) + TINY * (1 + fabs(d)));
    }
    dy[n - 1] = NAN;
    ops->swiglu_bwd(b, act_of(b, dy, n), act_of(b, gate, n), act_of(b, up, n), n, dgate_act, dup_act);
    CHECK(isnan(act_floats(dgate_act, n)[n - 1]) && isnan(act_floats(dup_act, n)[n - 1]));
    guarded_free_all();
  }
}
