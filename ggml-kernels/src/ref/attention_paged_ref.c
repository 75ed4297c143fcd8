/* Paged attention, plainly: a sequence's keys and values are laid end to end as f32, then attention over them. docs/attention.md */
#include "internal.h"

static void lay_out(const gk_paged_attention *a, const gk_paged_segment *s, const char *pages, float *to) {
  const gk_pages *p = &a->pages;
  const int64_t G = p->kv_heads, D = p->head_width;
  for (int64_t j = 0; j < s->k_count; j++)
    for (int64_t g = 0; g < G; g++) {
      int64_t page = a->table[s->first_page + j / p->page_tokens];
      int64_t element = ((page * G + g) * p->page_tokens + j % p->page_tokens) * D;
      gk_dequantize_ref(p->type, pages + gk_type_bytes(p->type, element), to + (j * G + g) * D, D);
    }
}

gk_status gk_attention_paged_ref(gk_backend *b, const gk_paged_attention *a, const float *q, const void *k, const void *v, float *out) {
  int64_t width = (int64_t)a->pages.kv_heads * a->pages.head_width, most = 0;
  for (int32_t i = 0; i < a->n_segments; i++) most = gk_max_i64(most, a->segments[i].k_count);
  float *keys = gk_scratch_get(b, GK_SCRATCH_PARTIAL, 2 * most * width * (int64_t)sizeof(float));
  if (!keys) return GK_OUT_OF_MEMORY;
  for (int32_t i = 0; i < a->n_segments; i++) {
    const gk_paged_segment *s = &a->segments[i];
    lay_out(a, s, k, keys);
    lay_out(a, s, v, keys + most * width);
    gk_segment whole = {s->q_begin, s->q_count, 0, 0, 0, s->k_count};
    gk_attention one = {a->heads, a->pages.kv_heads, a->pages.head_width, a->scale, 1, &whole};
    gk_status status = gk_attention_fwd_ref(b, &one, q, keys, keys + most * width, out, NULL);
    if (status != GK_OK) return status;
  }
  return GK_OK;
}
