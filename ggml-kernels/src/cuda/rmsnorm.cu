/* RMS norm. A row belongs to one warp when it is narrow (the heads of q and k), else to one block. docs/rmsnorm.md */
#include "backend.h"
#include "columns.cuh"

enum { THREADS = 256, WARP_WIDTH = 512 };

GK_DEVICE int64_t row_offset(int64_t r, int64_t width, int64_t per_token, int64_t stride) { return r / per_token * stride + r % per_token * width; }

/* The row of this thread, its place among the row's threads and their number. */
template <bool by_warp> GK_DEVICE int64_t own_row() { return by_warp ? (int64_t)blockIdx.x * (THREADS / 32) + threadIdx.x / 32 : (int64_t)blockIdx.x; }
template <bool by_warp> GK_DEVICE int own_place() { return by_warp ? (int)threadIdx.x % 32 : (int)threadIdx.x; }
template <bool by_warp> GK_DEVICE float row_sum(float v, float *room) { return by_warp ? warp_sum(v) : block_sum(v, room); }

template <bool by_warp>
GK_KERNEL(THREADS) rmsnorm_fwd_kernel(const float *x, const float *w, float eps, int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *y, float *rstd) {
  GK_SHARED float room[32];
  const int step = by_warp ? 32 : THREADS;
  const int64_t r = own_row<by_warp>();
  if (r >= rows) return;   /* the whole warp, or the whole block */
  const int64_t o = row_offset(r, width, per_token, stride);
  float sum = 0;
  for (int64_t i = own_place<by_warp>(); i < width; i += step) sum += x[o + i] * x[o + i];
  const float s = 1.0f / sqrtf(row_sum<by_warp>(sum, room) / (float)width + eps);
  for (int64_t i = own_place<by_warp>(); i < width; i += step) y[o + i] = x[o + i] * s * w[i];
  if (own_place<by_warp>() == 0) rstd[r] = s;
}

gk_status gk_rmsnorm_fwd_cuda(gk_backend *b, const float *x, const float *w, float eps, int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *y, float *rstd) {
  if (width <= WARP_WIDTH)
    return LAUNCH(b, rmsnorm_fwd_kernel<true>, (unsigned)gk_ceil_div(rows, THREADS / 32), THREADS, 0, x, w, eps, rows, width, per_token, stride, y, rstd);
  return LAUNCH(b, rmsnorm_fwd_kernel<false>, (unsigned)rows, THREADS, 0, x, w, eps, rows, width, per_token, stride, y, rstd);
}

/* fwd: y = x * r * w, r = (mean(x²) + eps)^-1/2
 * With g = dy * w:  dx = r * (g - x * r² * mean(g * x)). */
template <bool by_warp>
GK_KERNEL(THREADS) rmsnorm_bwd_kernel(const float *dy, const float *x, const float *w, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *dx,
                                      int32_t accumulate) {
  GK_SHARED float room[32];
  const int step = by_warp ? 32 : THREADS;
  const int64_t r = own_row<by_warp>();
  if (r >= rows) return;
  const int64_t o = row_offset(r, width, per_token, stride);
  const float s = rstd[r];
  float sum = 0;
  for (int64_t i = own_place<by_warp>(); i < width; i += step) sum += dy[o + i] * w[i] * x[o + i];
  const float c = row_sum<by_warp>(sum, room) * s * s / (float)width;
  for (int64_t i = own_place<by_warp>(); i < width; i += step) {
    const float d = s * (dy[o + i] * w[i] - x[o + i] * c);
    dx[o + i] = accumulate ? dx[o + i] + d : d;
  }
}

/* dw = Σ_rows dy * x * r */
GK_KERNEL(GK_COLUMN_THREADS) rmsnorm_dw_kernel(const float *dy, const float *x, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *partial) {
  column_partials(rows, width, partial, [=](int64_t r, int64_t c) {
    const int64_t at = row_offset(r, width, per_token, stride) + c;
    return dy[at] * x[at] * rstd[r];
  });
}

gk_status gk_rmsnorm_bwd_cuda(gk_backend *b, const float *dy, const float *x, const float *w, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *dx,
                              int32_t accumulate, float *dw) {
  if (dw) {   /* first: dx may be dy */
    const int64_t chunks = gk_ceil_div(rows, GK_COLUMN_ROWS);
    float *partial = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, chunks * width * (int64_t)sizeof(float));
    if (!partial) return GK_OUT_OF_MEMORY;
    const unsigned columns = (unsigned)gk_ceil_div(width, GK_COLUMN_THREADS);
    GK_TRY(LAUNCH(b, rmsnorm_dw_kernel, dim3(columns, (unsigned)chunks), GK_COLUMN_THREADS, 0, dy, x, rstd, rows, width, per_token, stride, partial));
    GK_TRY(LAUNCH(b, column_totals, columns, GK_COLUMN_THREADS, 0, partial, chunks, width, dw));
  }
  if (width <= WARP_WIDTH)
    return LAUNCH(b, rmsnorm_bwd_kernel<true>, (unsigned)gk_ceil_div(rows, THREADS / 32), THREADS, 0, dy, x, w, rstd, rows, width, per_token, stride, dx, accumulate);
  return LAUNCH(b, rmsnorm_bwd_kernel<false>, (unsigned)rows, THREADS, 0, dy, x, w, rstd, rows, width, per_token, stride, dx, accumulate);
}
