/* Attention forward of one query position, for one isa; see vec.h. docs/attention.md
 * Reads k and v once, in place; up to four query heads share what is read. Work: [rep][DP] queries, [rep][keys]
 * scores. */
#include "attention_tile.h"

enum { DECODE_HEADS = 4 };

GK_INLINE int64_t decode_stride(int64_t keys) { return gk_round_up(keys, VW); }
GK_INLINE int64_t decode_space(int64_t rep, int64_t D, int64_t keys) {
  return gk_round_up(rep, DECODE_HEADS) * (gk_round_up(D, VW) + decode_stride(keys));
}

/* score[h][j] = q_h · k_j for keys from..to-1, which lie next to each other (stride G*D). */
GK_INLINE void decode_scores(int heads, const float *q, int64_t D, int64_t DP, const float *k, int64_t step, int64_t from,
                             int64_t to, float *score, int64_t lds) {
  for (int64_t j = from; j < to; j++, k += step) {
    vf acc[DECODE_HEADS] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    for (int64_t d = 0; d < D; d += VW) {
      vf x = d + VW <= D ? vf_load(k + d) : vf_loadn(k + d, D - d);
      GK_UNROLL
      for (int h = 0; h < heads; h++) acc[h] = vf_fma(x, vf_load(q + h * DP + d), acc[h]);
    }
    GK_UNROLL
    for (int h = 0; h < heads; h++) score[h * lds + j] = vf_hsum(acc[h]);
  }
}

/* acc[h] += Σ_j p[h][j] v_j, VW columns of v; n of them exist. */
GK_INLINE void decode_output(int heads, const float *p, int64_t ldp, const float *v, int64_t step, int64_t from, int64_t to,
                             int64_t n, vf *acc) {
  for (int64_t j = from; j < to; j++, v += step) {
    vf x = n >= VW ? vf_load(v) : vf_loadn(v, n);
    GK_UNROLL
    for (int h = 0; h < heads; h++) acc[h] = vf_fma(vf_set(p[h * ldp + j]), x, acc[h]);
  }
}

/* Scores to exp(score - max); returns the sum. */
GK_INLINE float decode_softmax(float *s, int64_t n, float *max_out) {
  vf top = vf_set(-FLT_MAX), total = vf_zero();
  for (int64_t j = 0; j < n; j += VW) top = vf_max(vf_first(vf_load(s + j), n - j, vf_set(-FLT_MAX)), top);
  float max = vf_hmax(top);
  for (int64_t j = 0; j < n; j += VW) {
    vf e = vf_first(vf_exp(vf_sub(vf_load(s + j), vf_set(max))), n - j, vf_zero());
    vf_store(s + j, e);
    total = vf_add(total, e);
  }
  *max_out = max;
  return vf_hsum(total);
}

static void decode_position(const attention_view *w, float scale, const float *q, const float *k, const float *v,
                            float *out, float *lse, float *space) {
  int64_t D = w->D, DP = w->DP, keys = keys_seen(w, 0), lds = decode_stride(keys), step = w->G * D;
  int64_t prefix = w->s->prefix_count;
  int64_t at_prefix = (w->s->prefix_begin * w->G + w->g) * D, at_own = (w->s->k_begin * w->G + w->g) * D;
  float *qs = space, *score = space + gk_round_up(w->rep, DECODE_HEADS) * DP;
  for (int64_t h = 0; h < w->rep; h++) copy_row(q + query_offset(w, h), D, DP, scale, qs + h * DP);
  for (int64_t h = 0; h < w->rep; h += DECODE_HEADS) {
    int heads = (int)gk_min_i64(DECODE_HEADS, w->rep - h);
    float *s = score + h * lds, sum[DECODE_HEADS], max[DECODE_HEADS];
    const float *qh = qs + h * DP;
#define GK_DECODE_HEADS(call, ...)                       \
  switch (heads) {                                       \
    case 1: call(1, __VA_ARGS__); break;                 \
    case 2: call(2, __VA_ARGS__); break;                 \
    case 3: call(3, __VA_ARGS__); break;                 \
    default: call(4, __VA_ARGS__); break;                \
  }
    GK_DECODE_HEADS(decode_scores, qh, D, DP, k + at_prefix, step, 0, prefix, s, lds)
    GK_DECODE_HEADS(decode_scores, qh, D, DP, k + at_own, step, prefix, keys, s, lds)
    for (int i = 0; i < heads; i++) {
      sum[i] = decode_softmax(s + i * lds, keys, &max[i]);
      if (lse) lse[query_offset(w, h + i) / D] = keys ? (float)(max[i] + log((double)sum[i])) : -INFINITY;
    }
    for (int64_t d = 0; d < D; d += VW) {
      vf acc[DECODE_HEADS] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
      GK_DECODE_HEADS(decode_output, s, lds, v + at_prefix + d, step, 0, prefix, D - d, acc)
      GK_DECODE_HEADS(decode_output, s, lds, v + at_own + d, step, prefix, keys, D - d, acc)
      for (int i = 0; i < heads; i++)
        vf_storen(out + query_offset(w, h + i) + d, vf_mul(acc[i], vf_set(keys ? 1.0f / sum[i] : 0.0f)), D - d);
    }
  }
#undef GK_DECODE_HEADS
}
