/* Writing keys and values into pages, rounded as gk_quantize does. */
#include "acts.cuh"
#include "pages.cuh"

enum { THREADS = 256 };

/* A warp to 32 elements of a head's row: row i and head g of x [n, G, D], f32 or bf16, become token slots[i]. */
template <int type> GK_KERNEL(THREADS) pages_write_kernel(gk_pages p, const void *x, bool bf16, const int32_t *slots, int64_t n, void *pages) {
  const int per_row = (p.head_width + 31) / 32, lane = (int)threadIdx.x % 32;
  const int64_t warp = (int64_t)blockIdx.x * (THREADS / 32) + threadIdx.x / 32;
  if (warp >= n * p.kv_heads * per_row) return;   /* the whole warp */
  const int column = (int)(warp % per_row) * 32 + lane, g = (int)(warp / per_row % p.kv_heads);
  const int64_t i = warp / per_row / p.kv_heads;
  const int slot = slots[i];
  const int64_t at = page_element(p, slot / p.page_tokens, g, slot % p.page_tokens) + column;
  const bool inside = column < p.head_width;
  const float v = inside ? act_get(x, bf16, (i * p.kv_heads + g) * p.head_width + column) : 0.0f;
  if (type == GK_Q8_0) {   /* d = max |x| / 127, q = x / d to the nearest, halves away from zero; NaN makes d NaN */
    const float d = warp_max(fabsf(v)) / 127.0f, inverse = d != 0 ? 1.0f / d : 0.0f, scaled = product(v, inverse), whole = truncf(scaled);
    const float level = whole + (fabsf(scaled - whole) >= 0.5f ? copysignf(1.0f, scaled) : 0.0f);
    unsigned char *block = (unsigned char *)pages + at / GK_BLOCK * (int64_t)sizeof(gk_block_q8_0);
    block[2 + lane] = (unsigned char)(int8_t)(fabsf(level) <= 127.0f ? (int32_t)level : 0);
    const uint16_t half = f32_to_f16(d);
    if (lane < 2) block[lane] = (unsigned char)(half >> 8 * lane);
  } else if (inside) {
    if (type == GK_F32) ((float *)pages)[at] = v;
    else ((uint16_t *)pages)[at] = f32_to_f16(v);
  }
}

template <int type> static gk_status write_rows(gk_backend *b, const gk_pages *p, gk_act x, const int32_t *slots, int64_t n, void *pages) {
  const int64_t warps = n * p->kv_heads * gk_ceil_div(p->head_width, 32);
  return LAUNCH(b, pages_write_kernel<type>, (unsigned)gk_ceil_div(warps, THREADS / 32), THREADS, 0, *p, x.data, gk_is_bf16(x), slots, n, pages);
}

gk_status gk_pages_write_cuda(gk_backend *b, const gk_pages *p, gk_act x, const int32_t *slots, int64_t n, void *pages) {
  GK_TRY(gk_cuda_pages_check(p));
  if (n <= 0) return GK_OK;
  const int32_t *places = nullptr;
  GK_TRY(gk_cuda_stage_array(b, slots, n, &places));
  GK_BY_PAGE_TYPE(p->type, write_rows, b, p, x, places, n, pages)
}
