/* Paged attention against attention over the same keys and values laid end to end (gk_attention_fwd_ref, in double, itself held against a statement of
 * its own in check_attention.c), and what is lost by pages of F16 and Q8_0 against what those formats' rounding allows.
 */
#include "acts.h"
#include "harness.h"
#include "internal.h"

typedef struct paged_case {
  int32_t H, G, D, page_tokens, n;
  gk_paged_segment segments[4];   /* first_page is filled in */
} paged_case;

static const paged_case cases[] = {
    {1, 1, 1, 1, 1, {{0, 1, 1, 0}}},
    {4, 2, 3, 4, 2, {{0, 1, 7, 0}, {1, 5, 5, 0}}},                              /* decoding in the middle of a page, and a prompt */
    {8, 2, 64, 32, 3, {{0, 1, 33, 0}, {1, 1, 96, 0}, {2, 40, 71, 0}}},          /* one token in the last page; a full one; a chunk of a prompt */
    {7, 1, 33, 5, 4, {{0, 3, 17, 0}, {3, 1, 1, 0}, {4, 1, 131, 0}, {6, 70, 200, 0}}},   /* seven heads a group, and a gap of rows */
    {6, 2, 96, 16, 2, {{0, 1, 100, 0}, {1, 20, 20, 0}}},
    {2, 2, 128, 64, 2, {{0, 1, 65, 0}, {1, 64, 190, 0}}},
    {2, 1, 256, 8, 1, {{0, 9, 30, 0}}},
    {16, 2, 128, 16, 3, {{0, 1, 300, 0}, {1, 1, 128, 0}, {2, 1, 129, 0}}},      /* decoding: CUDA's runs of 128 keys, full and begun */
    {9, 1, 64, 32, 2, {{0, 1, 140, 0}, {1, 2, 150, 0}}},
    {5, 1, 200, 7, 2, {{1, 1, 260, 0}, {2, 17, 40, 0}}}};

static gk_backend *reference;   /* ref on the CPU: b may be a GPU */

/* Largest relative rounding of one number; Q8_0's is relative to the largest of its 32. */
static double rounding_of(gk_type type) { return type == GK_F32 ? 0 : type == GK_F16 ? 0x1p-11 : 0.5 / 127 + 0x1p-11; }

/* One sequence's keys or values: as given, and as the pages hold them, [k_count, G*D]. */
typedef struct tokens {
  float *given, *held;
  double most;   /* largest |given| */
} tokens;

static tokens write_tokens(gk_backend *b, const gk_pages *p, const int32_t *slots, int64_t n, char *pages) {
  const int64_t G = p->kv_heads, D = p->head_width, P = p->page_tokens;
  tokens t = {guarded_normal(n * G * D), guarded_f32(n * G * D), 0};
  CHECK(gk_backend_ops(b)->pages_write(b, p, act_of(b, t.given, n * G * D), slots, n, pages) == GK_OK);
  for (int64_t i = 0; i < n * G * D; i++) t.most = fmax(t.most, fabs(t.given[i]));
  for (int64_t j = 0; j < n; j++)
    for (int64_t g = 0; g < G; g++) {
      int64_t element = ((slots[j] / P * G + g) * P + slots[j] % P) * D;
      gk_dequantize_ref(p->type, pages + gk_type_bytes(p->type, element), t.held + (j * G + g) * D, D);
      char want[256 * sizeof(float)];
      CHECK(gk_quantize(p->type, t.given + (j * G + g) * D, want, D) == GK_OK);
      CHECK(memcmp(want, pages + gk_type_bytes(p->type, element), (size_t)gk_type_bytes(p->type, D)) == 0);
    }
  for (int64_t i = 0; i < n * G * D; i++) NEAR("rounding", i, t.held[i], t.given[i], rounding_of(p->type) * t.most);
  return t;
}

static void check_case(gk_backend *b, const paged_case *c, gk_type type) {
  const gk_ops *ops = gk_backend_ops(b);
  const int64_t P = c->page_tokens, HD = (int64_t)c->H * c->D;
  gk_paged_segment segments[4];
  int32_t pages = 0, rows = 0;
  for (int i = 0; i < c->n; i++) {
    segments[i] = c->segments[i];
    segments[i].first_page = pages;
    pages += (int32_t)((segments[i].k_count + P - 1) / P);
    rows = segments[i].q_begin + segments[i].q_count;
  }
  int32_t *table = guarded_i32(pages);
  for (int32_t i = 0; i < pages; i++) table[i] = i;
  for (int32_t i = pages - 1; i > 0; i--) {   /* in any order */
    int32_t other = (int32_t)(random_u64() % (uint64_t)(i + 1)), kept = table[i];
    table[i] = table[other], table[other] = kept;
  }
  gk_paged_attention a = {{type, c->page_tokens, c->G, c->D}, c->H, (float)(1 / sqrt(c->D)), c->n, segments, table};
  const int64_t bytes = gk_type_bytes(type, pages * P * c->G * c->D);
  char *kp = guarded(bytes), *vp = guarded(bytes);
  memset(kp, 0xff, (size_t)bytes);   /* NaN in f32 and f16: places that nothing was written to */
  memset(vp, 0xff, (size_t)bytes);
  tokens k[4], v[4];
  for (int n = 0; n < c->n; n++) {
    int32_t *slots = guarded_i32(segments[n].k_count);
    for (int32_t j = 0; j < segments[n].k_count; j++) slots[j] = table[segments[n].first_page + j / P] * (int32_t)P + j % (int32_t)P;
    k[n] = write_tokens(b, &a.pages, slots, segments[n].k_count, kp);
    v[n] = write_tokens(b, &a.pages, slots, segments[n].k_count, vp);
  }
  float *q = guarded_normal(rows * HD), *old = guarded_normal(rows * HD), *held = guarded_f32(rows * HD), *given = guarded_f32(rows * HD);
  gk_act to_q = act_of(b, q, rows * HD);
  const gk_act to_out = act_empty(b, rows * HD), again = act_of(b, old, rows * HD);
  const size_t size_of_act = again.type == GK_BF16 ? 2 : 4;
  memcpy(to_out.data, again.data, (size_t)(rows * HD) * size_of_act);
  CHECK(ops->attention_paged(b, &a, to_q, kp, vp, to_out) == GK_OK);
  const float *out = act_floats(to_out, rows * HD);
  for (int n = 0; n < c->n; n++) {
    const gk_paged_segment *s = &segments[n];
    gk_segment whole = {s->q_begin, s->q_count, 0, 0, 0, s->k_count};
    gk_attention one = {c->H, c->G, c->D, a.scale, 1, &whole};
    CHECK(gk_attention_fwd_ref(reference, &one, q, k[n].held, v[n].held, held, NULL) == GK_OK);
    CHECK(gk_attention_fwd_ref(reference, &one, q, k[n].given, v[n].given, given, NULL) == GK_OK);
    double size = 0;   /* of a score: its terms in absolute value */
    for (int64_t i = s->q_begin * HD; i < (s->q_begin + s->q_count) * HD; i += c->D) {
      double sum = 0;
      for (int64_t d = 0; d < c->D; d++) sum += fabs(q[i + d]);
      size = fmax(size, sum * k[n].most * a.scale);
    }
    /* as in check_attention.c: a score of D products, exp, the sum over keys; times the largest value */
    const double r = act_rounding(b);
    double error = FLT_EPSILON * ((c->D / 2.0 + 4) * (2 * size + 1) + s->k_count / 2.0 + 16);
    /* keys rounded by r change a score by r·size, so each p by twice that, and the values by r */
    double rounding = rounding_of(type) * (2 * size + 1);
    for (int64_t i = s->q_begin * HD; i < (s->q_begin + s->q_count) * HD; i++) {
      NEAR("out", i, out[i], held[i], (1 + r) * error * v[n].most + r * fabs(held[i]));
      NEAR("out of unrounded", i, out[i], given[i], (1 + r) * (error + rounding) * v[n].most + r * fabs(given[i]));
    }
  }
  for (int64_t row = 0; row < rows; row++) {   /* rows of no segment are as before */
    int inside = 0;
    for (int n = 0; n < c->n; n++) inside |= row >= segments[n].q_begin && row < segments[n].q_begin + segments[n].q_count;
    if (!inside) CHECK(memcmp(out + row * HD, old + row * HD, (size_t)HD * sizeof(float)) == 0);
  }
  CHECK(ops->attention_paged(b, &a, to_q, kp, vp, again) == GK_OK);   /* the same bits again */
  CHECK(memcmp(to_out.data, again.data, (size_t)(rows * HD) * size_of_act) == 0);
  if (is_cuda(b))   /* and the same alone as with others */
    for (int n = 0; n < c->n; n++) {
      gk_paged_attention alone = a;
      alone.n_segments = 1;
      alone.segments = &segments[n];
      memset(again.data, 0xff, (size_t)(rows * HD) * size_of_act);
      CHECK(ops->attention_paged(b, &alone, to_q, kp, vp, again) == GK_OK);
      const size_t at = (size_t)(segments[n].q_begin * HD) * size_of_act, count = (size_t)(segments[n].q_count * HD) * size_of_act;
      CHECK(memcmp((char *)to_out.data + at, (char *)again.data + at, count) == 0);
    }
  if (type != GK_Q8_0 || is_cuda(b)) {   /* NaN in the last token's key, and in a query; gk_quantize of NaN is not defined */
    const gk_paged_segment *s = &segments[c->n - 1];
    float *x = guarded_normal((int64_t)c->G * c->D);
    x[0] = NAN;
    const int32_t j = s->k_count - 1, slot = table[s->first_page + j / P] * (int32_t)P + j % (int32_t)P;
    CHECK(ops->pages_write(b, &a.pages, act_of(b, x, (int64_t)c->G * c->D), &slot, 1, kp) == GK_OK);
    q[segments[0].q_begin * HD] = NAN;
    to_q = act_of(b, q, rows * HD);
    CHECK(ops->attention_paged(b, &a, to_q, kp, vp, to_out) == GK_OK);
    out = act_floats(to_out, rows * HD);
    CHECK(isnan(out[(s->q_begin + s->q_count - 1) * HD]) && isnan(out[segments[0].q_begin * HD + c->D - 1]));
  }
  guarded_free_all();
}

void check_attention_paged(gk_backend *b, const char *isa) {
  static const gk_type types[] = {GK_F32, GK_F16, GK_Q8_0};
  reference = gk_cpu_open("ref", 1, NULL, 0);
  CHECK(reference);
  for (int t = 0; t < 3; t++)
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      if (cases[i].D % gk_type_get(types[t])->block_size != 0) continue;
      AT("%s %s case %d type %d", isa, gk_backend_ops(b)->describe(b), (int)i, (int)types[t]);
      check_case(b, &cases[i], types[t]);
    }
  gk_pages odd = {GK_Q8_0, 4, 1, 33};
  float x[33] = {0};
  int32_t slot = 0;
  char page[64];
  CHECK(gk_backend_ops(b)->pages_write(b, &odd, gk_f32(x), &slot, 1, page) == GK_UNSUPPORTED);
  gk_pages unwritten = {GK_Q4_0, 4, 1, 32};
  if (is_cuda(b)) CHECK(gk_backend_ops(b)->pages_write(b, &unwritten, gk_f32(x), &slot, 1, page) == GK_UNSUPPORTED);
  if (is_cuda(b)) {
    const gk_paged_attention none = {{GK_F32, 4, 1, 32}, 1, 1, 0, NULL, NULL};
    const gk_act bf16 = {x, GK_BF16};
    CHECK(gk_backend_ops(b)->attention_paged(b, &none, bf16, page, page, gk_f32(x)) == GK_UNSUPPORTED);
  }
  gk_backend_ops(reference)->close(reference);
}
