/* Numbers in pages: four at a time as f32. ops.h says where an element lies. */
#ifndef GRAFT_CUDA_PAGES_CUH
#define GRAFT_CUDA_PAGES_CUH
#include "backend.h"
#include "graft/blocks.h"

static inline bool gk_cuda_pages_type(gk_type type) { return type == GK_F32 || type == GK_F16 || type == GK_Q8_0; }
static inline gk_status gk_cuda_pages_check(const gk_pages *p) {
  const gk_type_info *type = gk_type_get(p->type);
  if (!type || !gk_cuda_pages_type(p->type)) return gk_cuda_fail(GK_UNSUPPORTED, "cuda: pages hold f32, f16 or q8_0, not %s", type ? type->name : "an unknown type");
  if (p->head_width % type->block_size != 0)
    return gk_cuda_fail(GK_UNSUPPORTED, "cuda: heads of width %d are no whole number of %s's blocks of %d; f32 and f16 hold any", (int)p->head_width, type->name, (int)type->block_size);
  return GK_OK;
}
/* May page_quad load whole quads of this memory? */
static inline bool gk_cuda_pages_vector(const gk_pages *p, const void *pages) {
  const uintptr_t unit = p->type == GK_F32 ? 16 : p->type == GK_Q8_0 ? 2 : 8;
  return p->head_width % 4 == 0 && (uintptr_t)pages % unit == 0;
}

GK_DEVICE int64_t page_element(const gk_pages &p, int64_t page, int g, int token) { return ((page * p.kv_heads + g) * p.page_tokens + token) * p.head_width; }

/* Elements 4 u .. 4 u + 3 of the row of `width` that begins at element `at` (of a whole number of blocks); zeros past its end. */
template <int type> GK_DEVICE float4 page_quad(const void *pages, int64_t at, int u, int width, bool vector) {
  if (type == GK_Q8_0) {
    const unsigned char *block = (const unsigned char *)pages + (at / GK_BLOCK + u / 8) * (int64_t)sizeof(gk_block_q8_0), *from = block + 2 + u % 8 * 4;
    uint32_t scale, low, high;
    if (4 * u >= width) return make_float4(0, 0, 0, 0);
    if (vector) scale = *(const uint16_t *)block, low = *(const uint16_t *)from, high = *(const uint16_t *)(from + 2);
    else scale = block[0] | block[1] << 8, low = from[0] | from[1] << 8, high = from[2] | from[3] << 8;
    const float d = f16_to_f32((uint16_t)scale);
    return make_float4(d * (float)(int8_t)low, d * (float)(int8_t)(low >> 8), d * (float)(int8_t)high, d * (float)(int8_t)(high >> 8));
  }
  if (vector && 4 * u >= width) return make_float4(0, 0, 0, 0);
  if (type == GK_F32) {
    const float *from = (const float *)pages + at + 4 * u;
    if (vector) return *(const float4 *)from;
    float v[4];
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = 4 * u + i < width ? from[i] : 0.0f;
    return make_float4(v[0], v[1], v[2], v[3]);
  }
  const uint16_t *from = (const uint16_t *)pages + at + 4 * u;
  uint32_t h[4];
  if (vector) {
    const uint2 pair = *(const uint2 *)from;
    h[0] = pair.x & 0xffff, h[1] = pair.x >> 16, h[2] = pair.y & 0xffff, h[3] = pair.y >> 16;
  } else {
#pragma unroll
    for (int i = 0; i < 4; i++) h[i] = 4 * u + i < width ? from[i] : 0;
  }
  return make_float4(f16_to_f32((uint16_t)h[0]), f16_to_f32((uint16_t)h[1]), f16_to_f32((uint16_t)h[2]), f16_to_f32((uint16_t)h[3]));
}
/* The same where the type is known at run time only. */
GK_DEVICE float4 page_quad_of(int type, const void *pages, int64_t at, int u, int width, bool vector) {
  if (type == GK_F32) return page_quad<GK_F32>(pages, at, u, width, vector);
  return type == GK_F16 ? page_quad<GK_F16>(pages, at, u, width, vector) : page_quad<GK_Q8_0>(pages, at, u, width, vector);
}

/* Returns f<type>(arguments...) for the pages' type. */
#define GK_BY_PAGE_TYPE(page_type, f, ...)              \
  switch (page_type) {                                  \
    case GK_F32: return f<GK_F32>(__VA_ARGS__);         \
    case GK_F16: return f<GK_F16>(__VA_ARGS__);         \
    default: return f<GK_Q8_0>(__VA_ARGS__);            \
  }
#endif
