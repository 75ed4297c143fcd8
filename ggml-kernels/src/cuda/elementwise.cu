/* Sums, scalings and the sum of squares. */
#include "backend.h"
#include "columns.cuh"

enum { THREADS = 256, PER_BLOCK = 4 * THREADS };

#define EACH(i, n) for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (int64_t)gridDim.x * blockDim.x)

GK_KERNEL(THREADS) add_bias_kernel(float *y, const float *bias, int64_t n, int64_t width) {
  EACH(i, n) y[i] += bias[i % width];
}

gk_status gk_add_bias_cuda(gk_backend *b, float *y, const float *bias, int64_t t, int64_t n) {
  return LAUNCH(b, add_bias_kernel, gk_cuda_grid(b, t * n, PER_BLOCK), THREADS, 0, y, bias, t * n, n);
}

/* fwd: y[t,i] += b[i] */
GK_KERNEL(GK_COLUMN_THREADS) add_bias_bwd_kernel(const float *dy, int64_t rows, int64_t width, float *partial) {
  column_partials(rows, width, partial, [=](int64_t r, int64_t c) { return dy[r * width + c]; });
}

gk_status gk_add_bias_bwd_cuda(gk_backend *b, const float *dy, int64_t t, int64_t n, float *db) {
  const int64_t chunks = gk_ceil_div(t, GK_COLUMN_ROWS);
  float *partial = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, chunks * n * (int64_t)sizeof(float));
  if (!partial) return GK_OUT_OF_MEMORY;
  const unsigned columns = (unsigned)gk_ceil_div(n, GK_COLUMN_THREADS);
  GK_TRY(LAUNCH(b, add_bias_bwd_kernel, dim3(columns, (unsigned)chunks), GK_COLUMN_THREADS, 0, dy, t, n, partial));
  return LAUNCH(b, column_totals, columns, GK_COLUMN_THREADS, 0, partial, chunks, n, db);
}

GK_KERNEL(THREADS) add_scaled_kernel(float *y, const float *x, float s, int64_t n) {
  EACH(i, n) y[i] = fmaf(s, x[i], y[i]);
}

gk_status gk_add_scaled_cuda(gk_backend *b, float *y, const float *x, float s, int64_t n) {
  return LAUNCH(b, add_scaled_kernel, gk_cuda_grid(b, n, PER_BLOCK), THREADS, 0, y, x, s, n);
}

GK_KERNEL(THREADS) scale_kernel(float *y, float s, int64_t n) {
  EACH(i, n) y[i] *= s;
}

gk_status gk_scale_cuda(gk_backend *b, float *y, float s, int64_t n) { return LAUNCH(b, scale_kernel, gk_cuda_grid(b, n, PER_BLOCK), THREADS, 0, y, s, n); }

GK_KERNEL(THREADS) scale_rows_kernel(float *y, const float *s, int64_t n, int64_t width) {
  EACH(i, n) y[i] *= s[i / width];
}

gk_status gk_scale_rows_cuda(gk_backend *b, float *y, const float *s, int64_t m, int64_t n) {
  const float *scales = nullptr;
  GK_TRY(gk_cuda_stage_array(b, s, m, &scales));
  return LAUNCH(b, scale_rows_kernel, gk_cuda_grid(b, m * n, PER_BLOCK), THREADS, 0, y, scales, m * n, n);
}

/* A run of SQUARES_RUN elements to each block, whatever the device, so that the order of the sum is fixed. */
enum { SQUARES_RUN = 65536 };

GK_KERNEL(THREADS) squares_kernel(const float *x, int64_t n, double *partial) {
  GK_SHARED double room[32];
  const int64_t begin = (int64_t)blockIdx.x * SQUARES_RUN, end = begin + SQUARES_RUN < n ? begin + SQUARES_RUN : n;
  double sum = 0;
  for (int64_t i = begin + threadIdx.x; i < end; i += THREADS) sum += (double)x[i] * x[i];
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

GK_KERNEL(THREADS) squares_total_kernel(double *partial, int64_t runs) {
  GK_SHARED double room[32];
  double sum = 0;
  for (int64_t i = threadIdx.x; i < runs; i += THREADS) sum += partial[i];
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) partial[runs] = sum;
}

gk_status gk_sum_squares_cuda(gk_backend *b, const float *x, int64_t n, double *out) {
  const int64_t runs = gk_ceil_div(n, SQUARES_RUN);
  double *partial = (double *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, (runs + 1) * (int64_t)sizeof(double));
  if (!partial) return GK_OUT_OF_MEMORY;
  GK_TRY(LAUNCH(b, squares_kernel, (unsigned)runs, THREADS, 0, x, n, partial));
  GK_TRY(LAUNCH(b, squares_total_kernel, 1, THREADS, 0, partial, runs));
  return gk_cuda_fetch(b, out, partial + runs, sizeof *out, "sum_squares");
}
