/* Activations as an op of this backend takes them: bf16 on the CUDA plug-in with GK_FAST, else f32. */
#ifndef GRAFT_ACTS_H
#define GRAFT_ACTS_H
#include "harness.h"

static inline gk_type act_type(const gk_backend *b) { return is_bf16(b) ? GK_BF16 : GK_F32; }

static inline uint16_t act_bits(float f) {
  uint32_t bits;
  memcpy(&bits, &f, 4);
  return f != f ? 0x7fff : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
static inline float act_value(uint16_t half) {
  const uint32_t bits = (uint32_t)half << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

/* x as an activation of type `type`, which x then holds exactly: in f32 x itself, in bf16 a guarded copy. */
static inline gk_act act_as(gk_type type, float *x, int64_t n) {
  if (type == GK_F32) return gk_f32(x);
  uint16_t *half = guarded(2 * n);
  for (int64_t i = 0; i < n; i++) x[i] = act_value(half[i] = act_bits(x[i]));
  return (gk_act){half, GK_BF16};
}
static inline gk_act act_of(const gk_backend *b, float *x, int64_t n) { return act_as(act_type(b), x, n); }
/* Guarded, all NaN. */
static inline gk_act act_empty(const gk_backend *b, int64_t n) { return act_of(b, guarded_f32(n), n); }
/* What it holds: in f32 its data, in bf16 a guarded copy. */
static inline float *act_floats(gk_act a, int64_t n) {
  if (a.type == GK_F32) return a.data;
  float *x = guarded_f32(n);
  for (int64_t i = 0; i < n; i++) x[i] = act_value(((const uint16_t *)a.data)[i]);
  return x;
}
/* Relative error of what an op rounds to the type. */
static inline double act_rounding(const gk_backend *b) { return is_bf16(b) ? 0x1p-8 : 0; }
#endif
