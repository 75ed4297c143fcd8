/* Rotary position embedding for one isa; see vec.h. docs/rope.md
 * Sines and cosines come from a table that is kept between calls (rope_table.c). */
#include "cpu/rope_table.h"
#include "vec.h"

typedef struct rope_job {
  const float *table;    /* [T][2][columns]: cosines, then sines */
  int64_t columns;       /* rotary for NORM (each angle twice), rotary/2 for NEOX */
  float *x;
  int64_t heads, head_width, half;
  int neox;
  float sign;            /* +1 forward, -1 backward: the transpose turns the other way */
} rope_job;

/* Pairs (p, p + half): u = a c - b s, v = b c + a s */
GK_INLINE void turn_neox(float *head, const float *cosine, const float *sine, int64_t half, vf sign) {
  int64_t p = 0;
  for (; p + VW <= half; p += VW) {
    vf a = vf_load(head + p), b = vf_load(head + half + p), c = vf_load(cosine + p), s = vf_mul(sign, vf_load(sine + p));
    vf_store(head + p, vf_fnma(b, s, vf_mul(a, c)));
    vf_store(head + half + p, vf_fma(a, s, vf_mul(b, c)));
  }
  if (p < half) {
    int64_t k = half - p;
    vf a = vf_loadn(head + p, k), b = vf_loadn(head + half + p, k);
    vf c = vf_loadn(cosine + p, k), s = vf_mul(sign, vf_loadn(sine + p, k));
    vf_storen(head + p, vf_fnma(b, s, vf_mul(a, c)), k);
    vf_storen(head + half + p, vf_fma(a, s, vf_mul(b, c)), k);
  }
}

/* Pairs (2p, 2p+1): the table's sines are -s, +s, so that both are x c + (the other one) s. */
GK_INLINE void turn_norm(float *head, const float *cosine, const float *sine, int64_t rotary, vf sign) {
  int64_t i = 0;
  for (; i + VW <= rotary; i += VW) {
    vf a = vf_load(head + i);
    vf s = vf_mul(sign, vf_load(sine + i));
    vf_store(head + i, vf_fma(a, vf_load(cosine + i), vf_mul(vf_swap_pairs(a), s)));
  }
  if (i < rotary) {
    int64_t k = rotary - i;
    vf a = vf_loadn(head + i, k), s = vf_mul(sign, vf_loadn(sine + i, k));
    vf_storen(head + i, vf_fma(a, vf_loadn(cosine + i, k), vf_mul(vf_swap_pairs(a), s)), k);
  }
}

static void rope_tokens(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const rope_job *j = arg;
  vf sign = vf_set(j->sign);
  for (int64_t i = begin; i < end; i++) {
    const float *cosine = j->table + i * 2 * j->columns, *sine = cosine + j->columns;
    for (int64_t h = 0; h < j->heads; h++) {
      float *head = j->x + (i * j->heads + h) * j->head_width;
      if (j->neox) turn_neox(head, cosine, sine, j->half, sign);
      else turn_norm(head, cosine, sine, 2 * j->half, sign);
    }
  }
}

gk_status GK_FN(rope)(gk_backend *b, const gk_rope *r, float *x, const int32_t *positions, int64_t t, int64_t heads,
                      int64_t head_width, int32_t direction) {
  const float *table = gk_rope_table(b, r, positions, t);
  if (!table) return GK_OUT_OF_MEMORY;
  rope_job j = {.table = table, .columns = gk_rope_columns(r), .x = x, .heads = heads, .head_width = head_width,
                .half = r->rotary / 2, .neox = r->layout == GK_ROPE_NEOX, .sign = (float)direction};
  gk_parallel_for(b, t, gk_max_i64(1, 32768 / gk_max_i64(1, heads * head_width)), rope_tokens, &j);
  return GK_OK;
}
