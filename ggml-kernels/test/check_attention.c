/* attention against softmax(q kᵀ) v in double; its backward against a double backward that is itself held against
 * central differences; and a shared prefix against the same tokens computed twice.
 */
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

/* Then every factor of a product (q and k, p and v, dout and v, p and dout, ds and k or q) is rounded by at most 2^-8 of itself (8 significant bits). A score moves by the two of
 * q and k times its size, so its p, with a sum of such, by the exponential of twice that; and there are at most four more roundings in a row. */
static double bf16_score_error(const exact *e) { return e->score_size * (0x1p-7 + 0x1p-16); }
static double bf16_error(const exact *e) { return exp(2 * bf16_score_error(e)) * pow(1 + 0x1p-8, 4) - 1; }
#define BF16_SMALLEST 0x1p-126   /* what is smaller may become 0 */

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
 * once in bf16 where the head width makes a difference; on the emulator half of those in f32, which has three kinds of width (to 64, to 128, to 256). */
static int skip(gk_backend *b, int c) {
  const problem t = make_problem(c % N_LAYOUTS, c / N_LAYOUTS);
  if (c % N_LAYOUTS >= LARGE_LAYOUT && !in_bf16(b, &t)) return 1;
  if (is_cuda(b) && !is_bf16(b) && c % 4 >= 2 && strstr(gk_backend_ops(b)->describe(b), "emulated")) return 1;
  if (is_cuda(b)) return c % 2 != guard_front || (is_bf16(b) && !in_bf16(b, &t) && t.a.head_width != 31);
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
  float *q = guarded_normal(10 * D), *k = guarded_normal(2 * D), *v = guarded_normal(2 * D), *dout = guarded_normal(10 * D);
  float *out = guarded_f32(10 * D), *lse = guarded_f32(10), *dq = guarded_f32(10 * D), *dk = guarded_normal(2 * D), *dv = guarded_normal(2 * D);
  CHECK(ops->attention_fwd(b, &a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(out), lse) == GK_OK);
  CHECK(ops->attention_bwd(b, &a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(out), lse, gk_f32(dout), gk_f32(dq), gk_f32(dk), gk_f32(dv)) == GK_OK);
  for (int i = 0; i < 10; i++) CHECK(i < 6 ? lse[i] == -INFINITY : isfinite(lse[i]));
  for (int i = 0; i < 10 * D; i++) CHECK(i < 6 * D ? out[i] == 0 && dq[i] == 0 : isfinite(out[i]) && isfinite(dq[i]));
  for (int i = 0; i < 2 * D; i++) CHECK(isfinite(dk[i]) && isfinite(dv[i]));
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
    float *q = guarded_normal(nq), *k = guarded_normal(nk), *v = guarded_normal(nk), *out = guarded_normal(nq), *lse = guarded_normal(t.q_rows * H);
    float *old = guarded_f32(nq), *again = guarded_f32(nq);
    if (c % 3 == 1)   /* softmax is almost one-hot, exp under- and overflows without the maximum */
      for (int64_t i = 0; i < nq; i++) q[i] *= bf16 && c % 2 ? 3 : 200;   /* by 200 a bf16 score is off by more than 1 */
    if (c % 3 == 2)
      for (int64_t i = 0; i < nk; i++) v[i] *= i % 2 ? 1e-41f : 1e30f;
    if (c % 3 != 2 && bf16) leave_borders(v, t.k_rows, t.a.kv_heads * D);
    memcpy(old, out, (size_t)nq * sizeof(float));
    CHECK(ops->attention_fwd(b, &t.a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(out), c % 2 ? lse : NULL) == GK_OK);
    exact e = exact_open(&t, q, k, v);
    exact_run(&t, &e, NULL);
    double error = relative_error(&t, &e) + (bf16 ? bf16_error(&e) : 0), smallest = bf16 ? BF16_SMALLEST : 1e-43;
    for (int64_t i = 0; i < nq; i++) {
      if (!is_query(&t, i / (H * D))) CHECK(out[i] == old[i]);
      else NEAR("out", i, out[i], e.out[i], error * e.out_size[i] + smallest);
    }
    for (int64_t i = 0; c % 2 && i < t.q_rows * H; i++)
      if (is_query(&t, i / H)) NEAR("lse", i, lse[i], e.lse[i], relative_error(&t, &e) + (bf16 ? bf16_score_error(&e) : 0) + FLT_EPSILON * fabs(e.lse[i]));
    memcpy(again, old, (size_t)nq * sizeof(float));
    ops->attention_fwd(b, &t.a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(again), NULL);
    CHECK(memcmp(again, out, (size_t)nq * sizeof(float)) == 0);
    /* the last own key of the last segment: at least the last query sees it */
    const gk_segment *s = &t.segments[t.a.n_segments - 1];
    k[(s->k_begin + s->k_count) * t.a.kv_heads * D - 1] = NAN;
    ops->attention_fwd(b, &t.a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(out), NULL);
    CHECK(isnan(out[(s->q_begin + s->q_count) * H * D - 1]));
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
  float *so = guarded_f32(ns * QW), *sl = guarded_f32(ns * H), *ao = guarded_f32(na * QW), *al = guarded_f32(na * H);
  float *sdq = guarded_f32(ns * QW), *adq = guarded_f32(na * QW), *sd[2], *ad[2];
  for (int i = 0; i < 2; i++) {
    sd[i] = guarded_f32(ns * KW), ad[i] = guarded_f32(na * KW);
    memset(sd[i], 0, (size_t)(ns * KW) * sizeof(float));
    memset(ad[i], 0, (size_t)(na * KW) * sizeof(float));
  }
  ops->attention_fwd(b, &sa, gk_f32(s[0]), gk_f32(s[1]), gk_f32(s[2]), gk_f32(so), sl);
  ops->attention_fwd(b, &aa, gk_f32(a[0]), gk_f32(a[1]), gk_f32(a[2]), gk_f32(ao), al);
  ops->attention_bwd(b, &sa, gk_f32(s[0]), gk_f32(s[1]), gk_f32(s[2]), gk_f32(so), sl, gk_f32(s[3]), gk_f32(sdq), gk_f32(sd[0]), gk_f32(sd[1]));
  ops->attention_bwd(b, &aa, gk_f32(a[0]), gk_f32(a[1]), gk_f32(a[2]), gk_f32(ao), al, gk_f32(a[3]), gk_f32(adq), gk_f32(ad[0]), gk_f32(ad[1]));
  /* sums of about 100 terms of order 1, twice; in bf16 p is rounded, by 2^-8 each time, after other maxima were taken off the scores */
  double tolerance = 256 * FLT_EPSILON + (is_bf16(b) && D == 64 ? 0x1p-6 : 0);
  for (int64_t i = 0; i < (P + A) * QW; i++) NEAR("out", i, so[i], ao[i], tolerance);
  for (int64_t i = 0; i < B * QW; i++) {
    NEAR("out", i, so[(P + A) * QW + i], ao[(2 * P + A) * QW + i], tolerance);
    NEAR("dq", i, sdq[(P + A) * QW + i], adq[(2 * P + A) * QW + i], 4 * tolerance);
  }
  for (int c = 0; c < 2; c++)
    for (int64_t i = 0; i < P * KW; i++) NEAR("prompt", i, sd[c][i], (double)ad[c][i] + ad[c][(P + A) * KW + i], 8 * tolerance);
}

void check_attention_bwd(gk_backend *b, const char *isa) {
  const gk_ops *ops = gk_backend_ops(b);
  check_sharing(b, isa, 16);
  if (is_bf16(b)) check_sharing(b, isa, 64);
  guarded_free_all();
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
      for (int64_t i = 0; i < nq; i++) q[i] *= bf16 ? 3 : 50;
    if (bf16 && c % 4 == 2)   /* small scores: tight tolerances */
      for (int64_t i = 0; i < nk; i++) k[i] /= 16;
    exact e = exact_open(&t, q, k, v);
    exact_run(&t, &e, dout);
    float *out = guarded_f32(nq), *lse = guarded_f32(t.q_rows * H), *dq = guarded_normal(nq), *old = guarded_f32(nq);
    float *dk = guarded_normal(nk), *dv = guarded_normal(nk), *dk0 = guarded_f32(nk), *dv0 = guarded_f32(nk), *dk2 = guarded_f32(nk);
    to_float(e.out, out, nq);
    to_float(e.lse, lse, t.q_rows * H);
    memcpy(old, dq, (size_t)nq * sizeof(float));
    memcpy(dk0, dk, (size_t)nk * sizeof(float));
    memcpy(dv0, dv, (size_t)nk * sizeof(float));
    memcpy(dk2, dk, (size_t)nk * sizeof(float));
    CHECK(ops->attention_bwd(b, &t.a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(out), lse, gk_f32(dout), gk_f32(dq), gk_f32(dk), gk_f32(dv)) == GK_OK);
    double error = 2 * relative_error(&t, &e) + FLT_EPSILON * 2 * e.score_size;   /* lse is rounded to f32 */
    const double in_f32 = error;
    if (bf16) error += bf16_error(&e);
    double smallest = bf16 ? BF16_SMALLEST : 1e-42;
    for (int64_t i = 0; i < nq; i++) {
      if (!is_query(&t, i / (H * D))) CHECK(dq[i] == old[i]);
      else NEAR("dq", i, dq[i], e.dq[i], error * e.dq_size[i] + smallest);
    }
    for (int64_t i = 0; i < nk; i++) {   /* the running sum that is rounded begins at dk0 */
      NEAR("dk", i, dk[i], dk0[i] + e.dk[i], error * e.dk_size[i] + in_f32 * fabs(dk0[i]) + smallest);
      NEAR("dv", i, dv[i], dv0[i] + e.dv[i], error * e.dv_size[i] + in_f32 * fabs(dv0[i]) + smallest);
    }
    float *dq2 = guarded_f32(nq);
    memcpy(dq2, old, (size_t)nq * sizeof(float));
    ops->attention_bwd(b, &t.a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(out), lse, gk_f32(dout), gk_f32(dq2), gk_f32(dk2), gk_f32(dv0));
    CHECK(memcmp(dq2, dq, (size_t)nq * sizeof(float)) == 0 && memcmp(dk2, dk, (size_t)nk * sizeof(float)) == 0 &&
          memcmp(dv0, dv, (size_t)nk * sizeof(float)) == 0);
    if (D <= 3 && t.q_rows <= 40 && c % 4 != 3 && strcmp(isa, "ref") == 0) {
      double *kept = doubles(nq);
      memcpy(kept, e.dq, (size_t)nq * sizeof(double));
      check_statement(&t, &e, dout);
      check_statement_dq(&t, &e, dout, kept);
      free(kept);
    }
    dout[(t.segments[0].q_begin + 1) * H * D - 1] = NAN;
    ops->attention_bwd(b, &t.a, gk_f32(q), gk_f32(k), gk_f32(v), gk_f32(out), lse, gk_f32(dout), gk_f32(dq), gk_f32(dk), gk_f32(dv));
    CHECK(isnan(dv[(row_of(&t.segments[0], 0) + 1) * t.a.kv_heads * D - 1]));
    exact_close(&e);
    guarded_free_all();
  }
}
