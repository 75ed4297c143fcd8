/* Moving rows: embedding, gather, scatter. The same for every isa; dequantization looks at the isa itself. */
#include <string.h>

#include "internal.h"

typedef struct rows_job {
  const gk_backend *b;
  const gk_weight *w;
  const char *table;
  int64_t row_bytes;
  const float *src;
  const int32_t *rows;
  int64_t n, width;
  float *dst;
} rows_job;

static void embed_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  rows_job *j = arg;
  for (int64_t i = begin; i < end; i++)
    gk_dequantize(j->b, j->w->type, j->table + j->rows[i] * j->row_bytes, j->dst + i * j->width, j->width);
}

gk_status gk_embed(gk_backend *b, const gk_weight *w, const int32_t *ids, int64_t t, float *y) {
  rows_job j = {.b = b, .w = w, .table = w->data, .row_bytes = gk_type_bytes(w->type, w->k), .rows = ids,
                .width = w->k, .dst = y};
  gk_parallel_for(b, t, 16, embed_rows, &j);
  return GK_OK;
}

static void copy_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  rows_job *j = arg;
  for (int64_t i = begin; i < end; i++)
    memcpy(j->dst + i * j->width, j->src + j->rows[i] * j->width, (size_t)j->width * sizeof(float));
}

gk_status gk_gather_rows(gk_backend *b, const float *src, const int32_t *rows, int64_t n, int64_t width, float *dst) {
  rows_job j = {.src = src, .rows = rows, .width = width, .dst = dst};
  gk_parallel_for(b, n, gk_max_i64(1, 65536 / gk_max_i64(width, 1)), copy_rows, &j);
  return GK_OK;
}

/* Rows may repeat, so threads share columns, not rows: each sum has one owner and one order. */
static void add_columns(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  rows_job *j = arg;
  for (int64_t i = 0; i < j->n; i++) {
    const float *restrict src = j->src + i * j->width;
    float *restrict dst = j->dst + j->rows[i] * j->width;
    for (int64_t c = begin; c < end; c++) dst[c] += src[c];
  }
}

gk_status gk_scatter_add_rows(gk_backend *b, const float *src, const int32_t *rows, int64_t n, int64_t width,
                              float *dst) {
  rows_job j = {.src = src, .rows = rows, .n = n, .width = width, .dst = dst};
  gk_parallel_for(b, width, n * width < 65536 ? width : 512, add_columns, &j);
  return GK_OK;
}
