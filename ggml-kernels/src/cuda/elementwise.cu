/* Sums, scalings and the sum of squares. */
#include "columns.cuh"
#include "packs.cuh"

enum { THREADS = GK_PACK_THREADS };

template <int W, typename T> GK_KERNEL(THREADS) add_bias_kernel(T *y, const float *bias, int64_t rows, int64_t width, int lanes) {
  each_row_pack<W>(rows, width, lanes, [=](int64_t r, int64_t c) {
    Pack<W> to = load_pack<W>(y + r * width + c);
    const Pack<W> from = load_pack<W>(bias + c);
    for (int k = 0; k < W; k++) to.v[k] += from.v[k];
    store_pack<W>(y + r * width + c, to);
  });
}

template <typename T> static gk_status add_bias(gk_backend *b, T *y, const float *bias, int64_t t, int64_t n) {
  const bool wide = n % 4 == 0 && gk_aligned(y, bias);
  const RowsGrid g = gk_rows_grid(b, t, n, wide);
  return gk_cuda_launch(b, "add_bias_kernel", wide ? add_bias_kernel<4, T> : add_bias_kernel<1, T>, g.grid, THREADS, 0, y, bias, t, n, g.lanes);
}

gk_status gk_add_bias_cuda(gk_backend *b, gk_act y, const float *bias, int64_t t, int64_t n) {
  return gk_is_bf16(y) ? add_bias(b, (gk_bf16 *)y.data, bias, t, n) : add_bias(b, (float *)y.data, bias, t, n);
}

/* fwd: y[t,i] += b[i] */
template <typename T> GK_KERNEL(GK_COLUMN_THREADS) add_bias_bwd_kernel(const T *dy, int64_t rows, int64_t width, float *partial) {
  column_partials(rows, width, partial, [=](int64_t r, int64_t c) { return act_to_f32(dy[r * width + c]); });
}

gk_status gk_add_bias_bwd_cuda(gk_backend *b, gk_act dy, int64_t t, int64_t n, float *db) {
  const int64_t chunks = gk_ceil_div(t, GK_COLUMN_ROWS);
  float *partial = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, chunks * n * (int64_t)sizeof(float));
  if (!partial) return GK_OUT_OF_MEMORY;
  const unsigned columns = (unsigned)gk_ceil_div(n, GK_COLUMN_THREADS);
  const unsigned grid = (unsigned)(columns * chunks);
  GK_TRY(gk_is_bf16(dy) ? LAUNCH(b, add_bias_bwd_kernel<gk_bf16>, grid, GK_COLUMN_THREADS, 0, (const gk_bf16 *)dy.data, t, n, partial)
                        : LAUNCH(b, add_bias_bwd_kernel<float>, grid, GK_COLUMN_THREADS, 0, (const float *)dy.data, t, n, partial));
  return LAUNCH(b, column_totals, columns, GK_COLUMN_THREADS, 0, partial, chunks, n, db);
}

template <int W> GK_KERNEL(THREADS) add_scaled_kernel(float *y, const float *x, float s, int64_t n) {
  each_pack<W>(n, [=](auto width, int64_t i) {
    constexpr int w = decltype(width)::n;
    Pack<w> to = load_pack<w>(y + i);
    const Pack<w> from = load_pack<w>(x + i);
    for (int k = 0; k < w; k++) to.v[k] = fmaf(s, from.v[k], to.v[k]);
    store_pack<w>(y + i, to);
  });
}

gk_status gk_add_scaled_cuda(gk_backend *b, float *y, const float *x, float s, int64_t n) {
  const bool wide = gk_aligned(y, x);
  return LAUNCH_PACKS(b, wide, add_scaled_kernel, gk_pack_grid(b, n, wide), THREADS, 0, y, x, s, n);
}

template <int W> GK_KERNEL(THREADS) scale_kernel(float *y, float s, int64_t n) {
  each_pack<W>(n, [=](auto width, int64_t i) {
    constexpr int w = decltype(width)::n;
    Pack<w> to = load_pack<w>(y + i);
    for (int k = 0; k < w; k++) to.v[k] *= s;
    store_pack<w>(y + i, to);
  });
}

gk_status gk_scale_cuda(gk_backend *b, float *y, float s, int64_t n) {
  const bool wide = gk_aligned(y);
  return LAUNCH_PACKS(b, wide, scale_kernel, gk_pack_grid(b, n, wide), THREADS, 0, y, s, n);
}

template <int W> GK_KERNEL(THREADS) scale_rows_kernel(float *y, const float *s, int64_t rows, int64_t width, int lanes) {
  each_row_pack<W>(rows, width, lanes, [=](int64_t r, int64_t c) {
    Pack<W> to = load_pack<W>(y + r * width + c);
    const float factor = s[r];
    for (int k = 0; k < W; k++) to.v[k] *= factor;
    store_pack<W>(y + r * width + c, to);
  });
}

gk_status gk_scale_rows_cuda(gk_backend *b, float *y, const float *s, int64_t m, int64_t n) {
  const float *scales = nullptr;
  GK_TRY(gk_cuda_stage_array(b, s, m, &scales));
  const bool wide = n % 4 == 0 && gk_aligned(y);
  const RowsGrid g = gk_rows_grid(b, m, n, wide);
  return LAUNCH_PACKS(b, wide, scale_rows_kernel, g.grid, THREADS, 0, y, scales, m, n, g.lanes);
}

/* A run of SQUARES_RUN elements to each block, whatever the device, so that the order of the sum is fixed. */
enum { SQUARES_RUN = 65536 };

template <int W> GK_KERNEL(THREADS) squares_kernel(const float *x, int64_t n, double *partial) {
  GK_SHARED double room[32];
  const int64_t begin = (int64_t)blockIdx.x * SQUARES_RUN, end = begin + SQUARES_RUN < n ? begin + SQUARES_RUN : n;
  double sum = 0;
  for (int64_t i = begin + threadIdx.x * 4; i < end; i += THREADS * 4) {
    float v[4];
    load_quad<W>(v, x + i, end - i, 0);
    for (int k = 0; k < 4; k++) sum += (double)v[k] * v[k];
  }
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
  GK_TRY(LAUNCH_PACKS(b, gk_aligned(x), squares_kernel, (unsigned)runs, THREADS, 0, x, n, partial));
  GK_TRY(LAUNCH(b, squares_total_kernel, 1, THREADS, 0, partial, runs));
  return gk_cuda_fetch(b, out, partial + runs, sizeof *out, "sum_squares");
}
