/* Keys and values out of pages, for one isa; see vec.h. docs/attention.md
 * A decoding position reads each page once for up to four query heads; pages that are not f32 are dequantized a page and kv head at a
 * time, into a buffer that stays in the cache. Sums run over the tokens in order, so that the size of pages does not matter. */
#ifndef GRAFT_ATTENTION_PAGED_H
#define GRAFT_ATTENTION_PAGED_H
#include "attention_decode.h"
#include "pages.h"

/* to [n][D] = tokens token .. token+n-1 of a sequence. */
static void gather_tokens(const gk_backend *b, const gk_pages *p, const int32_t *table, const void *pages, int64_t g, int64_t token, int64_t n, float *to) {
  const int64_t D = p->head_width;
  while (n > 0) {
    int64_t place = token % p->page_tokens, count = gk_min_i64(p->page_tokens - place, n);
    const float *rows = pages_rows(b, p, pages, table[token / p->page_tokens], g, place, count, to);
    if (rows != to) memcpy(to, rows, (size_t)(count * D) * sizeof(float));
    token += count;
    n -= count;
    to += count * D;
  }
}

/* Queries, scores, sums and one page. */
GK_INLINE int64_t decode_paged_space(const gk_attention *a, int64_t page_tokens, int64_t keys) {
  int64_t DP = gk_round_up(a->head_width, VW);
  return decode_space(a->heads / a->kv_heads, a->head_width, keys) + DECODE_HEADS * DP + page_tokens * a->head_width;
}

GK_INLINE void paged_scores(int heads, const float *q, int64_t D, int64_t DP, const float *k, int64_t from, int64_t to, float *score, int64_t lds) {
  switch (heads) {
    case 1: decode_scores(1, q, D, DP, k, D, from, to, score, lds); break;
    case 2: decode_scores(2, q, D, DP, k, D, from, to, score, lds); break;
    case 3: decode_scores(3, q, D, DP, k, D, from, to, score, lds); break;
    default: decode_scores(4, q, D, DP, k, D, from, to, score, lds); break;
  }
}

/* o [heads][DP] += Σ p[h][j] v_j */
GK_INLINE void paged_output(int heads, const float *p, int64_t ldp, const float *v, int64_t D, int64_t DP, int64_t from, int64_t to, float *o) {
  for (int64_t d = 0; d < D; d += VW) {
    vf acc[DECODE_HEADS] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    for (int h = 0; h < heads; h++) acc[h] = vf_load(o + h * DP + d);
    switch (heads) {
      case 1: decode_output(1, p, ldp, v + d, D, from, to, D - d, acc); break;
      case 2: decode_output(2, p, ldp, v + d, D, from, to, D - d, acc); break;
      case 3: decode_output(3, p, ldp, v + d, D, from, to, D - d, acc); break;
      default: decode_output(4, p, ldp, v + d, D, from, to, D - d, acc); break;
    }
    for (int h = 0; h < heads; h++) vf_store(o + h * DP + d, acc[h]);
  }
}

static void decode_paged(const gk_backend *b, const gk_paged_attention *a, int32_t segment, const attention_view *w, const float *q, const void *k,
                         const void *v, float *out, float *space) {
  const gk_pages *pages = &a->pages;
  const int32_t *table = a->table + a->segments[segment].first_page;
  int64_t D = w->D, DP = w->DP, keys = keys_seen(w, 0), lds = decode_stride(keys), size = pages->page_tokens;
  float *qs = space, *score = qs + gk_round_up(w->rep, DECODE_HEADS) * DP, *o = score + gk_round_up(w->rep, DECODE_HEADS) * lds;
  float *room = o + DECODE_HEADS * DP;
  for (int64_t h = 0; h < w->rep; h++) copy_row(q + query_offset(w, h), D, DP, a->scale, qs + h * DP);
  for (int64_t h = 0; h < w->rep; h += DECODE_HEADS) {
    int heads = (int)gk_min_i64(DECODE_HEADS, w->rep - h);
    float *s = score + h * lds, sum[DECODE_HEADS], max;
    for (int64_t from = 0; from < keys; from += size) {
      int64_t to = gk_min_i64(from + size, keys);
      paged_scores(heads, qs + h * DP, D, DP, pages_rows(b, pages, k, table[from / size], w->g, 0, to - from, room), from, to, s, lds);
    }
    for (int i = 0; i < heads; i++) sum[i] = decode_softmax(s + i * lds, keys, &max);
    memset(o, 0, (size_t)(heads * DP) * sizeof(float));
    for (int64_t from = 0; from < keys; from += size) {
      int64_t to = gk_min_i64(from + size, keys);
      paged_output(heads, s, lds, pages_rows(b, pages, v, table[from / size], w->g, 0, to - from, room), D, DP, from, to, o);
    }
    for (int i = 0; i < heads; i++)
      for (int64_t d = 0; d < D; d += VW)
        vf_storen(out + query_offset(w, h + i) + d, vf_mul(vf_load(o + i * DP + d), vf_set(keys ? 1.0f / sum[i] : 0.0f)), D - d);
  }
}

#endif
