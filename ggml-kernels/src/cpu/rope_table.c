/* Tables of cosines and sines, see rope_table.h. Memory of a slot: positions [t] int32, inv_freq [rotary/2], then
 * the table, 64-byte aligned.
 */
#include "cpu/rope_table.h"

#include <math.h>
#include <string.h>

typedef struct table_job {
  const gk_rope *r;
  const int32_t *positions;
  float *table;
} table_job;

static void fill_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const table_job *j = arg;
  int64_t columns = gk_rope_columns(j->r), half = j->r->rotary / 2;
  int neox = j->r->layout == GK_ROPE_NEOX;
  for (int64_t i = begin; i < end; i++) {
    float *c = j->table + i * 2 * columns, *s = c + columns;
    for (int64_t p = 0; p < half; p++) {
      double angle = (double)j->positions[i] * (double)j->r->inv_freq[p];
      float cosine = (float)(cos(angle) * j->r->magnitude), sine = (float)(sin(angle) * j->r->magnitude);
      if (neox) {
        c[p] = cosine, s[p] = sine;
      } else {
        c[2 * p] = c[2 * p + 1] = cosine;
        s[2 * p] = -sine, s[2 * p + 1] = sine;
      }
    }
  }
}

const float *gk_rope_table(gk_backend *b, const gk_rope *r, const int32_t *positions, int64_t t) {
  gk_rope_cache *k = &b->rope_cache;
  int64_t position_bytes = gk_round_up(t * (int64_t)sizeof(int32_t), 64), half = r->rotary / 2;
  int64_t freq_bytes = gk_round_up(half * (int64_t)sizeof(float), 64);
  for (int i = 0; i < 2; i++) {
    char *data = b->scratch.data[GK_SCRATCH_ROPE_0 + i];
    if (k->valid[i] && k->t[i] == t && k->rotary[i] == r->rotary && k->layout[i] == (int32_t)r->layout &&
        k->magnitude[i] == r->magnitude && memcmp(data, positions, (size_t)t * sizeof(int32_t)) == 0 &&
        memcmp(data + position_bytes, r->inv_freq, (size_t)half * sizeof(float)) == 0)
      return (const float *)(data + position_bytes + freq_bytes);
  }
  int i = k->next;
  k->valid[i] = 0;
  int64_t table_bytes = t * 2 * gk_rope_columns(r) * (int64_t)sizeof(float);
  char *data = gk_scratch_get(b, GK_SCRATCH_ROPE_0 + i, position_bytes + freq_bytes + table_bytes);
  if (!data) return NULL;
  memcpy(data, positions, (size_t)t * sizeof(int32_t));
  memcpy(data + position_bytes, r->inv_freq, (size_t)half * sizeof(float));
  table_job j = {r, positions, (float *)(data + position_bytes + freq_bytes)};
  gk_parallel_for(b, t, 32, fill_rows, &j);
  k->valid[i] = 1, k->t[i] = t, k->rotary[i] = r->rotary, k->layout[i] = (int32_t)r->layout;
  k->magnitude[i] = r->magnitude;
  k->next = 1 - i;
  return j.table;
}
