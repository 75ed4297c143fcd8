/* Weights to bf16 and f32, and rows of them by number. One thread takes eight elements; a warp's stores lie side by side. */
#include "dequantize.cuh"
#include "matmul.h"

enum { THREADS = 256 };

#define EACH(i, n) for (int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x; i < (n); i += (int64_t)gridDim.x * THREADS)

/* dst [8 runs]; rows of whole blocks lie end to end, so a row's number does not matter. */
template <gk_type t> GK_KERNEL(THREADS) quantized_to_bf16(const uint8_t *w, int64_t runs, uint4 *dst) {
  EACH(i, runs) {
    float v[8];
    decode_run<t>(w, i, v);
    dst[i] = bf16_run(v);
  }
}
template <gk_type t> GK_KERNEL(THREADS) quantized_to_f32(const uint8_t *w, int64_t runs, float4 *dst) {
  EACH(i, runs) {
    float v[8];
    decode_run<t>(w, i, v);
    dst[2 * i] = make_float4(v[0], v[1], v[2], v[3]);
    dst[2 * i + 1] = make_float4(v[4], v[5], v[6], v[7]);
  }
}

/* src [rows,columns], row stride ld elements -> dst [rows, 8 runs], zeros past a row's end. */
template <gk_type t> GK_KERNEL(THREADS) floats_to_bf16(const uint8_t *src, int64_t ld, int64_t rows, int64_t columns, int64_t runs, int32_t wide, uint4 *dst) {
  EACH(i, rows * runs) {
    float v[8];
    load_run<t>(src + i / runs * ld * gk_layout<t>::bytes, i % runs, columns, wide, v);
    dst[i] = bf16_run(v);
  }
}
template <gk_type t> GK_KERNEL(THREADS) floats_to_f32(const uint8_t *src, int64_t n, float *dst) {
  EACH(i, n) dst[i] = element_at<t>(src, i);
}

/* y [T,k] = W[ids[t], :]; wide: y is aligned to 16. */
template <gk_type t> GK_KERNEL(THREADS) embed_quantized(const uint8_t *w, const int32_t *ids, int64_t rows, int64_t runs, int32_t wide, float *y) {
  EACH(i, rows * runs) {
    float v[8];
    decode_run<t>(w + ids[i / runs] * (runs / gk_layout<t>::runs * gk_layout<t>::bytes), i % runs, v);
    if (wide) {
      ((float4 *)y)[2 * i] = make_float4(v[0], v[1], v[2], v[3]);
      ((float4 *)y)[2 * i + 1] = make_float4(v[4], v[5], v[6], v[7]);
    } else {
#pragma unroll
      for (int e = 0; e < 8; e++) y[8 * i + e] = v[e];
    }
  }
}
template <gk_type t> GK_KERNEL(THREADS) embed_floats(const uint8_t *w, const int32_t *ids, int64_t rows, int64_t k, float *y) {
  EACH(i, rows * k) y[i] = element_at<t>(w, ids[i / k] * k + i % k);
}

gk_status gk_cuda_check_weight(const gk_weight &w) {
  const gk_type_info *info = gk_type_get(w.type);
  if (!info || w.k % info->block_size) return gk_cuda_fail(GK_UNSUPPORTED, "cuda: a weight of type %d with rows of %lld", (int)w.type, (long long)w.k);
  if (!gk_aligned(w.data, info->block_bytes % 4 ? 2 : 4)) return gk_cuda_fail(GK_UNSUPPORTED, "cuda: a %s weight that is not aligned to 4 bytes", info->name);
  return GK_OK;
}

static const uint8_t *row_of(const gk_weight &w, int64_t row) { return (const uint8_t *)w.data + row * gk_type_bytes(w.type, w.k); }

gk_status gk_cuda_weight_bf16(gk_backend *b, const gk_weight &w, int64_t begin, int64_t rows, uint16_t *dst) {
  const uint8_t *src = row_of(w, begin);
  const int64_t per_row = gk_round_8(w.k) / 8, runs = rows * per_row;
  const unsigned grid = gk_cuda_grid(b, runs, THREADS);
  const bool wide = w.k % 8 == 0 && gk_aligned(src, 16);
  switch (w.type) {
#define CASE(t) case t: return LAUNCH(b, quantized_to_bf16<t>, grid, THREADS, 0, src, runs, (uint4 *)dst);
    GK_WITH_QUANTIZED(CASE)
#undef CASE
#define CASE(t) case t: return LAUNCH(b, floats_to_bf16<t>, grid, THREADS, 0, src, w.k, rows, w.k, per_row, wide, (uint4 *)dst);
    GK_WITH_FLOAT(CASE)
#undef CASE
    default: return gk_cuda_check_weight(w);
  }
}

gk_status gk_cuda_weight_f32(gk_backend *b, const gk_weight &w, int64_t begin, int64_t rows, float *dst) {
  const uint8_t *src = row_of(w, begin);
  const int64_t n = rows * w.k;
  switch (w.type) {
#define CASE(t) case t: return LAUNCH(b, quantized_to_f32<t>, gk_cuda_grid(b, n / 8, THREADS), THREADS, 0, src, n / 8, (float4 *)dst);
    GK_WITH_QUANTIZED(CASE)
#undef CASE
#define CASE(t) case t: return LAUNCH(b, floats_to_f32<t>, gk_cuda_grid(b, n, THREADS), THREADS, 0, src, n, dst);
    GK_WITH_FLOAT(CASE)
#undef CASE
    default: return gk_cuda_check_weight(w);
  }
}

gk_status gk_cuda_to_bf16(gk_backend *b, gk_act x, int64_t ldx, int64_t rows, int64_t columns, uint16_t *dst) {
  const int64_t runs = gk_round_8(columns) / 8;
  const bool wide = columns % 8 == 0 && ldx % (16 / gk_act_bytes(x)) == 0 && gk_aligned(x.data, 16);
  return gk_cuda_launch(b, "floats_to_bf16", gk_is_bf16(x) ? floats_to_bf16<GK_BF16> : floats_to_bf16<GK_F32>, gk_cuda_grid(b, rows * runs, THREADS), THREADS, 0, (const uint8_t *)x.data, ldx, rows,
                        columns, runs, wide, (uint4 *)dst);
}

gk_status gk_embed_cuda(gk_backend *b, const gk_weight *w, const int32_t *ids, int64_t t, float *y) {
  GK_TRY(gk_cuda_check_weight(*w));
  const int32_t *staged = nullptr;
  GK_TRY(gk_cuda_stage_array(b, ids, t, &staged));
  const uint8_t *src = (const uint8_t *)w->data;
  switch (w->type) {
#define CASE(t_) \
  case t_: return LAUNCH(b, embed_quantized<t_>, gk_cuda_grid(b, t * w->k / 8, THREADS), THREADS, 0, src, staged, t, w->k / 8, gk_aligned(y, 16), y);
    GK_WITH_QUANTIZED(CASE)
#undef CASE
#define CASE(t_) case t_: return LAUNCH(b, embed_floats<t_>, gk_cuda_grid(b, t * w->k, THREADS), THREADS, 0, src, staged, t, w->k, y);
    GK_WITH_FLOAT(CASE)
#undef CASE
    default: return GK_UNSUPPORTED;
  }
}
