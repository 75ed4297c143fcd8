/* Activations of tests: in bf16 where the backend's are (is_bf16), else in f32. */
#ifndef GRAFT_ACTS_H
#define GRAFT_ACTS_H
#include "harness.h"

static inline gk_type act_type(const gk_backend *b) { return is_bf16(b) ? GK_BF16 : GK_F32; }

/* Rounds x to bf16 where activations are, so that it holds the values that the op sees, and returns a guarded copy; in f32 x itself. */
static inline gk_act act_of(const gk_backend *b, float *x, int64_t n) {
  if (!is_bf16(b)) return gk_f32(x);
  uint16_t *to = (uint16_t *)guarded(n * 2);
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, &x[i], 4);
    bits = x[i] != x[i] ? 0x7fc00000u : (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;   /* to nearest even */
    memcpy(&x[i], &bits, 4);
    to[i] = (uint16_t)(bits >> 16);
  }
  return (gk_act){to, GK_BF16};
}

/* Guarded, filled with NaN. */
static inline gk_act act_empty(const gk_backend *b, int64_t n) {
  if (!is_bf16(b)) return gk_f32(guarded_f32(n));
  void *data = guarded(n * 2);
  memset(data, 0xff, (size_t)n * 2);
  return (gk_act){data, GK_BF16};
}

/* What it holds now: the data itself in f32, a guarded copy of bf16. */
static inline float *act_floats(gk_act a, int64_t n) {
  if (a.type == GK_F32) return (float *)a.data;
  float *to = guarded_f32(n);
  for (int64_t i = 0; i < n; i++) {
    const uint32_t bits = (uint32_t)((const uint16_t *)a.data)[i] << 16;
    memcpy(&to[i], &bits, 4);
  }
  return to;
}

/* Largest relative error of a value written as an activation: bf16 has 8 significant bits. */
static inline double act_rounding(const gk_backend *b) { return is_bf16(b) ? 0x1p-8 : 0; }
#endif
