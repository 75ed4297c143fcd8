/* Where tokens of a paged cache lie, and their numbers as f32. */
#ifndef GRAFT_PAGES_H
#define GRAFT_PAGES_H
#include "internal.h"

/* First byte of a token of one kv head. */
static inline const char *pages_at(const gk_pages *p, const void *pages, int64_t page, int64_t g, int64_t token) {
  int64_t element = ((page * p->kv_heads + g) * p->page_tokens + token) * p->head_width;
  return (const char *)pages + gk_type_bytes(p->type, element);
}

/* n tokens of one page and kv head, from `token` on, as rows of head_width floats: in place where the type is F32, else in `room`. */
static inline const float *pages_rows(const gk_backend *b, const gk_pages *p, const void *pages, int64_t page, int64_t g, int64_t token, int64_t n, float *room) {
  const char *at = pages_at(p, pages, page, g, token);
  if (p->type == GK_F32) return (const float *)(const void *)at;
  gk_dequantize(b, p->type, at, room, n * p->head_width);
  return room;
}

#endif
