/* Products against sums in double over the dequantized weights.
 *
 * Tolerance. With u = 2^-24, a sum of K products in f32 is off by at most (K + 8) u Σ|x||w|. amx takes x and w as two
 * bf16 each: a value is off by at most 2^-16 of itself, and low·low (at most 2^-16 of the product) is left out, so
 * each product is off by at most 3 * 2^-16. Those errors have no preferred sign: over a whole matrix the root mean
 * square, measured in sqrt(Σ (x w)²), stays below 2^-16 + sqrt(K) u. A forgotten low half would make that 2^-10.
 *
 * cuda in bf16 takes x and w rounded to the nearest of 8 significant bits: each off by at most 2^-8 of itself, a product by at most 2^-7 + 2^-16.
 * The error of a rounding lies evenly within ±2^-8 of the power of two below the value: root mean square 2^-8 / sqrt(3) of the value at most, and of
 * two of them 2^-8 sqrt(2/3). Activations are f32 or bf16 there; what is written in bf16 is off by at most 2^-8 of itself more, each time that it is added to.
 */
#define HARNESS_MAIN
#include "internal.h"
#include "weights.h"
#include "acts.h"

static int is_amx(const gk_backend *b) { return !is_cuda(b) && b->isa == GK_ISA_AMX; }
static int is_ref(const gk_backend *b) { return !is_cuda(b) && b->isa == GK_ISA_REF; }
/* A GPU has no number of threads: 1. */
static int threads_of(const gk_backend *b) { return is_cuda(b) ? 1 : (int)b->threads; }
/* Up to so many rows of x, a row of y has the same bits whatever the rows beside it. */
static int64_t few_rows(const gk_backend *b) { return is_cuda(b) ? 32 : gk_matmul_few_rows(b); }
/* The emulated GPU takes its time: of large shapes each has one kind of guard there. */
static int is_slow(const gk_backend *b) { return is_cuda(b) && strstr(gk_backend_ops(b)->describe((gk_backend *)b), "emulated"); }

static gk_status matmul_fwd(gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k) {
  return gk_backend_ops(b)->matmul_fwd(b, group, p, gk_f32(x), ldx, m, k);
}
static gk_status matmul_dx(gk_backend *b, int32_t group, const gk_product *p, float *dx, int64_t lddx, int64_t m, int64_t k, int32_t accumulate) {
  return gk_backend_ops(b)->matmul_dx(b, group, p, gk_f32(dx), lddx, m, k, accumulate);
}
/* Where activations may be bf16, every other one is. */
static gk_type type_of(const gk_backend *b, int n) { return is_bf16(b) && n % 2 ? GK_BF16 : GK_F32; }

static double allowed(const gk_backend *b, int64_t k, double sum_abs) {
  return ((double)(k + 8) * 0x1p-24 + (is_amx(b) ? 3 * 0x1p-16 : 0) + (is_bf16(b) ? 0x1p-7 + 0x1p-16 : 0)) * sum_abs + 1e-37;
}

/* The exact sum, its absolute sum, and the sum of squares. */
typedef struct sum { double value, absolute, square; } sum;

static void add(sum *s, double product) {
  s->value += product;
  s->absolute += fabs(product);
  s->square += product * product;
}

/* Gathers the mean square of error² / Σ(xw)². */
typedef struct spread { double total; int64_t count; } spread;

/* rounded: how many times the result was rounded to bf16. */
static void compare_rounded(const gk_backend *b, const char *what, int64_t index, double got, double before, const sum *s, int64_t k, spread *all, int rounded) {
  NEAR(what, index, got, before + s->value, allowed(b, k, s->absolute) + 4 * 0x1p-24 * fabs(before) + rounded * 0x1p-8 * 1.01 * (fabs(before) + s->absolute));
  if (before == 0 && s->square > 0 && !rounded) {
    const double e = got - s->value;
    all->total += e * e / s->square;
    all->count++;
  }
}

static void compare(const gk_backend *b, const char *what, int64_t index, double got, double before, const sum *s, int64_t k, spread *all) {
  compare_rounded(b, what, index, got, before, s, k, all, 0);
}

static void check_spread(const gk_backend *b, const spread *all, int64_t k) {
  if (all->count < 200) return;
  const double rms = sqrt(all->total / (double)all->count);
  if (!(rms <= (is_amx(b) ? 0x1p-16 : 0) + (is_bf16(b) ? 0x1p-8 * sqrt(2 / 3.) : 0) + 2 * sqrt((double)k) * 0x1p-24)) FAIL("root mean square error %.3g", rms);
}

typedef struct member { gk_type type; int64_t n; } member;

static float *dequantized(const gk_weight *w) {
  float *f = guarded_f32(w->n * w->k);
  gk_dequantize_ref(w->type, w->data, f, w->n * w->k);
  return f;
}

/* Rows at x + i*ld, `gap` floats between them that nobody may touch (they stay as they are, bit for bit). */
enum { GAP = 3 };
static const float untouched = 12352;   /* a bf16 */

static float *matrix(int64_t rows, int64_t columns, int gap) {
  const int64_t ld = columns + gap;
  float *p = guarded_f32((rows - 1) * ld + columns);
  for (int64_t i = 0; i < (rows - 1) * ld + columns; i++) p[i] = i % ld < columns ? random_normal() : untouched;
  return p;
}

static void check_gaps(const float *p, int64_t rows, int64_t columns, int gap) {
  for (int64_t i = 0; i + 1 < rows; i++)
    for (int g = 0; g < gap; g++) CHECK(p[i * (columns + gap) + columns + g] == untouched);
}

/* One group, forward and dx. gap, accumulate, scales vary with `variant`. */
static void check_group(gk_backend *b, int32_t group, const member *members, int64_t m, int64_t k, int variant) {
  const int gap = variant % 2 ? variant % 4 == 3 ? 8 : GAP : 0;   /* by 8: bf16 rows that are used as they lie */
  const gk_type of_x = type_of(b, variant / 2), of_y = type_of(b, variant / 4), of_dx = type_of(b, variant / 3);
  const gk_ops *ops = gk_backend_ops(b);
  gk_product p[12];
  float *w[12], *y0[12], *y[12];
  float *x = matrix(m, k, gap);
  const int64_t ldx = k + gap, of_input = (m - 1) * ldx + k;
  int written = 1;   /* how often dx is */
  for (int32_t g = 0; g < group; g++) {
    const int64_t n = members[g].n, ldy = n + gap;
    p[g] = (gk_product){.w = {members[g].type, guarded_weight(members[g].type, n * k), n, k}, .ldy = ldy, .scale = variant % 3 ? 0.5f - (float)g : 1, .accumulate = (variant + g) / 2 % 2};
    w[g] = dequantized(&p[g].w);
    y[g] = matrix(m, n, gap);
    (void)act_as(of_y, y[g], (m - 1) * ldy + n);   /* what it can hold */
    y0[g] = malloc((size_t)(m * ldy) * sizeof(float));
    memcpy(y0[g], y[g], (size_t)((m - 1) * ldy + n) * sizeof(float));
    if (!p[g].accumulate)
      for (int64_t i = 0; i < m; i++)
        for (int64_t l = 0; l < n; l++) y[g][i * ldy + l] = NAN;
    p[g].y = act_as(of_y, y[g], (m - 1) * ldy + n);
    written += 1 + (int)(n * k * 4 >> 20);
  }

  CHECK(ops->matmul_fwd(b, group, p, act_as(of_x, x, of_input), ldx, m, k) == GK_OK);
  double inner = 0, inner_abs = 0;
  for (int32_t g = 0; g < group; g++) {
    spread all = {0, 0};
    const float *got = act_floats(p[g].y, (m - 1) * p[g].ldy + p[g].w.n);
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < p[g].w.n; j++) {
        sum s = {0, 0, 0};
        for (int64_t l = 0; l < k; l++) add(&s, (double)p[g].scale * x[i * ldx + l] * w[g][j * k + l]);
        compare_rounded(b, "y", i * p[g].w.n + j, got[i * p[g].ldy + j], p[g].accumulate ? y0[g][i * p[g].ldy + j] : 0, &s, k, &all, of_y == GK_BF16);
        inner += y0[g][i * p[g].ldy + j] * s.value; /* <dy, x Wᵀ> with y0 as dy */
        inner_abs += fabs(y0[g][i * p[g].ldy + j]) * s.absolute;
      }
    }
    check_spread(b, &all, k);
    check_gaps(got, m, p[g].w.n, gap);
    memcpy(y[g], y0[g], (size_t)((m - 1) * p[g].ldy + p[g].w.n) * sizeof(float));
    p[g].y = act_as(of_y, y[g], (m - 1) * p[g].ldy + p[g].w.n);
  }

  const int accumulate = variant / 2 % 2;
  float *dx = matrix(m, k, gap), *dx0 = malloc((size_t)(m * ldx) * sizeof(float));
  (void)act_as(of_dx, dx, of_input);
  memcpy(dx0, dx, (size_t)of_input * sizeof(float));
  if (!accumulate)
    for (int64_t i = 0; i < m; i++)
      for (int64_t l = 0; l < k; l++) dx[i * ldx + l] = NAN;
  const gk_act dx_act = act_as(of_dx, dx, of_input);
  CHECK(ops->matmul_dx(b, group, p, dx_act, ldx, m, k, accumulate) == GK_OK);
  dx = act_floats(dx_act, of_input);
  int64_t terms = 0;
  for (int32_t g = 0; g < group; g++) terms += p[g].w.n;
  spread all = {0, 0};
  sum *row = malloc((size_t)k * sizeof *row);
  for (int64_t i = 0; i < m; i++) {
    memset(row, 0, (size_t)k * sizeof *row);
    for (int32_t g = 0; g < group; g++)
      for (int64_t j = 0; j < p[g].w.n; j++)
        for (int64_t l = 0; l < k; l++) add(&row[l], (double)p[g].scale * y0[g][i * p[g].ldy + j] * w[g][j * k + l]);
    for (int64_t l = 0; l < k; l++) {
      const double before = accumulate ? dx0[i * ldx + l] : 0;
      compare_rounded(b, "dx", i * k + l, dx[i * ldx + l], before, &row[l], terms, &all, of_dx == GK_BF16 ? written : 0);
      inner -= (dx[i * ldx + l] - before) * x[i * ldx + l];
    }
  }
  check_spread(b, &all, terms);
  check_gaps(dx, m, k, gap);
  /* <dy, x Wᵀ> = <dx, x>; 64: some f32 roundings of dx + before */
  if (!accumulate) NEAR("<dy,xW'> - <dx,x>", 0, inner, 0.0, allowed(b, terms, inner_abs) + (of_dx == GK_BF16 ? written * 0x1p-8 * inner_abs : 0));
  free(row);
  free(dx0);
  for (int32_t g = 0; g < group; g++) free(y0[g]);
  guarded_free_all();
}

static void check_shapes(gk_backend *b, const char *isa) {
  static const int64_t ms[] = {1, 2, 7, 16, 33, 129}, ns[] = {1, 5, 16, 31, 64, 200}, odd[] = {1, 3, 16, 17, 100, 257};
  const int ref = is_ref(b);
  int variant = guard_front;
  for (int t = 0; t < ALL_TYPES; t++) {
    const gk_type type = all_types[t];
    const gk_type_info *info = gk_type_get(type);
    for (int i = 0; i < 6; i++) { /* each m and each n once, paired anew for each type */
      const int64_t m = ms[i], n = ns[(i * 5 + t + threads_of(b)) % 6];
      const int64_t k = info->block_size == 1 ? odd[(i + t) % 6] : info->block_size * (1 + (i + t) % 4);
      if (m * n * k > (ref ? 300000 : 3000000)) continue;
      AT("%s, %d threads, %s, m %d n %d k %d, variant %d", isa, threads_of(b), info->name, (int)m, (int)n, (int)k, variant);
      check_group(b, 1, &(member){type, n}, m, k, variant++);
    }
  }
  static const member mixed[] = {{GK_Q4_K, 70}, {GK_F32, 8}, {GK_Q6_K, 33}, {GK_BF16, 1}, {GK_Q8_0, 300}, {GK_F32, 16}, {GK_F16, 40}, {GK_IQ4_XS, 64}};
  for (int i = 0; i < 4; i++) {
    const int64_t m = (const int64_t[]){3, 9, 40, 67}[i];
    if (ref && i > 1) break;
    AT("%s, %d threads, a group of 8, m %d", isa, threads_of(b), (int)m);
    check_group(b, 8, mixed, m, 512, variant++);
  }
  static const member many[12] = {{GK_F32, 8}, {GK_F32, 1}, {GK_F32, 40}, {GK_F16, 3}, {GK_F32, 8}, {GK_F32, 8}, {GK_F32, 16}, {GK_F32, 8}, {GK_F32, 17}, {GK_F32, 8}, {GK_F32, 5}, {GK_F32, 8}};
  AT("%s, %d threads, a group of 12", isa, threads_of(b));
  check_group(b, 12, many, 2, 96, variant++);
}

/* Few rows of x: each number of rows against double, and each row the very bits that it has alone. */
static void check_few_as(gk_backend *b, const char *isa, gk_type type, int64_t n, int64_t k, gk_type act, int gap) {
  const gk_ops *ops = gk_backend_ops(b);
  const int64_t most = gk_min_i64(few_rows(b), is_ref(b) ? 3 : 64);
  const char *kind = act == GK_BF16 ? "bf16" : "f32";
  float *x = matrix(most, k, gap), *alone = guarded_f32(most * n);
  /* Every other row with elements of all sizes, as activations have. */
  for (int64_t i = 1; i < most; i += 2)
    for (int64_t l = 0; l < k; l++) x[i * (k + gap) + l] = ldexpf(x[i * (k + gap) + l], (int)(l * 7 % 25) - 12);
  gk_product p = {{type, guarded_weight(type, n * k), n, k}, gk_f32(alone), n, 0.75f, 0};
  const float *w = dequantized(&p.w);
  for (int64_t i = 0; i < most; i++) {
    p.y = act_as(act, alone + i * n, n);
    CHECK(ops->matmul_fwd(b, 1, &p, act_as(act, x + i * (k + gap), k), k + gap, 1, k) == GK_OK);
    if (act == GK_BF16) memcpy(alone + i * n, act_floats(p.y, n), (size_t)n * sizeof(float));
  }
  spread all = {0, 0};
  AT("%s, %d threads, %s, n %d k %d, %s, alone", isa, threads_of(b), gk_type_get(type)->name, (int)n, (int)k, kind);
  for (int64_t i = 0; i < most; i++)
    for (int64_t j = 0; j < n; j++) {
      sum s = {0, 0, 0};
      for (int64_t l = 0; l < k; l++) add(&s, 0.75 * x[i * (k + gap) + l] * w[j * k + l]);
      compare_rounded(b, "y", i * n + j, alone[i * n + j], 0, &s, k, &all, act == GK_BF16);
    }
  check_spread(b, &all, k);
  for (int64_t m = 2; m <= most; m++) {
    AT("%s, %d threads, %s, m %d n %d k %d, %s", isa, threads_of(b), gk_type_get(type)->name, (int)m, (int)n, (int)k, kind);
    float *packed = guarded_f32(m * k), *y = guarded_f32((m - 1) * (n + gap) + n);
    for (int64_t i = 0; i < m; i++) memcpy(packed + i * k, x + i * (k + gap), (size_t)k * sizeof(float));
    p.y = act_as(act, y, (m - 1) * (n + gap) + n);
    p.ldy = n + gap;
    CHECK(ops->matmul_fwd(b, 1, &p, act_as(act, packed, m * k), k, m, k) == GK_OK);
    y = act_floats(p.y, (m - 1) * (n + gap) + n);
    for (int64_t i = 0; i < m; i++) CHECK(memcmp(y + i * (n + gap), alone + i * n, (size_t)n * sizeof(float)) == 0);
  }
  guarded_free_all();
}

static void check_few_of(gk_backend *b, const char *isa, gk_type type, int64_t n, int64_t k) {
  check_few_as(b, isa, type, n, k, GK_F32, GAP);
  if (is_bf16(b)) check_few_as(b, isa, type, n, k, GK_BF16, n % 2 ? GAP : 8);
}

static void check_few(gk_backend *b, const char *isa) {
  for (int t = 0; t < ALL_TYPES; t++) {
    const int64_t unit = gk_type_get(all_types[t])->block_size;
    if (unit == 1) {
      check_few_of(b, isa, all_types[t], 6 + t, 2 * 256 + 64 * (t % 2) + (guard_front ? t : 0));
      continue;
    }
    if (unit == 32) check_few_of(b, isa, all_types[t], 6 + t, unit * (17 + t % 2)); /* not whole blocks of 256 */
    check_few_of(b, isa, all_types[t], t % 2 ? 6 + t : 39 + t, 512);
  }
}

/* Members whose outputs are neighbouring columns of one matrix, as LoRA's low-rank rows are, beside one that isn't: a backend may take them as one product. */
static void check_neighbours(gk_backend *b, const char *isa) {
  static const int64_t ns[] = {16, 8, 24, 70}, offsets[] = {0, 16, 24, 0};
  enum { K = 256, LD = 48, COUNT = 4 };
  const gk_ops *ops = gk_backend_ops(b);
  for (int64_t m = 9; m <= 73; m += 32)
    for (int kind = 0; kind <= is_bf16(b); kind++)
      for (int apart = 0; apart < 2; apart++) {   /* the second with another scale: two products of the three */
        AT("%s, %d threads, neighbours, m %d, %s, scales %d", isa, threads_of(b), (int)m, kind ? "bf16" : "f32", apart);
        const gk_type type = kind ? GK_BF16 : GK_F32;
        float *x = matrix(m, K, 0), *low = matrix(m, LD, 0), *wide = matrix(m, ns[3], 0), *dx = guarded_f32(m * K), *w[COUNT];
        const gk_act low_act = act_as(type, low, m * LD), wide_act = act_as(type, wide, m * ns[3]), dx_act = act_as(type, dx, m * K);
        gk_product p[COUNT];
        for (int g = 0; g < COUNT; g++) {
          const gk_type weight = g == 3 ? GK_Q4_K : GK_F32;
          p[g] = (gk_product){{weight, guarded_weight(weight, ns[g] * K), ns[g], K}, wide_act, ns[3], apart && g == 1 ? -0.5f : 1, 0};
          if (g < 3) p[g].y = gk_act_at(low_act, offsets[g]), p[g].ldy = LD;
          w[g] = dequantized(&p[g].w);
        }
        const float *dy[COUNT] = {low, low + 16, low + 24, wide};
        CHECK(ops->matmul_dx(b, COUNT, p, dx_act, K, m, K, 0) == GK_OK);
        const float *got = act_floats(dx_act, m * K);
        spread all = {0, 0};
        for (int64_t i = 0; i < m; i++)
          for (int64_t l = 0; l < K; l++) {
            sum s = {0, 0, 0};
            for (int g = 0; g < COUNT; g++)
              for (int64_t j = 0; j < ns[g]; j++) add(&s, (double)p[g].scale * dy[g][i * p[g].ldy + j] * w[g][j * K + l]);
            compare_rounded(b, "dx", i * K + l, got[i * K + l], 0, &s, 16 + 8 + 24 + 70, &all, kind * COUNT);
          }
        CHECK(ops->matmul_fwd(b, COUNT, p, act_as(type, x, m * K), K, m, K) == GK_OK);
        low = act_floats(low_act, m * LD), wide = act_floats(wide_act, m * ns[3]);
        const float *y[COUNT] = {low, low + 16, low + 24, wide};
        for (int g = 0; g < COUNT; g++)
          for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < ns[g]; j++) {
              sum s = {0, 0, 0};
              for (int64_t l = 0; l < K; l++) add(&s, (double)p[g].scale * x[i * K + l] * w[g][j * K + l]);
              compare_rounded(b, "y", i * ns[g] + j, y[g][i * p[g].ldy + j], 0, &s, K, &all, kind);
            }
        check_spread(b, &all, K);
        guarded_free_all();
      }
}

/* dw += scale dyᵀ x, both wide and as narrow as LoRA's. */
static void check_dw(gk_backend *b, const char *isa) {
  static const int64_t shapes[][3] = {{1, 1, 1}, {2, 5, 3}, {33, 16, 100}, {70, 100, 16}, {300, 31, 33}, {257, 300, 8}, {40, 300, 280}, {513, 16, 17}, {64, 1, 300}};
  for (size_t c = 0; c < sizeof shapes / sizeof shapes[0]; c++) {
    const int64_t m = shapes[c][0], n = shapes[c][1], k = shapes[c][2];
    const int gap = c % 2 ? GAP : 0;
    const gk_type of_x = type_of(b, (int)c / 2), of_dy = type_of(b, (int)c / 3);
    AT("%s, %d threads, dw of m %d n %d k %d", isa, threads_of(b), (int)m, (int)n, (int)k);
    float *dy = matrix(m, n, gap), *x = matrix(m, k, gap), *dw = guarded_f32(n * k);
    const float scale = c % 3 ? -0.75f : 1;
    for (int twice = 0; twice < 2; twice++) {
      for (int64_t i = 0; i < n * k; i++) dw[i] = twice ? random_normal() : 0;
      float *before = malloc((size_t)(n * k) * sizeof(float));
      memcpy(before, dw, (size_t)(n * k) * sizeof(float));
      CHECK(gk_backend_ops(b)->matmul_dw(b, act_as(of_dy, dy, (m - 1) * (n + gap) + n), n + gap, act_as(of_x, x, (m - 1) * (k + gap) + k), k + gap, m, n, k, scale, dw) == GK_OK);
      spread all = {0, 0};
      for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l < k; l++) {
          sum s = {0, 0, 0};
          for (int64_t i = 0; i < m; i++) add(&s, (double)scale * dy[i * (n + gap) + j] * x[i * (k + gap) + l]);
          compare(b, "dw", j * k + l, dw[j * k + l], before[j * k + l], &s, m, &all);
        }
      check_spread(b, &all, m);
      free(before);
    }
    guarded_free_all();
  }
}

/* An infinity or a NaN in x or w must be seen in every y it takes part in. */
static void check_not_finite(gk_backend *b, const char *isa) {
  static const uint16_t bad[] = {0x7C00, 0xFC00, 0x7E00, 0x7FFF, 0xFC01};
  for (int64_t m = 2; m <= 34; m += 32) {
    for (int i = 0; i < 5; i++) {
      AT("%s, %d threads, f16 %04x, m %d", isa, threads_of(b), bad[i], (int)m);
      const int64_t n = 37, k = 256;
      float *x = matrix(m, k, 0), *y = guarded_f32(m * n), *dx = guarded_f32(m * k);
      uint16_t *w = guarded_weight(GK_F16, n * k);
      unsigned char *q = guarded_weight(GK_Q4_K, n * k);
      w[5 * k + 100] = bad[i];
      put_u16(q + 7 * 144, bad[i]);
      gk_product p[2] = {{{GK_F16, w, n, k}, gk_f32(y), n, 1, 0}, {{GK_Q4_K, q, n, k}, gk_f32(y), n, 1, 0}};
      for (int g = 0; g < 2; g++) {
        CHECK(matmul_fwd(b, 1, &p[g], x, k, m, k) == GK_OK);
        for (int64_t r = 0; r < m; r++)
          for (int64_t j = 0; j < n; j++) CHECK(isfinite(y[r * n + j]) == (j != (g ? 7 : 5)));
      }
      for (int64_t r = 0; r < m * n; r++) y[r] = random_normal();
      CHECK(matmul_dx(b, 1, &p[0], dx, k, m, k, 0) == GK_OK);
      for (int64_t r = 0; r < m; r++)
        for (int64_t l = 0; l < k; l++) CHECK(isfinite(dx[r * k + l]) == (l != 100));
      gk_dequantize_ref(GK_F16, &bad[i], &x[1 * k + 3], 1);
      w[5 * k + 100] = 0;
      CHECK(matmul_fwd(b, 1, &p[0], x, k, m, k) == GK_OK);
      for (int64_t r = 0; r < m; r++)
        for (int64_t j = 0; j < n; j++) CHECK(isfinite(y[r * n + j]) == (r != 1));
      guarded_free_all();
    }
  }
}

/* What does not fit one band of rows, one segment of the packed operand, or one chunk; looked at in places. And the same
 * bits whatever the number of threads. */
static void check_large(const char *isa) {
  static const struct { gk_type type; int64_t m, n, k; } shapes[] = {{GK_Q8_0, 530, 24700, 32}, {GK_Q4_K, 600, 1100, 1024}, {GK_Q5_K, 34, 96, 8192}};
  for (size_t c = 0; c < sizeof shapes / sizeof shapes[0]; c++) {
    const int64_t m = shapes[c].m, n = shapes[c].n, k = shapes[c].k;
    random_state = 7;
    float *x = matrix(m, k, 0), *dy = matrix(m, n, 0);
    gk_weight weight = {shapes[c].type, guarded_weight(shapes[c].type, n * k), n, k};
    float *w = dequantized(&weight), *y[2], *dx[2];
    for (int32_t threads = 1; threads <= 2; threads++) {
      gk_backend *b = open_backend(isa, threads);
      y[threads - 1] = guarded_f32(m * n);
      dx[threads - 1] = guarded_f32(m * k);
      gk_product p = {weight, gk_f32(y[threads - 1]), n, 1, 0};
      CHECK(matmul_fwd(b, 1, &p, x, k, m, k) == GK_OK);
      p.y = gk_f32(dy);
      CHECK(matmul_dx(b, 1, &p, dx[threads - 1], k, m, k, 0) == GK_OK);
      AT("%s, %d threads, m %d n %d k %d", isa, (int)threads, (int)m, (int)n, (int)k);
      spread all[2] = {{0, 0}, {0, 0}};
      for (int i = 0; i < 300; i++) {
        const int64_t r = (int64_t)(random_u64() % (uint64_t)m), j = (int64_t)(random_u64() % (uint64_t)n), l = (int64_t)(random_u64() % (uint64_t)k);
        sum s = {0, 0, 0}, d = {0, 0, 0};
        for (int64_t e = 0; e < k; e++) add(&s, (double)x[r * k + e] * w[j * k + e]);
        for (int64_t e = 0; e < n; e++) add(&d, (double)dy[r * n + e] * w[e * k + l]);
        compare(b, "y", r * n + j, y[threads - 1][r * n + j], 0, &s, k, &all[0]);
        compare(b, "dx", r * k + l, dx[threads - 1][r * k + l], 0, &d, n, &all[1]);
      }
      check_spread(b, &all[0], k);
      check_spread(b, &all[1], n);
      if (c == 2)
        printf("%s, K = 8192: root mean square error 2^%.1f of sqrt(sum of squared products)\n", isa, log2(sqrt(all[0].total / (double)all[0].count)));
      gk_backend_ops(b)->close(b);
    }
    CHECK(memcmp(y[0], y[1], (size_t)(m * n) * sizeof(float)) == 0);
    CHECK(memcmp(dx[0], dx[1], (size_t)(m * k) * sizeof(float)) == 0);
    guarded_free_all();
  }
}

/* Shapes that have 120 tiles of 128 x 128 (the large tiles' least), in each of the three products; K that is cut in
 * several sums; weights that are cut in slices; and each product of a size for cuBLAS. */
static void check_large_cuda(gk_backend *b, const char *isa) {
  static const struct { gk_type type; int64_t m, n, k; } shapes[] = {
    {GK_Q4_1, 1300, 1290, 64}, {GK_F32, 1300, 9, 1290}, {GK_F16, 34, 1300, 1410}, {GK_Q5_K, 34, 96, 4096}, {GK_BF16, 40, 1100, 24}, {GK_Q8_0, 64, 3000, 64}, {GK_Q5_0, 150, 141, 160}};
  for (size_t c = 0; c < sizeof shapes / sizeof shapes[0]; c++) {
    const int64_t m = shapes[c].m, n = shapes[c].n, k = shapes[c].k;
    if (guard_front != (int)(c % 2) && is_slow(b)) continue;
    AT("%s, %s, m %d n %d k %d", isa, gk_type_get(shapes[c].type)->name, (int)m, (int)n, (int)k);
    const int gap = c % 2 ? GAP : 0;
    const gk_ops *ops = gk_backend_ops(b);
    const gk_type of_x = type_of(b, (int)c / 2 + 1), of_y = type_of(b, (int)c / 3 + 1);
    float *x = matrix(m, k, gap), *dy = matrix(m, n, gap), *y = guarded_f32(m * n), *dx = guarded_f32(m * k), *dw = guarded_f32(n * k);
    const gk_act x_act = act_as(of_x, x, (m - 1) * (k + gap) + k), dy_act = act_as(of_y, dy, (m - 1) * (n + gap) + n);
    const int rounded_y = of_y == GK_BF16, rounded_dx = of_x == GK_BF16 ? 1 + (int)(n * k * 4 >> 20) : 0;
    const int accumulate = c % 3 == 0;   /* also by cuBLAS, the last */
    float *y0 = calloc((size_t)(m * n), sizeof *y0), *dx0 = calloc((size_t)(m * k), sizeof *dx0), *dw0 = calloc((size_t)(n * k), sizeof *dw0);
    for (int64_t i = 0; accumulate && i < m * n; i++) y[i] = random_normal();
    for (int64_t i = 0; accumulate && i < m * k; i++) dx[i] = random_normal();
    const gk_act y_act = act_as(of_y, y, m * n), dx_act = act_as(of_x, dx, m * k);
    if (accumulate) memcpy(y0, y, (size_t)(m * n) * sizeof(float)), memcpy(dx0, dx, (size_t)(m * k) * sizeof(float));
    for (int64_t i = 0; i < n * k; i++) dw[i] = dw0[i] = accumulate ? random_normal() : 0;
    gk_product p = {{shapes[c].type, guarded_weight(shapes[c].type, n * k), n, k}, y_act, n, 1, accumulate};
    float *w = dequantized(&p.w);
    CHECK(ops->matmul_fwd(b, 1, &p, x_act, k + gap, m, k) == GK_OK);
    p.y = dy_act, p.ldy = n + gap;
    CHECK(ops->matmul_dx(b, 1, &p, dx_act, k, m, k, accumulate) == GK_OK);
    CHECK(ops->matmul_dw(b, dy_act, n + gap, x_act, k + gap, m, n, k, 1, dw) == GK_OK);
    y = act_floats(y_act, m * n), dx = act_floats(dx_act, m * k);
    spread all[3] = {{0, 0}, {0, 0}, {0, 0}};
    for (int i = 0; i < 600; i++) {
      const int64_t r = (int64_t)(random_u64() % (uint64_t)m), j = (int64_t)(random_u64() % (uint64_t)n), l = (int64_t)(random_u64() % (uint64_t)k);
      sum s = {0, 0, 0}, d = {0, 0, 0}, e = {0, 0, 0};
      for (int64_t o = 0; o < k; o++) add(&s, (double)x[r * (k + gap) + o] * w[j * k + o]);
      for (int64_t o = 0; o < n; o++) add(&d, (double)dy[r * (n + gap) + o] * w[o * k + l]);
      for (int64_t o = 0; o < m; o++) add(&e, (double)dy[o * (n + gap) + j] * x[o * (k + gap) + l]);
      compare_rounded(b, "y", r * n + j, y[r * n + j], y0[r * n + j], &s, k, &all[0], rounded_y);
      compare_rounded(b, "dx", r * k + l, dx[r * k + l], dx0[r * k + l], &d, n, &all[1], rounded_dx);
      compare(b, "dw", j * k + l, dw[j * k + l], dw0[j * k + l], &e, m, &all[2]);
    }
    for (int64_t i = 0; i < m * n; i++) CHECK(isfinite(y[i]));
    for (int64_t i = 0; i < m * k; i++) CHECK(isfinite(dx[i]));
    check_spread(b, &all[0], k);
    check_spread(b, &all[1], n);
    check_spread(b, &all[2], m);
    free(y0);
    free(dx0);
    free(dw0);
    guarded_free_all();
  }
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  each_backend(check_shapes);
  each_backend(check_few);
  each_backend(check_neighbours);
  each_backend(check_dw);
  each_backend(check_not_finite);
  if (getenv("GRAFT_TEST_CUDA")) {
    each_backend(check_large_cuda);
    puts("matmul: every type on cuda");
    return 0;
  }
  char names[64], *rest = names;
  snprintf(names, sizeof names, "%s", gk_cpu_isas());
  for (char *isa = strtok_r(rest, ",", &rest); isa; isa = strtok_r(NULL, ",", &rest))
    if (strcmp(isa, "ref") != 0) check_large(isa);
  printf("matmul: every type on %s\n", gk_cpu_isas());
  return 0;
}
