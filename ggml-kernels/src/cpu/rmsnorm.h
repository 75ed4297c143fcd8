/* RMS norm for one isa; see vec.h. docs/rmsnorm.md
 * A row is read twice and stays in the first-level cache in between. */
#include <math.h>

#include "vec.h"

typedef struct norm_job {
  const float *dy, *x, *w, *rstd_in;
  float eps;
  int64_t rows, width, per_token, stride;
  float *y, *rstd;
  int32_t accumulate;
  float *dw_partial;     /* [chunks, width], zeroed */
} norm_job;

GK_INLINE int64_t row_offset(const norm_job *j, int64_t r) {
  return (r / j->per_token) * j->stride + (r % j->per_token) * j->width;
}

/* Four accumulators, added up pairwise. `n` and `whole` as in every loop here: whole is n rounded down to VW. */
GK_INLINE float sum_of_squares(const float *x, int64_t n) {
  vf a = vf_zero(), b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * VW <= n; i += 4 * VW) {
    vf p = vf_load(x + i), q = vf_load(x + i + VW), r = vf_load(x + i + 2 * VW), s = vf_load(x + i + 3 * VW);
    a = vf_fma(p, p, a), b = vf_fma(q, q, b), c = vf_fma(r, r, c), d = vf_fma(s, s, d);
  }
  for (; i < n; i += VW) {
    vf p = vf_loadn(x + i, n - i);
    a = vf_fma(p, p, a);
  }
  return vf_hsum(vf_add(vf_add(a, b), vf_add(c, d)));
}

static void norm_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const norm_job *j = arg;
  int64_t n = j->width, whole = n / VW * VW;
  for (int64_t r = begin; r < end; r++) {
    const float *x = j->x + row_offset(j, r);
    float *y = j->y + row_offset(j, r);
    float s = (float)(1.0 / sqrt((double)sum_of_squares(x, n) / (double)n + (double)j->eps));
    vf vs = vf_set(s);
    for (int64_t i = 0; i < whole; i += VW)
      vf_store(y + i, vf_mul(vf_mul(vf_load(x + i), vs), vf_load(j->w + i)));
    if (whole < n) {
      int64_t k = n - whole;
      vf_storen(y + whole, vf_mul(vf_mul(vf_loadn(x + whole, k), vs), vf_loadn(j->w + whole, k)), k);
    }
    j->rstd[r] = s;
  }
}

GK_INLINE int64_t grain_of(int64_t width) { return gk_max_i64(1, 32768 / gk_max_i64(width, 1)); }

gk_status GK_FN(rmsnorm_fwd)(gk_backend *b, const float *x, const float *w, float eps, int64_t rows, int64_t width,
                             int64_t per_token, int64_t stride, float *y, float *rstd) {
  norm_job j = {.x = x, .w = w, .eps = eps, .rows = rows, .width = width, .per_token = per_token, .stride = stride,
                .y = y, .rstd = rstd};
  gk_parallel_for(b, rows, grain_of(width), norm_rows, &j);
  return GK_OK;
}

/* fwd: y = x * r * w, r = (mean(x²) + eps)^-1/2
 * With g = dy * w:  dx = r * (g - x * r² * mean(g * x)),  dw = Σ_rows dy * x * r. */
GK_INLINE void norm_backward_row(const norm_job *j, const float *dy, const float *x, float *dx, float r, float *dw) {
  int64_t n = j->width;
  vf a = vf_zero(), b = a;
  int64_t i = 0;
  for (; i + 2 * VW <= n; i += 2 * VW) {
    a = vf_fma(vf_mul(vf_load(dy + i), vf_load(j->w + i)), vf_load(x + i), a);
    b = vf_fma(vf_mul(vf_load(dy + i + VW), vf_load(j->w + i + VW)), vf_load(x + i + VW), b);
  }
  for (; i < n; i += VW) {
    int64_t k = n - i;
    a = vf_fma(vf_mul(vf_loadn(dy + i, k), vf_loadn(j->w + i, k)), vf_loadn(x + i, k), a);
  }
  double mean = (double)vf_hsum(vf_add(a, b)) / (double)n;
  vf vr = vf_set(r), vc = vf_set((float)(mean * r * r));
  for (i = 0; i < n; i += VW) {
    int64_t k = gk_min_i64(VW, n - i);
    int full = k == VW;
    vf g = full ? vf_load(dy + i) : vf_loadn(dy + i, k);
    vf vx = full ? vf_load(x + i) : vf_loadn(x + i, k);
    vf vw = full ? vf_load(j->w + i) : vf_loadn(j->w + i, k);
    vf d = vf_mul(vr, vf_fnma(vx, vc, vf_mul(g, vw)));
    if (dw) {
      vf sum = vf_fma(g, vf_mul(vx, vr), full ? vf_load(dw + i) : vf_loadn(dw + i, k));
      if (full) vf_store(dw + i, sum); else vf_storen(dw + i, sum, k);
    }
    if (j->accumulate) d = vf_add(d, full ? vf_load(dx + i) : vf_loadn(dx + i, k));
    if (full) vf_store(dx + i, d); else vf_storen(dx + i, d, k);
  }
}

/* Rows are cut into at most this many chunks, by their number alone, so that the order of dw's sum is fixed. */
enum { DW_CHUNKS = 64 };
GK_INLINE int64_t dw_chunk_rows(int64_t rows, int64_t width) {
  return gk_max_i64(grain_of(width), (rows + DW_CHUNKS - 1) / DW_CHUNKS);
}

static void norm_backward_rows(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  const norm_job *j = arg;
  float *dw = NULL;
  if (j->dw_partial) {
    dw = j->dw_partial + begin / dw_chunk_rows(j->rows, j->width) * j->width;
    memset(dw, 0, (size_t)j->width * sizeof(float));
  }
  for (int64_t r = begin; r < end; r++) {
    int64_t o = row_offset(j, r);
    norm_backward_row(j, j->dy + o, j->x + o, j->y + o, j->rstd_in[r], dw);
  }
}

gk_status GK_FN(rmsnorm_bwd)(gk_backend *b, const float *dy, const float *x, const float *w, const float *rstd,
                             int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *dx,
                             int32_t accumulate, float *dw) {
  norm_job j = {.dy = dy, .x = x, .w = w, .rstd_in = rstd, .rows = rows, .width = width, .per_token = per_token,
                .stride = stride, .y = dx, .accumulate = accumulate};
  int64_t chunk = dw_chunk_rows(rows, width), chunks = (rows + chunk - 1) / chunk;
  if (dw && !(j.dw_partial = gk_scratch_get(b, GK_SCRATCH_PARTIAL, chunks * width * (int64_t)sizeof(float))))
    return GK_OUT_OF_MEMORY;
  gk_parallel_for(b, rows, chunk, norm_backward_rows, &j);
  for (int64_t c = 0; dw && c < chunks; c++)
    for (int64_t i = 0; i < width; i++) dw[i] += j.dw_partial[c * width + i];
  return GK_OK;
}
