/* Activations in f32 or bf16 (gk_act): read as f32, computed with in f32, rounded to nearest even when they are written. */
#ifndef GRAFT_CUDA_ACTS_CUH
#define GRAFT_CUDA_ACTS_CUH
#include "backend.h"

struct gk_bf16 { uint16_t bits; };

GK_DEVICE float act_to_f32(float v) { return v; }
GK_DEVICE float act_to_f32(gk_bf16 v) { return bf16_to_f32(v.bits); }
GK_DEVICE void act_store(float *to, float v) { *to = v; }
GK_DEVICE void act_store(gk_bf16 *to, float v) { to->bits = (uint16_t)bf16_pair(v, 0.0f); }

GK_DEVICE float low_bf16(uint32_t pair) { return bits_to_f32(pair << 16); }
GK_DEVICE float high_bf16(uint32_t pair) { return bits_to_f32(pair & 0xffff0000u); }

/* Four neighbours at once, from where loads of all four may be aligned: 16 bytes of f32, 8 of bf16. */
GK_DEVICE float4 act_load_4(const float *from) { return *(const float4 *)from; }
GK_DEVICE float4 act_load_4(const gk_bf16 *from) {
  const uint2 q = *(const uint2 *)from;
  return make_float4(low_bf16(q.x), high_bf16(q.x), low_bf16(q.y), high_bf16(q.y));
}
GK_DEVICE void act_store_4(float *to, float4 v) { *(float4 *)to = v; }
GK_DEVICE void act_store_4(gk_bf16 *to, float4 v) { *(uint2 *)to = make_uint2(bf16_pair(v.x, v.y), bf16_pair(v.z, v.w)); }
/* Two: 8 bytes, or 4. */
GK_DEVICE float2 act_load_2(const float *from) { return *(const float2 *)from; }
GK_DEVICE float2 act_load_2(const gk_bf16 *from) {
  const uint32_t pair = *(const uint32_t *)from;
  return make_float2(low_bf16(pair), high_bf16(pair));
}
GK_DEVICE void act_store_2(float *to, float x, float y) { *(float2 *)to = make_float2(x, y); }
GK_DEVICE void act_store_2(gk_bf16 *to, float x, float y) { *(uint32_t *)to = bf16_pair(x, y); }
/* Element i of a tensor whose type is known when the kernel runs. */
GK_DEVICE float act_get(const void *from, bool bf16, int64_t i) { return bf16 ? act_to_f32(((const gk_bf16 *)from)[i]) : ((const float *)from)[i]; }
GK_DEVICE void act_put(void *to, bool bf16, int64_t i, float v) {
  if (bf16) act_store((gk_bf16 *)to + i, v);
  else ((float *)to)[i] = v;
}

static inline bool gk_aligned(const void *p, uintptr_t bytes) { return (uintptr_t)p % bytes == 0; }
static inline bool gk_is_bf16(gk_act a) { return a.type == GK_BF16; }
static inline int64_t gk_act_bytes(gk_act a) { return a.type == GK_BF16 ? 2 : 4; }
/* All of these types? */
template <typename... A> static inline bool gk_acts_are(gk_type type, A... acts) { return ((acts.type == type) && ...); }
static inline gk_status gk_acts_mixed(const char *op) { return gk_cuda_fail(GK_UNSUPPORTED, "cuda: %s of activations of types that it does not mix", op); }
#endif
