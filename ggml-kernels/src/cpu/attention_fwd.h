/* Attention forward for one isa, over rows and over pages: online softmax over blocks of keys; see vec.h. docs/attention.md
 *
 * One task is up to `block` query rows of one kv head of one segment: its keys are packed KB at a time and used by
 * all its rows. A row's result does not depend on how rows are cut into tasks. A single query position (decoding)
 * takes attention_decode.h or attention_paged.h instead, which pack nothing. */
#include "attention_paged.h"

typedef struct forward_task {
  int32_t segment, g;
  int64_t row;
} forward_task;

typedef struct forward_job {
  const gk_backend *b;
  const gk_attention *a;
  const float *q, *k, *v;           /* k and v NULL where they lie in pages */
  const gk_paged_attention *paged;  /* else NULL; its segments are those of a */
  const void *key_pages, *value_pages;
  float *out, *lse;
  const forward_task *tasks;
  int64_t count, block;
  char *scratch;
  int64_t slice;         /* bytes of scratch of one thread */
} forward_job;

typedef struct forward_space {
  float *rows;           /* [block/MR][D][MR] packed queries, scaled */
  float *o;              /* [block][DP] output before the division */
  float *max;            /* [block] */
  float *sum;            /* [block][VW] partial sums of exp, one for each lane */
  float *kt, *v;         /* [D][KB], [KB][DP] */
  int32_t *seen;         /* [block] keys that a row sees */
  float *gathered;       /* [KB][D] tokens out of pages */
  float *decode;         /* last, of any size */
} forward_space;

static forward_space forward_carve(carver *c, const gk_attention *a, int64_t block, int64_t decode_floats, int paged) {
  int64_t D = a->head_width, DP = gk_round_up(D, VW);
  forward_space s;
  s.rows = carve(c, block * D);
  s.o = carve(c, block * DP);
  s.max = carve(c, block);
  s.sum = carve(c, block * VW);
  s.kt = carve(c, D * KB);
  s.v = carve(c, KB * DP);
  s.seen = (int32_t *)(void *)carve(c, block);
  s.gathered = carve(c, paged ? KB * D : 0);
  s.decode = carve(c, decode_floats);
  return s;
}

/* Keys key .. key+n-1 of the view and their values, packed. */
static void pack_block(const forward_job *j, const attention_view *w, int64_t key, int64_t n, const forward_space *f) {
  if (!j->paged) {
    pack_keys_transposed(w, j->k, key, n, f->kt);
    pack_keys(w, j->v, key, n, f->v);
    return;
  }
  const gk_segment rows = {0, 0, 0, 0, 0, KB};   /* what was gathered: one kv head, from row 0 */
  attention_view tile = *w;
  tile.s = &rows;
  tile.G = 1;
  tile.g = 0;
  const int32_t *table = j->paged->table + j->paged->segments[w->s - j->a->segments].first_page;
  gather_tokens(j->b, &j->paged->pages, table, j->key_pages, w->g, key, n, f->gathered);
  pack_keys_transposed(&tile, f->gathered, 0, n, f->kt);
  gather_tokens(j->b, &j->paged->pages, table, j->value_pages, w->g, key, n, f->gathered);
  pack_keys(&tile, f->gathered, 0, n, f->v);
}

/* One key block's scores s [MR][KB] (first `columns` valid) become exp(s - max), masked past what each row sees;
 * max and sum are brought up to date; alpha[m] is what the rows' earlier output must be multiplied by. */
GK_INLINE void online_softmax(float *s, int64_t columns, const int64_t *seen, float *max, float *sum, float *alpha) {
  vf never = vf_set(-INFINITY);
  for (int m = 0; m < MR; m++) {
    float *row = s + m * KB;
    vf top = never;
    for (int64_t j = 0; j < columns; j += VW) {
      vf x = vf_load(row + j);
      if (j + VW > seen[m]) x = vf_first(x, seen[m] - j, never);
      top = vf_max(x, top);
    }
    float now = vf_hmax(top);
    if (!(now > max[m])) now = max[m];
    alpha[m] = max[m] - now;
    max[m] = now;
  }
  for (int m = 0; m < MR; m += VW) vf_store(alpha + m, vf_exp(vf_load(alpha + m)));
  for (int m = 0; m < MR; m++) {
    float *row = s + m * KB;
    vf top = vf_set(max[m]), total = vf_mul(vf_set(alpha[m]), vf_load(sum + m * VW));
    for (int64_t j = 0; j < columns; j += VW) {
      vf e = vf_exp(vf_sub(vf_load(row + j), top));
      if (j + VW > seen[m]) e = vf_first(e, seen[m] - j, vf_zero());
      vf_store(row + j, e);
      total = vf_add(total, e);
    }
    vf_store(sum + m * VW, total);
  }
}

static void forward_rows(const forward_job *j, const attention_view *w, int64_t row, const forward_space *f) {
  int64_t total = (int64_t)w->s->q_count * w->rep, n = gk_min_i64(j->block, total - row), D = w->D, DP = w->DP;
  int64_t padded = gk_round_up(n, MR), last = keys_seen(w, row + n - 1);
  pack_rows(w, j->q, row, n, j->a->scale, f->rows);
  memset(f->o, 0, (size_t)(padded * DP) * sizeof(float));
  memset(f->sum, 0, (size_t)(padded * VW) * sizeof(float));
  for (int64_t r = 0; r < padded; r++) {
    f->max[r] = -FLT_MAX;
    f->seen[r] = (int32_t)keys_seen(w, gk_min_i64(row + r, total - 1));
  }
  _Alignas(64) float s[MR * KB], alpha[MR + VW];
  memset(alpha, 0, sizeof alpha);
  for (int64_t key = 0; key < last; key += KB) {
    int64_t keys = gk_min_i64(KB, last - key);
    pack_block(j, w, key, keys, f);
    for (int64_t r = 0; r < padded; r += MR) {
      int64_t seen[MR], most = 0;
      for (int64_t m = 0; m < MR; m++) {
        seen[m] = gk_min_i64(keys, f->seen[r + m] - key);
        most = gk_max_i64(most, seen[m]);
      }
      if (most == 0) continue;
      int64_t columns = gk_round_up(most, 2 * VW);
      tile_scores(f->rows + r * D, f->kt, D, columns, s);
      online_softmax(s, columns, seen, f->max + r, f->sum + r * VW, alpha);
      tile_output(s, f->v, most, DP, alpha, f->o + r * DP);
    }
  }
  for (int64_t r = 0; r < n; r++) {
    int64_t at = query_offset(w, row + r), d = 0;
    float sum = vf_hsum(vf_load(f->sum + r * VW));
    int none = f->seen[r] == 0;
    vf inverse = vf_set(none ? 0.0f : 1.0f / sum);
    for (; d + VW <= D; d += VW) vf_store(j->out + at + d, vf_mul(inverse, vf_load(f->o + r * DP + d)));
    if (d < D) vf_storen(j->out + at + d, vf_mul(inverse, vf_load(f->o + r * DP + d)), D - d);
    if (j->lse) j->lse[at / D] = none ? -INFINITY : (float)(f->max[r] + log((double)sum));
  }
}

/* Tasks are taken from the end: with a causal mask the last rows of a segment cost most. */
static void forward_run(void *arg, int64_t begin, int64_t end, int32_t part) {
  const forward_job *j = arg;
  const gk_attention *a = j->a;
  carver c = {j->scratch + part * j->slice, 0};
  forward_space f = forward_carve(&c, a, j->block, 0, j->paged != NULL);
  for (int64_t i = begin; i < end; i++) {
    const forward_task *t = &j->tasks[j->count - 1 - i];
    int64_t rep = a->heads / a->kv_heads;
    attention_view w = {&a->segments[t->segment], a->heads, a->kv_heads, a->head_width,
                        gk_round_up(a->head_width, VW), t->g, rep, t->g * rep};
    if (w.s->q_count == 1 && j->paged)
      decode_paged(j->b, j->paged, t->segment, &w, j->q, j->key_pages, j->value_pages, j->out, f.decode);
    else if (w.s->q_count == 1)
      decode_position(&w, a->scale, j->q, j->k, j->v, j->out, j->lse, f.decode);
    else
      forward_rows(j, &w, t->row, &f);
  }
}

/* Multiply-adds of a product in whose time an element of a key or value is read and used. */
enum { READ = 16 };

/* decode: floats that one decoding position needs at most. */
static gk_status forward_launch(gk_backend *b, forward_job *j, int64_t decode) {
  const gk_attention *a = j->a;
  int64_t rep = a->heads / a->kv_heads, rows = 0, work = 0;
  for (int32_t i = 0; i < a->n_segments; i++) {
    const gk_segment *s = &a->segments[i];
    rows += (int64_t)s->q_count * a->heads;
    work += READ * 2 * (int64_t)s->q_count * a->heads * a->head_width * ((int64_t)s->prefix_count + s->k_count);
  }
  if (rows == 0) return GK_OK;
  /* About 32768 floats of queries a task, fewer when threads would be idle; always a multiple of MR. */
  int64_t block = gk_min_i64(gk_max_i64(32768 / a->head_width, MR), rows / (4 * (int64_t)b->threads));
  block = gk_round_up(gk_max_i64(block, 4 * MR), MR);
  int64_t count = 0;
  for (int32_t i = 0; i < a->n_segments; i++)
    count += ((int64_t)a->segments[i].q_count * rep + block - 1) / block * a->kv_heads;

  j->b = b;
  j->count = count;
  j->block = block;
  carver c = {NULL, 0};
  forward_carve(&c, a, block, decode, j->paged != NULL);
  j->slice = c.used;
  j->scratch = gk_scratch_get(b, GK_SCRATCH_OP, j->slice * b->threads);
  forward_task *t = gk_scratch_get(b, GK_SCRATCH_PARTIAL, count * (int64_t)sizeof *t);
  if (!j->scratch || !t) return GK_OUT_OF_MEMORY;
  j->tasks = t;
  for (int32_t i = 0; i < a->n_segments; i++)
    for (int64_t r = 0; r < (int64_t)a->segments[i].q_count * rep; r += block)
      for (int32_t g = 0; g < a->kv_heads; g++) *t++ = (forward_task){i, g, r};
  gk_parallel_for_work(b, count, 1, work, forward_run, j);
  return GK_OK;
}

gk_status GK_FN(attention_fwd)(gk_backend *b, const gk_attention *a, const float *q, const float *k, const float *v,
                               float *out, float *lse) {
  int64_t rep = a->heads / a->kv_heads, decode = 0;
  for (int32_t i = 0; i < a->n_segments; i++) {
    const gk_segment *s = &a->segments[i];
    if (s->q_count == 1) decode = gk_max_i64(decode, decode_space(rep, a->head_width, (int64_t)s->prefix_count + s->k_count));
  }
  forward_job j = {.a = a, .q = q, .k = k, .v = v, .out = out, .lse = lse};
  return forward_launch(b, &j, decode);
}

gk_status GK_FN(attention_paged)(gk_backend *b, const gk_paged_attention *p, const float *q, const void *k, const void *v, float *out) {
  gk_segment *segments = gk_scratch_get(b, GK_SCRATCH_SEGMENTS, p->n_segments * (int64_t)sizeof *segments);
  if (!segments) return GK_OUT_OF_MEMORY;
  gk_attention a = {p->heads, p->pages.kv_heads, p->pages.head_width, p->scale, p->n_segments, segments};
  int64_t decode = 0;
  for (int32_t i = 0; i < p->n_segments; i++) {
    const gk_paged_segment *s = &p->segments[i];
    segments[i] = (gk_segment){s->q_begin, s->q_count, 0, 0, 0, s->k_count};
    if (s->q_count == 1) decode = gk_max_i64(decode, decode_paged_space(&a, p->pages.page_tokens, s->k_count));
  }
  forward_job j = {.a = &a, .q = q, .paged = p, .key_pages = k, .value_pages = v, .out = out};
  return forward_launch(b, &j, decode);
}
