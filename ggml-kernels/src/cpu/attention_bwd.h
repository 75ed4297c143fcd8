/* Attention backward for one isa; see vec.h. docs/attention.md
 *
 * One task is one kv head (or, when there are more threads than kv heads, a part of its query heads) in all
 * segments, one after the other, so that nobody else writes its dk and dv and their sums have one order. Parts of a
 * head write dk and dv of their own, which are added in order at the end. */
#include "attention_tile.h"

enum { BR = 8 * MR };    /* query rows of a block */

typedef struct backward_job {
  const gk_attention *a;
  const float *q, *k, *v, *out, *lse, *dout;
  float *dq, *dk, *dv;
  int64_t parts;         /* of each kv head */
  int64_t first_key, key_rows;   /* rows of k and v that any segment touches */
  float *partial;        /* parts > 1: [parts][2][key_rows, G*D], zeroed */
  char *scratch;
  int64_t slice;
} backward_job;

typedef struct backward_space {
  float *kt, *vt;        /* [blocks][D][KB] */
  float *k;              /* [blocks*KB][DP] */
  float *dk, *dv;        /* [blocks*KB][DP] sums of this segment */
  float *qp, *dop;       /* [BR/MR][D][MR] packed rows; q is scaled */
  float *q, *dout;       /* [BR][DP] */
  float *dq;             /* [BR][DP] */
  float *p, *ds;         /* [BR][KB] */
  float *lse, *delta;    /* [BR] */
  int32_t *seen;         /* [BR] keys that a row sees */
} backward_space;

static backward_space backward_carve(carver *c, int64_t D, int64_t keys) {
  int64_t DP = gk_round_up(D, VW), padded = gk_round_up(keys, KB);
  backward_space s;
  s.kt = carve(c, padded * D);
  s.vt = carve(c, padded * D);
  s.k = carve(c, padded * DP);
  s.dk = carve(c, padded * DP);
  s.dv = carve(c, padded * DP);
  s.qp = carve(c, BR * D);
  s.dop = carve(c, BR * D);
  s.q = carve(c, BR * DP);
  s.dout = carve(c, BR * DP);
  s.dq = carve(c, BR * DP);
  s.p = carve(c, BR * KB);
  s.ds = carve(c, BR * KB);
  s.lse = carve(c, BR);
  s.delta = carve(c, BR);
  s.seen = (int32_t *)(void *)carve(c, BR);
  return s;
}

/* Rows row .. row+n-1 in both packings, and delta = dout · out. Rows past n: zero, with lse inf, so that p is 0. */
static void backward_load_rows(const backward_job *j, const attention_view *w, int64_t row, int64_t n, int64_t padded,
                               const backward_space *f) {
  pack_rows(w, j->q, row, n, j->a->scale, f->qp);
  pack_rows(w, j->dout, row, n, 1.0f, f->dop);
  for (int64_t r = 0; r < n; r++) {
    int64_t at = query_offset(w, row + r);
    copy_row(j->q + at, w->D, w->DP, j->a->scale, f->q + r * w->DP);
    copy_row(j->dout + at, w->D, w->DP, 1.0f, f->dout + r * w->DP);
    vf sum = vf_zero();
    for (int64_t d = 0; d < w->D; d += VW) sum = vf_fma(vf_loadn(j->dout + at + d, w->D - d), vf_loadn(j->out + at + d, w->D - d), sum);
    f->delta[r] = vf_hsum(sum);
    f->lse[r] = j->lse[at / w->D];
  }
  memset(f->q + n * w->DP, 0, (size_t)((padded - n) * w->DP) * sizeof(float));
  memset(f->dout + n * w->DP, 0, (size_t)((padded - n) * w->DP) * sizeof(float));
  for (int64_t r = n; r < padded; r++) f->lse[r] = INFINITY, f->delta[r] = 0;
  for (int64_t r = 0; r < padded; r++) f->seen[r] = (int32_t)keys_seen(w, row + gk_min_i64(r, n - 1));
}

/* In: p = scores, ds = dout · v. Out: p = exp(p - lse), ds = p * (ds - delta), both 0 where the row does not see. */
GK_INLINE void softmax_gradient(float *p, float *ds, int64_t columns, int64_t seen, float lse, float delta) {
  vf l = vf_set(lse), e = vf_set(delta);
  for (int64_t c = 0; c < columns; c += VW) {
    vf x = vf_exp(vf_sub(vf_load(p + c), l));
    vf y = vf_mul(x, vf_sub(vf_load(ds + c), e));
    if (c + VW > seen) {
      x = vf_first(x, seen - c, vf_zero());
      y = vf_first(y, seen - c, vf_zero());
    }
    vf_store(p + c, x);
    vf_store(ds + c, y);
  }
  for (int64_t c = columns; c < KB; c += VW) {
    vf_store(p + c, vf_zero());
    vf_store(ds + c, vf_zero());
  }
}

/* One block of rows against one block of keys:
 * fwd: s = scale * q kᵀ, p = exp(s - lse), o = p v
 * dv += pᵀ do,  dp = do vᵀ,  ds = p * (dp - delta),  dq += ds k (times scale at the end),  dk += dsᵀ (scale * q) */
static void backward_block(const attention_view *w, int64_t padded, int64_t key, const backward_space *f) {
  int64_t D = w->D, DP = w->DP, first = padded, keys = 0;
  int64_t most[BR / MR];
  for (int64_t r = 0; r < padded; r += MR) {
    int64_t seen[MR], top = 0;
    for (int64_t m = 0; m < MR; m++) {
      seen[m] = gk_min_i64(KB, f->seen[r + m] - key);
      top = gk_max_i64(top, seen[m]);
    }
    most[r / MR] = top;
    if (top == 0) continue;
    if (first == padded) first = r;
    keys = gk_max_i64(keys, top);
    int64_t columns = gk_round_up(top, 2 * VW);
    float *p = f->p + r * KB, *ds = f->ds + r * KB;
    tile_scores(f->qp + r * D, f->kt + key * D, D, columns, p);
    tile_scores(f->dop + r * D, f->vt + key * D, D, columns, ds);
    for (int64_t m = 0; m < MR; m++)
      softmax_gradient(p + m * KB, ds + m * KB, columns, seen[m], f->lse[r + m], f->delta[r + m]);
    tile_add_rows(ds, f->k + key * DP, top, DP, f->dq + r * DP);
  }
  for (int64_t c = 0; c < keys; c += MR) {
    while (most[first / MR] <= c) first += MR;     /* rows before do not see key c */
    tile_add_columns(f->p + first * KB + c, f->dout + first * DP, padded - first, DP, f->dv + (key + c) * DP);
    tile_add_columns(f->ds + first * KB + c, f->q + first * DP, padded - first, DP, f->dk + (key + c) * DP);
  }
}

GK_INLINE void add_row(float *to, const float *from, int64_t D) {
  int64_t d = 0;
  for (; d + VW <= D; d += VW) vf_store(to + d, vf_add(vf_load(to + d), vf_load(from + d)));
  if (d < D) vf_storen(to + d, vf_add(vf_loadn(to + d, D - d), vf_loadn(from + d, D - d)), D - d);
}

/* All query rows of one view. dk and dv are indexed like k and v, but begin `skip` floats later. */
static void backward_view(const backward_job *j, const attention_view *w, const backward_space *f, float *dk, float *dv,
                          int64_t skip) {
  int64_t rows = (int64_t)w->s->q_count * w->rep, D = w->D, DP = w->DP;
  int64_t keys = rows ? keys_seen(w, rows - 1) : 0, padded_keys = gk_round_up(keys, KB);
  for (int64_t key = 0; key < keys; key += KB) {
    int64_t n = gk_min_i64(KB, keys - key);
    pack_keys_transposed(w, j->k, key, n, f->kt + key * D);
    pack_keys_transposed(w, j->v, key, n, f->vt + key * D);
    pack_keys(w, j->k, key, n, f->k + key * DP);
  }
  memset(f->dk, 0, (size_t)(padded_keys * DP) * sizeof(float));
  memset(f->dv, 0, (size_t)(padded_keys * DP) * sizeof(float));
  for (int64_t row = 0; row < rows; row += BR) {
    int64_t n = gk_min_i64(BR, rows - row), padded = gk_round_up(n, MR), last = keys_seen(w, row + n - 1);
    backward_load_rows(j, w, row, n, padded, f);
    memset(f->dq, 0, (size_t)(padded * DP) * sizeof(float));
    for (int64_t key = 0; key < last; key += KB) backward_block(w, padded, key, f);
    for (int64_t r = 0; r < n; r++) {
      float *dq = j->dq + query_offset(w, row + r);
      vf scale = vf_set(j->a->scale);
      for (int64_t d = 0; d < D; d += VW) vf_storen(dq + d, vf_mul(scale, vf_load(f->dq + r * DP + d)), D - d);
    }
  }
  for (int64_t i = 0; i < keys; i++) {
    add_row(dk + key_offset(w, i) - skip, f->dk + i * DP, D);
    add_row(dv + key_offset(w, i) - skip, f->dv + i * DP, D);
  }
}

static int64_t most_keys(const gk_attention *a) {
  int64_t n = 0;
  for (int32_t i = 0; i < a->n_segments; i++) n = gk_max_i64(n, (int64_t)a->segments[i].prefix_count + a->segments[i].k_count);
  return n;
}

static void backward_run(void *arg, int64_t begin, int64_t end, int32_t part) {
  const backward_job *j = arg;
  const gk_attention *a = j->a;
  int64_t rep = a->heads / a->kv_heads, step = a->kv_heads * (int64_t)a->head_width;
  carver c = {j->scratch + part * j->slice, 0};
  backward_space f = backward_carve(&c, a->head_width, most_keys(a));
  for (int64_t task = begin; task < end; task++) {
    int64_t g = task / j->parts, p = task % j->parts, head = rep * p / j->parts;
    float *dk = j->dk, *dv = j->dv;
    int64_t skip = 0;
    if (j->parts > 1) {
      dk = j->partial + 2 * p * j->key_rows * step;
      dv = dk + j->key_rows * step;
      skip = j->first_key * step;
    }
    for (int32_t i = 0; i < a->n_segments; i++) {
      attention_view w = {&a->segments[i], a->heads, a->kv_heads, a->head_width, gk_round_up(a->head_width, VW), g,
                          rep * (p + 1) / j->parts - head, g * rep + head};
      backward_view(j, &w, &f, dk, dv, skip);
    }
  }
}

static void add_partial(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const backward_job *j = arg;
  int64_t n = j->key_rows * j->a->kv_heads * j->a->head_width;
  int64_t skip = j->first_key * j->a->kv_heads * j->a->head_width;
  float *dk = j->dk + skip, *dv = j->dv + skip;
  for (int64_t p = 0; p < j->parts; p++) {
    add_row(dk + begin, j->partial + 2 * p * n + begin, end - begin);
    add_row(dv + begin, j->partial + (2 * p + 1) * n + begin, end - begin);
  }
}

gk_status GK_FN(attention_bwd)(gk_backend *b, const gk_attention *a, const float *q, const float *k, const float *v,
                               const float *out, const float *lse, const float *dout, float *dq, float *dk, float *dv) {
  int64_t rep = a->heads / a->kv_heads, first = INT32_MAX, last = 0;
  for (int32_t i = 0; i < a->n_segments; i++) {
    const gk_segment *s = &a->segments[i];
    if (s->prefix_count) first = gk_min_i64(first, s->prefix_begin);
    if (s->k_count) first = gk_min_i64(first, s->k_begin);
    last = gk_max_i64(last, gk_max_i64(s->prefix_count ? (int64_t)s->prefix_begin + s->prefix_count : 0,
                                       s->k_count ? (int64_t)s->k_begin + s->k_count : 0));
  }
  backward_job j = {.a = a, .q = q, .k = k, .v = v, .out = out, .lse = lse, .dout = dout, .dq = dq, .dk = dk, .dv = dv};
  j.first_key = gk_min_i64(first, last);
  j.key_rows = last - j.first_key;
  j.parts = gk_min_i64(rep, ((int64_t)b->threads + a->kv_heads - 1) / a->kv_heads);
  int64_t n = j.key_rows * a->kv_heads * a->head_width;
  if (j.parts > 1) {
    j.partial = gk_scratch_get(b, GK_SCRATCH_PARTIAL, 2 * j.parts * n * (int64_t)sizeof(float));
    if (!j.partial) return GK_OUT_OF_MEMORY;
    gk_zero(b, j.partial, 2 * j.parts * n * (int64_t)sizeof(float));
  }
  carver c = {NULL, 0};
  backward_carve(&c, a->head_width, most_keys(a));
  j.slice = c.used;
  j.scratch = gk_scratch_get(b, GK_SCRATCH_OP, j.slice * b->threads);
  if (!j.scratch) return GK_OUT_OF_MEMORY;
  gk_parallel_for(b, a->kv_heads * j.parts, 1, backward_run, &j);
  if (j.parts > 1) gk_parallel_for(b, n, 65536, add_partial, &j);
  return GK_OK;
}
