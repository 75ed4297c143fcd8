/* Values into weights, ggml's rounding. Formats: docs/formats.md */
#include <math.h>
#include <string.h>

#include "graft/blocks.h"
#include "graft/ops.h"

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

/* Round to nearest even; beyond the range an infinity; NaN stays a quiet NaN. */
static gk_f16 f16_of(float x) {
  uint32_t bits = bits_of(x) & 0x7fffffffu;
  const uint32_t sign = bits_of(x) >> 16 & 0x8000u;
  if (bits > 0x7f800000u) return (gk_f16)(sign | 0x7e00u | (bits >> 13 & 0x3ffu));
  if (bits >= 0x477ff000u) return (gk_f16)(sign | 0x7c00u);                             /* 65520 and more */
  if (bits < 0x38800000u) return (gk_f16)(sign | (uint32_t)lrintf(fabsf(x) * 0x1p24f)); /* subnormal */
  bits += 0xfffu + (bits >> 13 & 1u);
  return (gk_f16)(sign | (bits - (112u << 23)) >> 13);
}

static uint16_t bf16_of(float x) {
  const uint32_t bits = bits_of(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 64u);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* d = max |x| / 127, q = x / d to the nearest, halves away from zero. */
static void q8_0_of(const float *x, gk_block_q8_0 *block) {
  float peak = 0;
  for (int i = 0; i < GK_BLOCK; i++) peak = fmaxf(peak, fabsf(x[i]));
  const float d = peak / 127.0f, inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = f16_of(d);
  for (int i = 0; i < GK_BLOCK; i++) block->qs[i] = (int8_t)roundf(x[i] * inverse);
}

gk_status gk_quantize(gk_type type, const float *src, void *dst, int64_t n) {
  uint16_t *words = dst;
  switch (type) {
    case GK_F32: memcpy(dst, src, (size_t)n * sizeof *src); return GK_OK;
    case GK_F16: for (int64_t i = 0; i < n; i++) words[i] = f16_of(src[i]); return GK_OK;
    case GK_BF16: for (int64_t i = 0; i < n; i++) words[i] = bf16_of(src[i]); return GK_OK;
    case GK_Q8_0: for (int64_t i = 0; i < n / GK_BLOCK; i++) q8_0_of(src + i * GK_BLOCK, (gk_block_q8_0 *)dst + i); return GK_OK;
    default: return GK_UNSUPPORTED;
  }
}
