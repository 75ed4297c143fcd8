/* Writing keys and values into a paged cache. */
#include "cpu/pages.h"

#include <string.h>

typedef struct write_job {
  const gk_pages *p;
  const float *x;
  const int32_t *slots;
  char *pages;
} write_job;

static void write_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const write_job *j = arg;
  const gk_pages *p = j->p;
  const int64_t D = p->head_width;
  for (int64_t i = begin; i < end; i++)
    for (int64_t g = 0; g < p->kv_heads; g++) {
      const float *from = j->x + (i * p->kv_heads + g) * D;
      char *to = (char *)(uintptr_t)pages_at(p, j->pages, j->slots[i] / p->page_tokens, g, j->slots[i] % p->page_tokens);
      if (p->type == GK_F32)
        memcpy(to, from, (size_t)D * sizeof(float));
      else
        (void)gk_quantize(p->type, from, to, D);   /* the caller checked that D is a number of blocks */
    }
}

gk_status gk_pages_write(gk_backend *b, const gk_pages *p, const float *x, const int32_t *slots, int64_t n, void *pages) {
  if (p->head_width % gk_type_get(p->type)->block_size != 0) return GK_UNSUPPORTED;
  write_job j = {p, x, slots, pages};
  if (n > 0) gk_parallel_for(b, n, 16, write_rows, &j);
  return GK_OK;
}
