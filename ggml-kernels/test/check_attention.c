/* attention against softmax(q kᵀ) v in double; its backward against a double backward that is itself held against
 * central differences; and a shared prefix against the same tokens computed twice.
 */
#include "acts.h"
#include "harness.h"
#include "internal.h"

typedef struct problem {
  gk_attention a;
  gk_segment segments[4];
  int64_t q_rows, k_rows;
} problem;

/* Everything a statement in double needs; magnitude arrays hold sums of absolute values, for the tolerances. */
typedef struct exact {
  double *q, *k, *v, *out, *lse, *dq, *dk, *dv, *out_size, *dq_size, *dk_size, *dv_size;
  double score_size, v_size;
} exact;

static int64_t row_of(const gk_segment *s, int64_t j) { return j < s->prefix_count ? s->prefix_begin + j : s->k_begin + j - s->prefix_count; }
static int64_t seen_by(const gk_segment *s, int64_t i) { return s->prefix_count + s->k_count - s->q_count + i + 1; }

static double *doubles(int64_t n) {
  double *p = calloc((size_t)(n ? n : 1), sizeof *p);
  if (!p) FAIL("no memory");
  return p;
}

static double *widened(const float *x, int64_t n) {
  double *p = doubles(n);
  for (int64_t i = 0; i < n; i++) p[i] = x[i];
  return p;
}

static exact exact_open(const problem *t, const float *q, const float *k, const float *v) {
  int64_t nq = t->q_rows * t->a.heads * t->a.head_width, nk = t->k_rows * t->a.kv_heads * t->a.head_width;
  return (exact){widened(q, nq), widened(k, nk), widened(v, nk), doubles(nq), doubles(t->q_rows * t->a.heads), doubles(nq),
                 doubles(nk), doubles(nk), doubles(nq), doubles(nq), doubles(nk), doubles(nk), 0, 0};
}

static void exact_close(exact *e) {
  double *all[] = {e->q, e->k, e->v, e->out, e->lse, e->dq, e->dk, e->dv, e->out_size, e->dq_size, e->dk_size, e->dv_size};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) free(all[i]);
}

/* Forward; with dout also backward. */
static void exact_run(const problem *t, exact *e, const float *dout) {
  int64_t H = t->a.heads, G = t->a.kv_heads, D = t->a.head_width;
  double *p = doubles(t->k_rows * 2);
  for (int32_t n = 0; n < t->a.n_segments; n++) {
    const gk_segment *s = &t->segments[n];
    for (int64_t i = 0; i < s->q_count; i++)
      for (int64_t h = 0; h < H; h++) {
        int64_t at = ((s->q_begin + i) * H + h) * D, seen = seen_by(s, i);
        double max = -INFINITY, sum = 0, delta = 0, delta_size = 0;
        for (int64_t j = 0; j < seen; j++) {
          const double *k = e->k + (row_of(s, j) * G + h / (H / G)) * D;
          double dot = 0, size = 0;
          for (int64_t d = 0; d < D; d++) dot += e->q[at + d] * k[d], size += fabs(e->q[at + d] * k[d]);
          p[j] = t->a.scale * dot;
          max = fmax(max, p[j]);
          e->score_size = fmax(e->score_size, fabs(t->a.scale) * size);
        }
        for (int64_t j = 0; j < seen; j++) sum += exp(p[j] - max);
        e->lse[at / D] = max + log(sum);
        for (int64_t d = 0; d < D; d++) e->out[at + d] = e->out_size[at + d] = e->dq[at + d] = e->dq_size[at + d] = 0;
        for (int64_t j = 0; j < seen; j++) {
          const double *v = e->v + (row_of(s, j) * G + h / (H / G)) * D;
          p[j] = exp(p[j] - max) / sum;
          for (int64_t d = 0; d < D; d++) e->out[at + d] += p[j] * v[d], e->out_size[at + d] += p[j] * fabs(v[d]);
        }
        if (!dout) continue;
        for (int64_t d = 0; d < D; d++) delta += dout[at + d] * e->out[at + d], delta_size += fabs(dout[at + d]) * e->out_size[at + d];
        for (int64_t j = 0; j < seen; j++) {
          int64_t kat = (row_of(s, j) * G + h / (H / G)) * D;
          double dp = 0, dp_size = 0;
          for (int64_t d = 0; d < D; d++) dp += dout[at + d] * e->v[kat + d], dp_size += fabs(dout[at + d] * e->v[kat + d]);
          double ds = p[j] * (dp - delta) * t->a.scale, ds_size = p[j] * (dp_size + delta_size) * fabs(t->a.scale);
          for (int64_t d = 0; d < D; d++) {
            e->dq[at + d] += ds * e->k[kat + d], e->dq_size[at + d] += ds_size * fabs(e->k[kat + d]);
            e->dk[kat + d] += ds * e->q[at + d], e->dk_size[kat + d] += ds_size * fabs(e->q[at + d]);
            e->dv[kat + d] += p[j] * dout[at + d], e->dv_size[kat + d] += p[j] * fabs(dout[at + d]);
          }
        }
      }
  }
  free(p);
}

/* Relative error of one p: that of its score (a sum of D products, then lse subtracted), of exp, and of the sum over
 * keys; sums over rows add what a sum adds. Terms in absolute value, so this bounds. */
static double relative_error(const problem *t, const exact *e) {
  int64_t keys = t->k_rows, D = t->a.head_width;
  return FLT_EPSILON * (((double)D / 2 + 4) * (2 * e->score_size + 1) + (double)keys / 2 + (double)(t->q_rows * t->a.heads / t->a.kv_heads) / 4 + 16);
}

static const struct { int32_t H, G, D; } heads[] = {{1, 1, 1}, {4, 2, 3}, {3, 1, 17}, {2, 2, 31}, {8, 2, 64}, {4, 1, 80}, {2, 1, 96}, {2, 2, 128}, {7, 1, 33}, {2, 1, 256}};
enum { N_HEADS = sizeof heads / sizeof heads[0], N_LAYOUTS = 11, LARGE_LAYOUT = 9 };   /* those from 9 on are for the large tiles of bf16 */

/* Are products in bf16? */
static int in_bf16(const gk_backend *b, const problem *t) { return is_bf16(b) && (t->a.head_width == 64 || t->a.head_width == 96 || t->a.head_width == 128); }

/* Then p and ds are rounded before they are multiplied; q, k, v and dout are as given. With activations in bf16 so is out, of which the backward makes delta, and so are the results. */
static double rounded(int times) { return pow(1 + 0x1p-8, times) - 1; }
#define BF16_SMALLEST 0x1p-110   /* p below 2^-126 may become 0; times some units, for some hundred keys */

static size_t act_size(gk_act a) { return a.type == GK_BF16 ? 2 : 4; }
static int same_bits(gk_act x, gk_act y, int64_t n) { return memcmp(x.data, y.data, (size_t)n * act_size(x)) == 0; }
static void put_nan(gk_act a, int64_t i) {
  if (a.type == GK_BF16) ((uint16_t *)a.data)[i] = 0x7fc0;
  else FLOATS(a)[i] = NAN;
}
/* A guarded copy, whatever the type. */
static gk_act act_copy(gk_act a, int64_t n) {
  gk_act copy = {guarded(n * (int64_t)act_size(a)), a.type};
  memcpy(copy.data, a.data, (size_t)n * act_size(a));
  return copy;
}
static gk_act act_normal(const gk_backend *b, int64_t n) { return act_of(b, guarded_normal(n), n); }

/* Leaves only rows at the borders of strips of 16, so that a row too many or too few is a large part of a sum. */
static void leave_borders(float *x, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < width && r % 16 != 0 && r % 16 != 15; i++) x[r * width + i] = 0;
}

static problem make_problem(int layout, int h) {
  problem t = {.a = {.heads = heads[h].H, .kv_heads = heads[h].G, .head_width = heads[h].D, .scale = (float)(1 / sqrt(heads[h].D))}};
  static const struct { int n; gk_segment s[4]; int64_t q_rows, k_rows; } layouts[N_LAYOUTS] = {
      {1, {{0, 1, 0, 0, 0, 1}}, 1, 1},
      {1, {{0, 5, 0, 0, 0, 5}}, 5, 5},
      {1, {{0, 70, 0, 0, 0, 70}}, 70, 70},
      {1, {{0, 131, 0, 0, 0, 131}}, 131, 131},
      {1, {{0, 1, 0, 0, 3, 150}}, 1, 153},                                      /* decoding, unused rows before */
      {3, {{0, 1, 0, 0, 0, 9}, {1, 1, 0, 9, 9, 1}, {2, 1, 0, 4, 10, 63}}, 3, 73},   /* several, with prefixes */
      {2, {{0, 3, 0, 0, 0, 17}, {3, 30, 0, 17, 17, 30}}, 33, 47},               /* k longer than q; a prefix */
      {4, {{0, 37, 0, 0, 0, 37}, {37, 20, 0, 37, 37, 20}, {57, 33, 0, 37, 57, 33}, {95, 63, 0, 0, 90, 64}}, 158, 154},   /* DPO: two answers on one prompt, and a row gap */
      {2, {{0, 2, 0, 100, 100, 2}, {2, 64, 30, 31, 102, 64}}, 66, 166},
      /* these with one kv head: */
      {3, {{0, 150, 0, 0, 0, 150}, {150, 140, 0, 150, 150, 140}, {291, 40, 0, 150, 290, 40}}, 331, 330},   /* DPO again, in several tiles of each kind */
      {1, {{3, 130, 20, 70, 90, 200}}, 133, 290}};                              /* fewer queries than own keys, and a prefix */
  memcpy(t.segments, layouts[layout].s, sizeof t.segments);
  if (layout >= LARGE_LAYOUT) t.a.heads /= t.a.kv_heads, t.a.kv_heads = 1;
  t.a.n_segments = layouts[layout].n;
  t.q_rows = layouts[layout].q_rows;
  t.k_rows = layouts[layout].k_rows;
  return t;
}

/* Each case once for each isa, with one of the thread counts and one of the guards: all with all would take minutes. On CUDA each case once in f32, and
 * once in bf16; on the emulator half of those that are computed in f32, which has three kinds of width (to 64, to 128, to 256). */
static int skip(gk_backend *b, int c) {
  const problem t = make_problem(c % N_LAYOUTS, c / N_LAYOUTS);
  if (c % N_LAYOUTS >= LARGE_LAYOUT && !in_bf16(b, &t)) return 1;
  if (is_cuda(b) && !in_bf16(b, &t) && c % 4 >= 2 && strstr(gk_backend_ops(b)->describe(b), "emulated")) return 1;
  if (is_cuda(b)) return c % 2 != guard_front;
  if (b->isa == GK_ISA_REF) return c % 2 != guard_front;
  return c % 6 != (b->threads - 1) * 2 + guard_front;
}

static int is_query(const problem *t, int64_t row) {
  for (int32_t i = 0; i < t->a.n_segments; i++)
    if (row >= t->segments[i].q_begin && row < t->segments[i].q_begin + t->segments[i].q_count) return 1;
  return 0;
}

/* Five queries on two keys: the first three see none. */
static void check_blind(gk_backend *b, const char *isa, int32_t D) {
  AT("%s rows that see nothing, D %d", isa, (int)D);
  const gk_ops *ops = gk_backend_ops(b);
  const gk_segment s = {0, 5, 0, 0, 0, 2};
  const gk_attention a = {2, 1, D, 1, 1, &s};
  const gk_act q = act_normal(b, 10 * D), k = act_normal(b, 2 * D), v = act_normal(b, 2 * D), dout = act_normal(b, 10 * D);
  const gk_act out = act_empty(b, 10 * D), dq = act_empty(b, 10 * D), dk = act_normal(b, 2 * D), dv = act_normal(b, 2 * D);
  float *lse = guarded_f32(10);
  CHECK(ops->attention_fwd(b, &a, q, k, v, out, lse) == GK_OK);
  CHECK(ops->attention_bwd(b, &a, q, k, v, out, lse, dout, dq, dk, dv) == GK_OK);
  const float *o = act_floats(out, 10 * D), *to_q = act_floats(dq, 10 * D), *to_k = act_floats(dk, 2 * D), *to_v = act_floats(dv, 2 * D);
  for (int i = 0; i < 10; i++) CHECK(i < 6 ? lse[i] == -INFINITY : isfinite(lse[i]));
  for (int i = 0; i < 10 * D; i++) CHECK(i < 6 * D ? o[i] == 0 && to_q[i] == 0 : isfinite(o[i]) && isfinite(to_q[i]));
  for (int i = 0; i < 2 * D; i++) CHECK(isfinite(to_k[i]) && isfinite(to_v[i]));
  guarded_free_all();
}

void check_attention_fwd(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  for (int c = 0; c < N_HEADS * N_LAYOUTS; c++) {
    if (skip(b, c)) continue;
    problem t = make_problem(c % N_LAYOUTS, c / N_LAYOUTS);
    t.a.segments = t.segments;
    int64_t H = t.a.heads, D = t.a.head_width, nq = t.q_rows * H * D, nk = t.k_rows * t.a.kv_heads * D;
    const int bf16 = in_bf16(b, &t);
    AT("%s %s H %d G %d D %d layout %d", isa, gk_backend_ops(b)->describe(b), (int)H, t.a.kv_heads, (int)D, c % N_LAYOUTS);
    float *q = guarded_normal(nq), *k = guarded_normal(nk), *v = guarded_normal(nk), *old = guarded_normal(nq), *lse = guarded_normal(t.q_rows * H);
    if (c % 3 == 1)   /* softmax is almost one-hot, exp under- and overflows without the maximum */
      for (int64_t i = 0; i < nq; i++) q[i] *= 200;
    if (c % 3 == 2)
      for (int64_t i = 0; i < nk; i++) v[i] *= i % 2 ? 1e-41f : 1e30f;
    if (c % 3 != 2 && bf16) leave_borders(v, t.k_rows, t.a.kv_heads * D);
    const gk_act to_q = act_of(b, q, nq), to_k = act_of(b, k, nk), to_v = act_of(b, v, nk), to_old = act_of(b, old, nq), to_out = act_copy(to_old, nq), again = act_copy(to_old, nq);
    CHECK(ops->attention_fwd(b, &t.a, to_q, to_k, to_v, to_out, c % 2 ? lse : NULL) == GK_OK);
    const float *out = act_floats(to_out, nq);
    exact e = exact_open(&t, q, k, v);
    exact_run(&t, &e, NULL);
    const double error = (relative_error(&t, &e) + (bf16 ? rounded(1) : 0)) * (1 + act_rounding(b)), smallest = is_bf16(b) ? BF16_SMALLEST : 1e-43;
    for (int64_t i = 0; i < nq; i++) {
      if (!is_query(&t, i / (H * D))) CHECK(out[i] == old[i]);
      else NEAR("out", i, out[i], e.out[i], error * e.out_size[i] + act_rounding(b) * fabs(e.out[i]) + smallest);
    }
    for (int64_t i = 0; c % 2 && i < t.q_rows * H; i++)
      if (is_query(&t, i / H)) NEAR("lse", i, lse[i], e.lse[i], relative_error(&t, &e) + FLT_EPSILON * fabs(e.lse[i]));
    ops->attention_fwd(b, &t.a, to_q, to_k, to_v, again, NULL);
    CHECK(same_bits(again, to_out, nq));
    /* the last own key of the last segment: at least the last query sees it */
    const gk_segment *s = &t.segments[t.a.n_segments - 1];
    put_nan(to_k, (s->k_begin + s->k_count) * t.a.kv_heads * D - 1);
    ops->attention_fwd(b, &t.a, to_q, to_k, to_v, to_out, NULL);
    CHECK(isnan(act_floats(to_out, nq)[(s->q_begin + s->q_count) * H * D - 1]));
    exact_close(&e);
    guarded_free_all();
  }
}

/* The double backward against central differences of the double forward, on one entry of each tensor in turn. */
static void check_statement(const problem *t, exact *e, const float *dout) {
  int64_t nq = t->q_rows * t->a.heads * t->a.head_width, nk = t->k_rows * t->a.kv_heads * t->a.head_width;
  double *x[] = {e->q, e->k, e->v}, *dx[] = {e->dq, e->dk, e->dv};
  int64_t n[] = {nq, nk, nk};
  for (int which = 0; which < 3; which++)
    for (int64_t i = 0; i < n[which]; i += 1 + n[which] / 40) {
      double h = 1e-5, keep = x[which][i], loss[2];
      for (int side = 0; side < 2; side++) {
        x[which][i] = keep + (side ? -h : h);
        exact_run(t, e, NULL);
        loss[side] = 0;
        for (int64_t o = 0; o < nq; o++) loss[side] += dout[o] * e->out[o];
      }
      x[which][i] = keep;
      double want = dx[which][i];
      if (which == 0) continue;   /* dq was cleared by the runs; compared below */
      NEAR("statement", i, (loss[0] - loss[1]) / (2 * h), want, 1e-8 * (1 + fabs(want)) * sqrt((double)nq));
    }
  exact_run(t, e, NULL);
}

static void check_statement_dq(const problem *t, exact *e, const float *dout, const double *dq) {
  int64_t nq = t->q_rows * t->a.heads * t->a.head_width;
  for (int64_t i = 0; i < nq; i += 1 + nq / 40) {
    double h = 1e-5, keep = e->q[i], loss[2];
    for (int side = 0; side < 2; side++) {
      e->q[i] = keep + (side ? -h : h);
      exact_run(t, e, NULL);
      loss[side] = 0;
      for (int64_t o = 0; o < nq; o++) loss[side] += dout[o] * e->out[o];
    }
    e->q[i] = keep;
    NEAR("statement of dq", i, (loss[0] - loss[1]) / (2 * h), dq[i], 1e-8 * (1 + fabs(dq[i])) * sqrt((double)nq));
  }
}

static void to_float(const double *x, float *y, int64_t n) {
  for (int64_t i = 0; i < n; i++) y[i] = (float)x[i];
}

/* Two answers that share a prompt, against the two whole sequences apart: the prompt's gradients add up. */
static void check_sharing(gk_backend *b, const char *isa, int64_t D) {
  enum { P = 45, A = 20, B = 31, H = 4, G = 2 };
  const int64_t QW = H * D, KW = G * D;
  AT("%s shared prefix, D %d", isa, (int)D);
  gk_segment shared[3] = {{0, P, 0, 0, 0, P}, {P, A, 0, P, P, A}, {P + A, B, 0, P, P + A, B}};
  gk_segment apart[2] = {{0, P + A, 0, 0, 0, P + A}, {P + A, P + B, 0, 0, P + A, P + B}};
  const float scale = (float)(1 / sqrt((double)D));
  gk_attention sa = {H, G, (int32_t)D, scale, 3, shared}, aa = {H, G, (int32_t)D, scale, 2, apart};
  int64_t ns = P + A + B, na = 2 * P + A + B;
  const gk_ops *ops = gk_backend_ops(b);
  float *s[4], *a[4];   /* q k v dout */
  for (int i = 0; i < 4; i++) {
    int64_t w = i == 0 || i == 3 ? QW : KW;
    s[i] = guarded_normal(ns * w);
    a[i] = guarded_f32(na * w);
    memcpy(a[i], s[i], (size_t)((P + A) * w) * sizeof(float));
    memcpy(a[i] + (P + A) * w, s[i], (size_t)(P * w) * sizeof(float));
    memcpy(a[i] + (2 * P + A) * w, s[i] + (P + A) * w, (size_t)(B * w) * sizeof(float));
    if (i == 3) memset(a[i] + (P + A) * w, 0, (size_t)(P * w) * sizeof(float));   /* the prompt's own loss once */
  }
  gk_act s_act[4], a_act[4], s_grad[2], a_grad[2];
  for (int i = 0; i < 4; i++) s_act[i] = act_of(b, s[i], ns * (i == 0 || i == 3 ? QW : KW)), a_act[i] = act_of(b, a[i], na * (i == 0 || i == 3 ? QW : KW));
  for (int i = 0; i < 2; i++) {
    s_grad[i] = act_empty(b, ns * KW), a_grad[i] = act_empty(b, na * KW);
    memset(s_grad[i].data, 0, (size_t)(ns * KW) * act_size(s_grad[i]));
    memset(a_grad[i].data, 0, (size_t)(na * KW) * act_size(a_grad[i]));
  }
  const gk_act s_out = act_empty(b, ns * QW), a_out = act_empty(b, na * QW), s_dq = act_empty(b, ns * QW), a_dq = act_empty(b, na * QW);
  float *sl = guarded_f32(ns * H), *al = guarded_f32(na * H);
  ops->attention_fwd(b, &sa, s_act[0], s_act[1], s_act[2], s_out, sl);
  ops->attention_fwd(b, &aa, a_act[0], a_act[1], a_act[2], a_out, al);
  ops->attention_bwd(b, &sa, s_act[0], s_act[1], s_act[2], s_out, sl, s_act[3], s_dq, s_grad[0], s_grad[1]);
  ops->attention_bwd(b, &aa, a_act[0], a_act[1], a_act[2], a_out, al, a_act[3], a_dq, a_grad[0], a_grad[1]);
  const float *so = act_floats(s_out, ns * QW), *ao = act_floats(a_out, na * QW), *sdq = act_floats(s_dq, ns * QW), *adq = act_floats(a_dq, na * QW);
  /* sums of about 100 terms of order 1, twice; in bf16 p is rounded after other maxima were taken off the scores, out before delta is made of it, and so are the results */
  const double tolerance = 256 * FLT_EPSILON + (is_bf16(b) ? 0x1p-6 : 0);
  for (int64_t i = 0; i < (P + A) * QW; i++) NEAR("out", i, so[i], ao[i], tolerance);
  for (int64_t i = 0; i < B * QW; i++) {
    NEAR("out", i, so[(P + A) * QW + i], ao[(2 * P + A) * QW + i], tolerance);
    NEAR("dq", i, sdq[(P + A) * QW + i], adq[(2 * P + A) * QW + i], 4 * tolerance);
  }
  for (int c = 0; c < 2; c++) {
    const float *sd = act_floats(s_grad[c], ns * KW), *ad = act_floats(a_grad[c], na * KW);
    for (int64_t i = 0; i < P * KW; i++) NEAR("prompt", i, sd[i], (double)ad[i] + ad[(P + A) * KW + i], 8 * tolerance);
  }
  guarded_free_all();
}

/* What tensor cores do not take as it is: tensors that are not aligned, and a scale that is not positive. The results are those of other tensors of the same numbers; and a tensor of another
 * type than the others is refused. */
static void check_taken(gk_backend *b, const char *isa) {
  enum { H = 2, G = 1, D = 64, R = 20, NQ = R * H * D, NK = R * G * D, ACTS = 8 };   /* q k v out dout dq dk dv */
  const gk_ops *ops = gk_backend_ops(b);
  const int64_t n[ACTS] = {NQ, NK, NK, NQ, NQ, NQ, NK, NK};
  const gk_segment s = {0, R, 0, 0, 0, R};
  const gk_attention a = {H, G, D, 0.125f, 1, &s}, negative = {H, G, D, -0.125f, 1, &s};
  gk_act first[ACTS], base[ACTS];
  float *want[ACTS], *lse = guarded_f32(R * H), *base_lse = guarded_f32(R * H);
  for (int i = 0; i < ACTS; i++) base[i] = act_normal(b, n[i]), first[i] = act_copy(base[i], n[i]);
  AT("%s as it lies", isa);
  CHECK(ops->attention_fwd(b, &a, first[0], first[1], first[2], first[3], base_lse) == GK_OK);
  CHECK(ops->attention_bwd(b, &a, first[0], first[1], first[2], first[3], base_lse, first[4], first[5], first[6], first[7]) == GK_OK);
  for (int i = 0; i < ACTS; i++) want[i] = act_floats(first[i], n[i]);
  for (int odd = 0; odd <= ACTS; odd++) {   /* the last: the scale */
    gk_act x[ACTS];
    if (odd < ACTS) AT("%s tensor %d off by one element", isa, odd);
    else AT("%s negative scale", isa);
    for (int i = 0; i < ACTS; i++) {
      x[i] = act_copy(base[i], n[i]);
      if (i == odd) {
        char *room = guarded((n[i] + 1) * (int64_t)act_size(x[i]));
        memcpy(room + act_size(x[i]), x[i].data, (size_t)n[i] * act_size(x[i]));
        x[i].data = room + act_size(x[i]);
      }
    }
    if (odd == ACTS) {
      float *q = act_floats(x[0], NQ);
      for (int i = 0; i < NQ; i++) q[i] = -q[i];
      x[0] = act_of(b, q, NQ);
    }
    const gk_attention *how = odd == ACTS ? &negative : &a;
    CHECK(ops->attention_fwd(b, how, x[0], x[1], x[2], x[3], lse) == GK_OK);
    CHECK(ops->attention_bwd(b, how, x[0], x[1], x[2], x[3], lse, x[4], x[5], x[6], x[7]) == GK_OK);
    for (int i = 0; i < R * H; i++) NEAR("lse", i, lse[i], base_lse[i], 1e-5);
    for (int i = 3; i < ACTS; i++) {
      const float *got = act_floats(x[i], n[i]);
      for (int64_t j = 0; i != 4 && j < n[i]; j++) NEAR("result", j, got[j], odd == ACTS && i == 5 ? -want[i][j] : want[i][j], 1e-4 + (is_bf16(b) ? 0x1p-4 : 0));
    }
    if (odd == ACTS || !is_cuda(b)) continue;
    x[odd].type = is_bf16(b) ? GK_F32 : GK_BF16;
    if (odd < 4) CHECK(ops->attention_fwd(b, &a, x[0], x[1], x[2], x[3], lse) == GK_UNSUPPORTED);
    CHECK(ops->attention_bwd(b, &a, x[0], x[1], x[2], x[3], lse, x[4], x[5], x[6], x[7]) == GK_UNSUPPORTED);
  }
  guarded_free_all();
}

void check_attention_bwd(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  check_sharing(b, isa, 16);
  if (is_bf16(b)) check_sharing(b, isa, 64);
  check_taken(b, isa);
  check_blind(b, isa, 17);
  check_blind(b, isa, 64);
  for (int c = 0; c < N_HEADS * N_LAYOUTS; c++) {
    if (skip(b, c)) continue;
    problem t = make_problem(c % N_LAYOUTS, c / N_LAYOUTS);
    t.a.segments = t.segments;
    int64_t H = t.a.heads, D = t.a.head_width, nq = t.q_rows * H * D, nk = t.k_rows * t.a.kv_heads * D;
    const int bf16 = in_bf16(b, &t);
    AT("%s %s H %d G %d D %d layout %d", isa, gk_backend_ops(b)->describe(b), (int)H, t.a.kv_heads, (int)D, c % N_LAYOUTS);
    float *q = guarded_normal(nq), *k = guarded_normal(nk), *v = guarded_normal(nk), *dout = guarded_normal(nq);
    for (int64_t i = 0; i < nq; i++)
      if (!is_query(&t, i / (H * D))) dout[i] = 0;
    if (bf16 && c % 4 < 2) leave_borders(dout, t.q_rows, H * D);
    if (c % 4 == 3)
      for (int64_t i = 0; i < nq; i++) q[i] *= 50;
    const gk_act to_q = act_of(b, q, nq), to_k = act_of(b, k, nk), to_v = act_of(b, v, nk), to_dout = act_of(b, dout, nq);
    exact e = exact_open(&t, q, k, v);
    exact_run(&t, &e, dout);
    float *out = guarded_f32(nq), *lse = guarded_f32(t.q_rows * H), *dq0 = guarded_normal(nq), *dk0 = guarded_normal(nk), *dv0 = guarded_normal(nk);
    to_float(e.out, out, nq);
    to_float(e.lse, lse, t.q_rows * H);
    const gk_act to_out = act_of(b, out, nq), to_dq = act_of(b, dq0, nq), to_dk = act_of(b, dk0, nk), to_dv = act_of(b, dv0, nk);
    const gk_act dq1 = act_copy(to_dq, nq), dk1 = act_copy(to_dk, nk), dv1 = act_copy(to_dv, nk), dq2 = act_copy(to_dq, nq), dk2 = act_copy(to_dk, nk), dv2 = act_copy(to_dv, nk);
    CHECK(ops->attention_bwd(b, &t.a, to_q, to_k, to_v, to_out, lse, to_dout, dq1, dk1, dv1) == GK_OK);
    const float *dq = act_floats(dq1, nq), *dk = act_floats(dk1, nk), *dv = act_floats(dv1, nk);
    double error = 2 * relative_error(&t, &e) + FLT_EPSILON * 2 * e.score_size;   /* lse is rounded to f32 */
    const double in_f32 = error, r = act_rounding(b), smallest = is_bf16(b) ? BF16_SMALLEST : 1e-42;
    if (is_bf16(b)) error = (error + rounded(bf16 ? 2 : 1)) * (1 + r);
    for (int64_t i = 0; i < nq; i++) {
      if (!is_query(&t, i / (H * D))) CHECK(dq[i] == dq0[i]);
      else NEAR("dq", i, dq[i], e.dq[i], error * e.dq_size[i] + r * fabs(e.dq[i]) + smallest);
    }
    for (int64_t i = 0; i < nk; i++) {   /* the running sum that is rounded begins at dk0 */
      NEAR("dk", i, dk[i], dk0[i] + e.dk[i], error * e.dk_size[i] + in_f32 * fabs(dk0[i]) + r * fabs(dk0[i] + e.dk[i]) + smallest);
      NEAR("dv", i, dv[i], dv0[i] + e.dv[i], error * e.dv_size[i] + in_f32 * fabs(dv0[i]) + r * fabs(dv0[i] + e.dv[i]) + smallest);
    }
    ops->attention_bwd(b, &t.a, to_q, to_k, to_v, to_out, lse, to_dout, dq2, dk2, dv2);
    CHECK(same_bits(dq2, dq1, nq) && same_bits(dk2, dk1, nk) && same_bits(dv2, dv1, nk));
    if (D <= 3 && t.q_rows <= 40 && c % 4 != 3 && strcmp(isa, "ref") == 0) {
      double *kept = doubles(nq);
      memcpy(kept, e.dq, (size_t)nq * sizeof(double));
      check_statement(&t, &e, dout);
      check_statement_dq(&t, &e, dout, kept);
      free(kept);
    }
    put_nan(to_dout, (t.segments[0].q_begin + 1) * H * D - 1);
    ops->attention_bwd(b, &t.a, to_q, to_k, to_v, to_out, lse, to_dout, dq1, dk1, dv1);
    CHECK(isnan(act_floats(dv1, nk)[(row_of(&t.segments[0], 0) + 1) * t.a.kv_heads * D - 1]));
    exact_close(&e);
    guarded_free_all();
  }
}
