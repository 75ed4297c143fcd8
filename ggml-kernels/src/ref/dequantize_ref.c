/* Dequantization, the plain reference: every type's block to f32.
 *
 * The order of float operations is the format's definition, since it fixes the last bit: this file is compiled without
 * contraction of a*b+c to fma. Formulas: include/graft/blocks.h. All functions overwrite dst[0..n).
 */
#include "dequantize.h"
#include "graft/blocks.h"
#include <string.h>

static float f32_from_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

float gk_f16_to_f32(uint16_t h) {
  const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent == 31) /* infinity, or a NaN: kept quiet, with its payload */
    return f32_from_bits(sign | 0x7F800000u | fraction << 13 | (fraction ? 0x00400000u : 0));
  if (exponent == 0) { /* zero or subnormal: fraction * 2^-24, exact */
    const float f = (float)fraction * 0x1p-24f;
    return sign ? -f : f;
  }
  return f32_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

float gk_bf16_to_f32(uint16_t h) {
  return f32_from_bits((uint32_t)h << 16);
}

void gk_q4_K_scale(const uint8_t scales[12], int s, int *scale, int *min) {
  if (s < 4) {
    *scale = scales[s] & 63;
    *min = scales[s + 4] & 63;
  } else {
    *scale = (scales[s + 4] & 15) | (scales[s - 4] >> 6) << 4;
    *min = (scales[s + 4] >> 4) | (scales[s] >> 6) << 4;
  }
}

static const int8_t iq4_values[16] = {GK_IQ4_VALUES};

static void f32_ref(const void *src, float *dst, int64_t n) {
  memcpy(dst, src, (size_t)n * 4);
}

static void f16_ref(const void *src, float *dst, int64_t n) {
  const uint16_t *h = src;
  for (int64_t i = 0; i < n; i++) dst[i] = gk_f16_to_f32(h[i]);
}

static void bf16_ref(const void *src, float *dst, int64_t n) {
  const uint16_t *h = src;
  for (int64_t i = 0; i < n; i++) dst[i] = gk_bf16_to_f32(h[i]);
}

static void q4_0_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q4_0 *b = src;
  for (; n > 0; n -= 32, dst += 32, b++) {
    const float d = gk_f16_to_f32(b->d);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float)((b->qs[j] & 15) - 8) * d;
      dst[j + 16] = (float)((b->qs[j] >> 4) - 8) * d;
    }
  }
}

static void q4_1_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q4_1 *b = src;
  for (; n > 0; n -= 32, dst += 32, b++) {
    const float d = gk_f16_to_f32(b->d), m = gk_f16_to_f32(b->m);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float)(b->qs[j] & 15) * d + m;
      dst[j + 16] = (float)(b->qs[j] >> 4) * d + m;
    }
  }
}

/* Bit i of four little-endian bytes, as 16 or 0. */
static int fifth_bit(const uint8_t qh[4], int i) {
  return (qh[i / 8] >> i % 8 & 1) << 4;
}

static void q5_0_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q5_0 *b = src;
  for (; n > 0; n -= 32, dst += 32, b++) {
    const float d = gk_f16_to_f32(b->d);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float)(((b->qs[j] & 15) | fifth_bit(b->qh, j)) - 16) * d;
      dst[j + 16] = (float)(((b->qs[j] >> 4) | fifth_bit(b->qh, j + 16)) - 16) * d;
    }
  }
}

static void q5_1_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q5_1 *b = src;
  for (; n > 0; n -= 32, dst += 32, b++) {
    const float d = gk_f16_to_f32(b->d), m = gk_f16_to_f32(b->m);
    for (int j = 0; j < 16; j++) {
      dst[j] = (float)((b->qs[j] & 15) | fifth_bit(b->qh, j)) * d + m;
      dst[j + 16] = (float)((b->qs[j] >> 4) | fifth_bit(b->qh, j + 16)) * d + m;
    }
  }
}

static void q8_0_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q8_0 *b = src;
  for (; n > 0; n -= 32, dst += 32, b++) {
    const float d = gk_f16_to_f32(b->d);
    for (int j = 0; j < 32; j++) dst[j] = (float)b->qs[j] * d;
  }
}

static void q2_K_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q2_K *b = src;
  for (; n > 0; n -= 256, dst += 256, b++) {
    const float d = gk_f16_to_f32(b->d), dmin = gk_f16_to_f32(b->dmin);
    for (int i = 0; i < 256; i++) {
      const int s = b->scales[i / 16];
      const float scale = d * (float)(s & 15), min = dmin * (float)(s >> 4);
      const int q = b->qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3;
      dst[i] = scale * (float)q - min;
    }
  }
}

void gk_q3_K_scales(const uint8_t packed[12], int8_t scales[16]) {
  for (int s = 0; s < 16; s++) {
    const int low = s < 8 ? packed[s] & 15 : packed[s - 8] >> 4;
    const int high = packed[8 + s % 4] >> (2 * (s / 4)) & 3;
    scales[s] = (int8_t)((low | high << 4) - 32);
  }
}

static void q3_K_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q3_K *b = src;
  for (; n > 0; n -= 256, dst += 256, b++) {
    const float d = gk_f16_to_f32(b->d);
    int8_t scales[16];
    gk_q3_K_scales(b->scales, scales);
    for (int i = 0; i < 256; i++) {
      const float scale = d * (float)scales[i / 16];
      const int q = b->qs[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32)) & 3;
      const int bit = b->hmask[i % 32] >> (i / 32) & 1;
      dst[i] = scale * (float)(q - (bit ? 0 : 4));
    }
  }
}

static void q4_K_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q4_K *b = src;
  for (; n > 0; n -= 256, dst += 256, b++) {
    const float d = gk_f16_to_f32(b->d), dmin = gk_f16_to_f32(b->dmin);
    for (int s = 0; s < 8; s++) {
      int scale, min;
      gk_q4_K_scale(b->scales, s, &scale, &min);
      const float ds = d * (float)scale, ms = dmin * (float)min;
      for (int l = 0; l < 32; l++) {
        const int q = b->qs[32 * (s / 2) + l] >> (4 * (s % 2)) & 15;
        dst[32 * s + l] = ds * (float)q - ms;
      }
    }
  }
}

static void q5_K_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q5_K *b = src;
  for (; n > 0; n -= 256, dst += 256, b++) {
    const float d = gk_f16_to_f32(b->d), dmin = gk_f16_to_f32(b->dmin);
    for (int s = 0; s < 8; s++) {
      int scale, min;
      gk_q4_K_scale(b->scales, s, &scale, &min);
      const float ds = d * (float)scale, ms = dmin * (float)min;
      for (int l = 0; l < 32; l++) {
        const int q = (b->qs[32 * (s / 2) + l] >> (4 * (s % 2)) & 15) | (b->qh[l] >> s & 1) << 4;
        dst[32 * s + l] = ds * (float)q - ms;
      }
    }
  }
}

static void q6_K_ref(const void *src, float *dst, int64_t n) {
  const gk_block_q6_K *b = src;
  for (; n > 0; n -= 256, dst += 256, b++) {
    const float d = gk_f16_to_f32(b->d);
    for (int i = 0; i < 256; i++) {
      const int half = i / 128, r = i % 128 / 32, l = i % 32;
      const int low = b->ql[64 * half + 32 * (r & 1) + l] >> (r < 2 ? 0 : 4) & 15;
      const int high = b->qh[32 * half + l] >> (2 * r) & 3;
      dst[i] = d * (float)b->scales[i / 16] * (float)((low | high << 4) - 32);
    }
  }
}

static void iq4_nl_ref(const void *src, float *dst, int64_t n) {
  const gk_block_iq4_nl *b = src;
  for (; n > 0; n -= 32, dst += 32, b++) {
    const float d = gk_f16_to_f32(b->d);
    for (int j = 0; j < 16; j++) {
      dst[j] = d * (float)iq4_values[b->qs[j] & 15];
      dst[j + 16] = d * (float)iq4_values[b->qs[j] >> 4];
    }
  }
}

static void iq4_xs_ref(const void *src, float *dst, int64_t n) {
  const gk_block_iq4_xs *b = src;
  for (; n > 0; n -= 256, dst += 256, b++) {
    const float d = gk_f16_to_f32(b->d);
    for (int s = 0; s < 8; s++) {
      const int scale = (b->scales_l[s / 2] >> (4 * (s % 2)) & 15) | (b->scales_h >> (2 * s) & 3) << 4;
      const float ds = d * (float)(scale - 32);
      for (int j = 0; j < 16; j++) {
        dst[32 * s + j] = ds * (float)iq4_values[b->qs[16 * s + j] & 15];
        dst[32 * s + j + 16] = ds * (float)iq4_values[b->qs[16 * s + j] >> 4];
      }
    }
  }
}

const gk_dequantize_fn gk_dequantize_table_ref[GK_TYPE_LIMIT] = {
  [GK_F32] = f32_ref,     [GK_F16] = f16_ref,   [GK_BF16] = bf16_ref,     [GK_Q4_0] = q4_0_ref,
  [GK_Q4_1] = q4_1_ref,   [GK_Q5_0] = q5_0_ref, [GK_Q5_1] = q5_1_ref,     [GK_Q8_0] = q8_0_ref,
  [GK_Q2_K] = q2_K_ref,   [GK_Q3_K] = q3_K_ref, [GK_Q4_K] = q4_K_ref,     [GK_Q5_K] = q5_K_ref,
  [GK_Q6_K] = q6_K_ref,   [GK_IQ4_NL] = iq4_nl_ref, [GK_IQ4_XS] = iq4_xs_ref,
};

void gk_dequantize_ref(gk_type type, const void *src, float *dst, int64_t n) {
  gk_dequantize_table_ref[type](src, dst, n);
}
