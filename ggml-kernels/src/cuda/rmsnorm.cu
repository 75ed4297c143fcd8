/* RMS norm. A row belongs to one warp when it is narrow (the heads of q and k), else to one block, and is read once: its threads hold it in
 * registers between the sum and the scaling. Rows too wide for that are read twice. docs/rmsnorm.md */
#include "columns.cuh"
#include "packs.cuh"

/* A thread holds 4 packs of a row, so a warp 512 floats and a block of 1024 threads 16384. */
enum { WARP_THREADS = 256, MOST_THREADS = 1024, QUADS = 4, HELD = 4 * QUADS, WARP_WIDTH = 32 * HELD, BLOCK_WIDTH = MOST_THREADS * HELD };

/* Divided in 32 bits, in which rows are counted; 64 take five times the instructions, in rmsnorm_dw_kernel for every element. */
GK_DEVICE int64_t row_offset(int64_t r, int64_t width, int64_t per_token, int64_t stride) {
  const uint32_t token = (uint32_t)r / (uint32_t)per_token, place = (uint32_t)r - token * (uint32_t)per_token;
  return token * stride + place * width;
}

/* Where a thread stands: its row, its place among the row's threads and their number. */
template <bool by_warp> GK_DEVICE int64_t own_row() { return by_warp ? (int64_t)blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32 : (int64_t)blockIdx.x; }
template <bool by_warp> GK_DEVICE int own_place() { return (int)(by_warp ? threadIdx.x % 32 : threadIdx.x); }
template <bool by_warp> GK_DEVICE int row_threads() { return by_warp ? 32 : (int)blockDim.x; }
template <bool by_warp> GK_DEVICE float row_sum(float v, float *room) { return by_warp ? warp_sum(v) : block_sum(v, room); }

/* The thread's part of a row: packs place, place + threads, ...; 0 where the row ends. */
template <bool by_warp, int W, typename T> GK_DEVICE void load_row(float v[HELD], const T *row, int64_t width) {
  for (int q = 0; q < QUADS; q++) {
    const int64_t i = (int64_t)(q * row_threads<by_warp>() + own_place<by_warp>()) * 4;
    load_quad<W>(v + 4 * q, row + i, width - i, 0);
  }
}
template <bool by_warp, int W, typename T> GK_DEVICE void store_row(T *row, const float v[HELD], int64_t width) {
  for (int q = 0; q < QUADS; q++) {
    const int64_t i = (int64_t)(q * row_threads<by_warp>() + own_place<by_warp>()) * 4;
    store_quad<W>(row + i, v + 4 * q, width - i);
  }
}

template <bool by_warp, int W, typename X, typename Y>
GK_KERNEL(by_warp ? WARP_THREADS : MOST_THREADS) rmsnorm_fwd_kernel(const X *x, const float *w, float eps, int64_t rows, int64_t width, int64_t per_token, int64_t stride, Y *y, float *rstd) {
  GK_SHARED float room[32];
  const int64_t r = own_row<by_warp>();
  if (r >= rows) return;   /* the whole warp, or the whole block */
  const int64_t o = row_offset(r, width, per_token, stride);
  float v[HELD], weight[HELD], sum = 0;
  load_row<by_warp, W>(v, x + o, width);
  load_row<by_warp, W>(weight, w, width);
  for (int k = 0; k < HELD; k++) sum = fmaf(v[k], v[k], sum);
  const float s = 1.0f / sqrtf(row_sum<by_warp>(sum, room) / (float)width + eps);
  for (int k = 0; k < HELD; k++) v[k] = v[k] * s * weight[k];
  store_row<by_warp, W>(y + o, v, width);
  if (own_place<by_warp>() == 0) rstd[r] = s;
}

template <typename X, typename Y>
GK_KERNEL(MOST_THREADS) rmsnorm_fwd_wide_kernel(const X *x, const float *w, float eps, int64_t width, int64_t per_token, int64_t stride, Y *y, float *rstd) {
  GK_SHARED float room[32];
  const int64_t r = blockIdx.x, o = row_offset(r, width, per_token, stride);
  float sum = 0;
  for (int64_t i = threadIdx.x; i < width; i += MOST_THREADS) sum = fmaf(act_to_f32(x[o + i]), act_to_f32(x[o + i]), sum);
  const float s = 1.0f / sqrtf(block_sum(sum, room) / (float)width + eps);
  for (int64_t i = threadIdx.x; i < width; i += MOST_THREADS) act_store(y + o + i, act_to_f32(x[o + i]) * s * w[i]);
  if (threadIdx.x == 0) rstd[r] = s;
}

/* Threads for a row that a block holds. */
static unsigned block_threads(int64_t width) {
  unsigned threads = 128;
  while ((int64_t)threads * HELD < width) threads *= 2;
  return threads;
}

template <typename X, typename Y>
static gk_status forward(gk_backend *b, gk_act x, const float *w, float eps, int64_t rows, int64_t width, int64_t per_token, int64_t stride, gk_act y, float *rstd) {
  const X *from = (const X *)x.data;
  Y *to = (Y *)y.data;
  const bool wide = width % 4 == 0 && stride % 4 == 0 && gk_aligned(from, w, to);
  if (width > BLOCK_WIDTH) return LAUNCH(b, (rmsnorm_fwd_wide_kernel<X, Y>), (unsigned)rows, MOST_THREADS, 0, from, w, eps, width, per_token, stride, to, rstd);
  const bool by_warp = width <= WARP_WIDTH;
  const unsigned grid = (unsigned)(by_warp ? gk_ceil_div(rows, WARP_THREADS / 32) : rows), threads = by_warp ? (unsigned)WARP_THREADS : block_threads(width);
  const auto kernel = by_warp ? (wide ? rmsnorm_fwd_kernel<true, 4, X, Y> : rmsnorm_fwd_kernel<true, 1, X, Y>) : wide ? rmsnorm_fwd_kernel<false, 4, X, Y> : rmsnorm_fwd_kernel<false, 1, X, Y>;
  return gk_cuda_launch(b, "rmsnorm_fwd_kernel", kernel, grid, threads, 0, from, w, eps, rows, width, per_token, stride, to, rstd);
}

gk_status gk_rmsnorm_fwd_cuda(gk_backend *b, gk_act x, const float *w, float eps, int64_t rows, int64_t width, int64_t per_token, int64_t stride, gk_act y, float *rstd) {
  if (gk_is_bf16(x) && !gk_is_bf16(y)) return gk_acts_mixed("rmsnorm_fwd");
  return (gk_is_bf16(x) ? forward<gk_bf16, gk_bf16> : gk_is_bf16(y) ? forward<float, gk_bf16> : forward<float, float>)(b, x, w, eps, rows, width, per_token, stride, y, rstd);
}

/* fwd: y = x * r * w, r = (mean(x²) + eps)^-1/2
 * With g = dy * w:  dx = r * (g - x * r² * mean(g * x)). */
template <bool by_warp, int W, typename D, typename X>   /* dx is of x's type */
GK_KERNEL(by_warp ? WARP_THREADS : MOST_THREADS) rmsnorm_bwd_kernel(const D *dy, const X *x, const float *w, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride,
                                                                  X *dx, int32_t accumulate) {
  GK_SHARED float room[32];
  const int64_t r = own_row<by_warp>();
  if (r >= rows) return;
  const int64_t o = row_offset(r, width, per_token, stride);
  const float s = rstd[r];
  float g[HELD], v[HELD], sum = 0;
  load_row<by_warp, W>(g, dy + o, width);
  load_row<by_warp, W>(v, w, width);
  for (int k = 0; k < HELD; k++) g[k] *= v[k];
  load_row<by_warp, W>(v, x + o, width);
  for (int k = 0; k < HELD; k++) sum = fmaf(g[k], v[k], sum);
  const float c = row_sum<by_warp>(sum, room) * s * s / (float)width;
  for (int k = 0; k < HELD; k++) g[k] = s * fmaf(-v[k], c, g[k]);
  if (accumulate) {
    load_row<by_warp, W>(v, dx + o, width);
    for (int k = 0; k < HELD; k++) g[k] += v[k];
  }
  store_row<by_warp, W>(dx + o, g, width);
}

template <typename D, typename X>
GK_KERNEL(MOST_THREADS) rmsnorm_bwd_wide_kernel(const D *dy, const X *x, const float *w, const float *rstd, int64_t width, int64_t per_token, int64_t stride, X *dx, int32_t accumulate) {
  GK_SHARED float room[32];
  const int64_t r = blockIdx.x, o = row_offset(r, width, per_token, stride);
  const float s = rstd[r];
  float sum = 0;
  for (int64_t i = threadIdx.x; i < width; i += MOST_THREADS) sum = fmaf(act_to_f32(dy[o + i]) * w[i], act_to_f32(x[o + i]), sum);
  const float c = block_sum(sum, room) * s * s / (float)width;
  for (int64_t i = threadIdx.x; i < width; i += MOST_THREADS) {
    const float d = s * fmaf(-act_to_f32(x[o + i]), c, act_to_f32(dy[o + i]) * w[i]);
    act_store(dx + o + i, accumulate ? act_to_f32(dx[o + i]) + d : d);
  }
}

/* dw = Σ_rows dy * x * r */
template <typename D, typename X> GK_KERNEL(GK_COLUMN_THREADS) rmsnorm_dw_kernel(const D *dy, const X *x, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride, float *partial) {
  column_partials(rows, width, partial, [=](int64_t r, int64_t c) {
    const int64_t at = row_offset(r, width, per_token, stride) + c;
    return act_to_f32(dy[at]) * act_to_f32(x[at]) * rstd[r];
  });
}

template <typename D, typename X>
static gk_status backward(gk_backend *b, gk_act dy_act, gk_act x_act, const float *w, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride, gk_act dx_act,
                          int32_t accumulate, float *dw) {
  const D *dy = (const D *)dy_act.data;
  const X *x = (const X *)x_act.data;
  X *dx = (X *)dx_act.data;
  if (dw) {   /* first: dx may be dy */
    const int64_t chunks = gk_ceil_div(rows, GK_COLUMN_ROWS);
    float *partial = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, chunks * width * (int64_t)sizeof(float));
    if (!partial) return GK_OUT_OF_MEMORY;
    const unsigned columns = (unsigned)gk_ceil_div(width, GK_COLUMN_THREADS);
    GK_TRY(LAUNCH(b, (rmsnorm_dw_kernel<D, X>), (unsigned)(columns * chunks), GK_COLUMN_THREADS, 0, dy, x, rstd, rows, width, per_token, stride, partial));
    GK_TRY(LAUNCH(b, column_totals, columns, GK_COLUMN_THREADS, 0, partial, chunks, width, dw));
  }
  const bool wide = width % 4 == 0 && stride % 4 == 0 && gk_aligned(dy, x, w, dx);
  if (width > BLOCK_WIDTH) return LAUNCH(b, (rmsnorm_bwd_wide_kernel<D, X>), (unsigned)rows, MOST_THREADS, 0, dy, x, w, rstd, width, per_token, stride, dx, accumulate);
  const bool by_warp = width <= WARP_WIDTH;
  const unsigned grid = (unsigned)(by_warp ? gk_ceil_div(rows, WARP_THREADS / 32) : rows), threads = by_warp ? (unsigned)WARP_THREADS : block_threads(width);
  const auto kernel = by_warp ? (wide ? rmsnorm_bwd_kernel<true, 4, D, X> : rmsnorm_bwd_kernel<true, 1, D, X>) : wide ? rmsnorm_bwd_kernel<false, 4, D, X> : rmsnorm_bwd_kernel<false, 1, D, X>;
  return gk_cuda_launch(b, "rmsnorm_bwd_kernel", kernel, grid, threads, 0, dy, x, w, rstd, rows, width, per_token, stride, dx, accumulate);
}

gk_status gk_rmsnorm_bwd_cuda(gk_backend *b, gk_act dy, gk_act x, const float *w, const float *rstd, int64_t rows, int64_t width, int64_t per_token, int64_t stride, gk_act dx,
                              int32_t accumulate, float *dw) {
  if (gk_is_bf16(x) != gk_is_bf16(dx) || (gk_is_bf16(x) && !gk_is_bf16(dy))) return gk_acts_mixed("rmsnorm_bwd");
  return (gk_is_bf16(x) ? backward<gk_bf16, gk_bf16> : gk_is_bf16(dy) ? backward<gk_bf16, float> : backward<float, float>)(b, dy, x, w, rstd, rows, width, per_token, stride, dx, accumulate, dw);
}
