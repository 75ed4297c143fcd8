/* Sums, scalings and the sum of squares for one isa; see vec.h. */
#include "vec.h"

typedef struct element_job {
  float *y;
  const float *x;
  const float *row_scale;
  float s;
  int64_t n, rows;
  double *partial;
} element_job;

enum { ELEMENT_GRAIN = 65536, SQUARES_GRAIN = 65536 };

static void add_bias_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const element_job *j = arg;
  for (int64_t r = begin; r < end; r++) {
    float *y = j->y + r * j->n;
    int64_t i = 0;
    for (; i + VW <= j->n; i += VW) vf_store(y + i, vf_add(vf_load(y + i), vf_load(j->x + i)));
    if (i < j->n) vf_storen(y + i, vf_add(vf_loadn(y + i, j->n - i), vf_loadn(j->x + i, j->n - i)), j->n - i);
  }
}

GK_INLINE int64_t rows_grain(int64_t n) { return gk_max_i64(1, ELEMENT_GRAIN / gk_max_i64(n, 1)); }

gk_status GK_FN(add_bias)(gk_backend *b, float *y, const float *bias, int64_t t, int64_t n) {
  element_job j = {.y = y, .x = bias, .n = n};
  gk_parallel_for(b, t, rows_grain(n), add_bias_rows, &j);
  return GK_OK;
}

/* fwd: y[t,i] += b[i]. Threads share columns, not rows: each sum has one owner and one order. */
static void add_bias_bwd_columns(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const element_job *j = arg;
  for (int64_t i = begin; i < end; i += VW) {
    const int64_t count = gk_min_i64(VW, end - i);
    vf sum = vf_loadn(j->y + i, count);
    for (int64_t t = 0; t < j->rows; t++) sum = vf_add(sum, vf_loadn(j->x + t * j->n + i, count));
    vf_storen(j->y + i, sum, count);
  }
}

gk_status GK_FN(add_bias_bwd)(gk_backend *b, const float *dy, int64_t t, int64_t n, float *db) {
  element_job j = {.y = db, .x = dy, .n = n, .rows = t};
  gk_parallel_for(b, n, gk_max_i64(64, gk_round_up(ELEMENT_GRAIN / gk_max_i64(t, 1), VW)), add_bias_bwd_columns, &j);
  return GK_OK;
}

static void add_scaled_run(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const element_job *j = arg;
  vf s = vf_set(j->s);
  int64_t i = begin;
  for (; i + VW <= end; i += VW) vf_store(j->y + i, vf_fma(s, vf_load(j->x + i), vf_load(j->y + i)));
  if (i < end) vf_storen(j->y + i, vf_fma(s, vf_loadn(j->x + i, end - i), vf_loadn(j->y + i, end - i)), end - i);
}

gk_status GK_FN(add_scaled)(gk_backend *b, float *y, const float *x, float s, int64_t n) {
  element_job j = {.y = y, .x = x, .s = s};
  gk_parallel_for(b, n, ELEMENT_GRAIN, add_scaled_run, &j);
  return GK_OK;
}

GK_INLINE void scale_run(float *y, int64_t n, float factor) {
  vf s = vf_set(factor);
  int64_t i = 0;
  for (; i + VW <= n; i += VW) vf_store(y + i, vf_mul(s, vf_load(y + i)));
  if (i < n) vf_storen(y + i, vf_mul(s, vf_loadn(y + i, n - i)), n - i);
}

static void scale_part(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const element_job *j = arg;
  scale_run(j->y + begin, end - begin, j->s);
}

gk_status GK_FN(scale)(gk_backend *b, float *y, float s, int64_t n) {
  element_job j = {.y = y, .s = s};
  gk_parallel_for(b, n, ELEMENT_GRAIN, scale_part, &j);
  return GK_OK;
}

static void scale_rows_part(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const element_job *j = arg;
  for (int64_t r = begin; r < end; r++) scale_run(j->y + r * j->n, j->n, j->row_scale[r]);
}

gk_status GK_FN(scale_rows)(gk_backend *b, float *y, const float *s, int64_t m, int64_t n) {
  element_job j = {.y = y, .row_scale = s, .n = n};
  gk_parallel_for(b, m, rows_grain(n), scale_rows_part, &j);
  return GK_OK;
}

/* Chunks of a fixed length each give one double; these are added in order, whoever computed them. */
static void squares_chunk(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const element_job *j = arg;
  double acc[2 * VW] = {0};
  int64_t i = begin;
  for (; i + 2 * VW <= end; i += 2 * VW) {
    vf_square_double(vf_load(j->x + i), acc);
    vf_square_double(vf_load(j->x + i + VW), acc + VW);
  }
  for (; i < end; i += VW) vf_square_double(vf_loadn(j->x + i, end - i), acc);
  double sum = 0;
  for (int k = 0; k < 2 * VW; k++) sum += acc[k];
  j->partial[begin / SQUARES_GRAIN] = sum;
}

gk_status GK_FN(sum_squares)(gk_backend *b, const float *x, int64_t n, double *out) {
  int64_t chunks = (n + SQUARES_GRAIN - 1) / SQUARES_GRAIN;
  element_job j = {.x = x};
  j.partial = gk_scratch_get(b, GK_SCRATCH_PARTIAL, gk_max_i64(chunks, 1) * (int64_t)sizeof(double));
  if (!j.partial) return GK_OUT_OF_MEMORY;
  gk_parallel_for(b, n, SQUARES_GRAIN, squares_chunk, &j);
  double sum = 0;
  for (int64_t c = 0; c < chunks; c++) sum += j.partial[c];
  *out = sum;
  return GK_OK;
}
