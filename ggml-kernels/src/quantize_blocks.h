/* From fits to blocks: what every instruction set does in the same way, compiled once for each. The order of float operations is ggml's. */
#ifndef GK_QUANTIZE_BLOCKS_H
#define GK_QUANTIZE_BLOCKS_H
#include <math.h>
#include <string.h>

#include "dequantize.h"
#include "graft/blocks.h"
#include "quantize.h"

/* An instruction set that has these in hardware says so. */
#ifndef GK_TO_F16
#define GK_TO_F16(x) gk_f32_to_f16(x)
#define GK_FROM_F16(h) gk_f16_to_f32(h)
#endif

#define GK_BLOCKS_INLINE static inline __attribute__((always_inline, unused))

static const int8_t gk_iq4_values[16] = {GK_IQ4_VALUES};

/* To the nearest integer, halves to even, by the bits of x + 1.5 * 2^23: exact to 2^22, and beyond it the same as ggml. */
GK_BLOCKS_INLINE int32_t gk_nearest(float x) {
  const float shifted = x + 12582912.0f;
  int32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (bits & 0x007fffff) - 0x00400000;
}

GK_BLOCKS_INLINE int32_t gk_clamp(int32_t x, int32_t low, int32_t high) {
  x = x < high ? x : high;
  return x > low ? x : low;
}

/* Levels of a sub-block before its scale was rounded. peak: half the levels of a symmetric type. */
GK_BLOCKS_INLINE void gk_fit_levels(const float *x, int n, float inverse, float origin, int high, uint8_t *levels) {
  for (int i = 0; i < n; i++) levels[i] = (uint8_t)gk_clamp(gk_nearest(inverse * (x[i] - origin)), 0, high);
}
GK_BLOCKS_INLINE void gk_fit_levels_symmetric(const float *x, int n, float inverse, int peak, uint8_t *levels) {
  for (int i = 0; i < n; i++) levels[i] = inverse == 0 ? 0 : (uint8_t)(peak + gk_clamp(gk_nearest(inverse * x[i]), -peak, peak - 1));
}

/* Levels for a rounded scale d != 0 and min m. */
GK_BLOCKS_INLINE void gk_round_levels(const float *x, int n, float d, float m, int high, uint8_t *levels) {
  for (int i = 0; i < n; i++) levels[i] = (uint8_t)gk_clamp(gk_nearest((x[i] + m) / d), 0, high);
}
GK_BLOCKS_INLINE void gk_round_levels_symmetric(const float *x, int n, float d, int peak, uint8_t *levels) {
  for (int i = 0; i < n; i++) levels[i] = (uint8_t)(peak + gk_clamp(gk_nearest(x[i] / d), -peak, peak - 1));
}

/* Index of the nearest of the 16 table values, the upper of two equally near: the number of midpoints at or below x. */
GK_BLOCKS_INLINE int gk_iq4_index(float x) {
  const float twice = x + x;
  int index = 0;
  for (int i = 1; i < 16; i++) index += twice >= (float)(gk_iq4_values[i - 1] + gk_iq4_values[i]);
  return index;
}

/* Two bits each: element i of a half at byte i % 32, shift 2 (i / 32). */
GK_BLOCKS_INLINE void gk_pack_pairs(const uint8_t *levels, uint8_t *qs) {
  for (int h = 0; h < 2; h++, levels += 128, qs += 32)
    for (int i = 0; i < 32; i++) qs[i] = (uint8_t)(levels[i] | levels[i + 32] << 2 | levels[i + 64] << 4 | levels[i + 96] << 6);
}
GK_BLOCKS_INLINE void gk_pack_nibbles_32(const uint8_t *levels, uint8_t *qs) {
  for (int i = 0; i < 16; i++) qs[i] = (uint8_t)((levels[i] & 15) | levels[i + 16] << 4);
}
GK_BLOCKS_INLINE void gk_pack_fifth_32(const uint8_t *levels, uint8_t qh[4]) {
  uint32_t bits = 0;
  for (int i = 0; i < 32; i++) bits |= (uint32_t)(levels[i] >> 4 & 1) << i;
  memcpy(qh, &bits, sizeof bits);
}
GK_BLOCKS_INLINE void gk_pack_nibbles_256(const uint8_t *levels, uint8_t *qs) {
  for (int pair = 0; pair < 4; pair++, levels += 64, qs += 32)
    for (int i = 0; i < 32; i++) qs[i] = (uint8_t)((levels[i] & 15) | levels[i + 32] << 4);
}
GK_BLOCKS_INLINE void gk_pack_fifth_256(const uint8_t *levels, uint8_t *qh) {
  for (int i = 0; i < 32; i++) {
    uint8_t bits = 0;
    for (int s = 0; s < 8; s++) bits |= (uint8_t)((levels[32 * s + i] >> 4 & 1) << s);
    qh[i] = bits;
  }
}
/* The 6-bit scales and mins of q4_K and q5_K. */
GK_BLOCKS_INLINE void gk_pack_scales(const uint8_t scale[8], const uint8_t min[8], uint8_t packed[12]) {
  for (int s = 0; s < 4; s++) {
    packed[s] = (uint8_t)((scale[s] & 63) | scale[s + 4] >> 4 << 6);
    packed[s + 4] = (uint8_t)((min[s] & 63) | min[s + 4] >> 4 << 6);
    packed[s + 8] = (uint8_t)((scale[s + 4] & 15) | min[s + 4] << 4);
  }
}

/* n nonnegative numbers as level * (the result), levels to `high`, least squares under weights w: nine scales are tried, then levels are
 * moved one at a time while the fit improves. */
GK_BLOCKS_INLINE float gk_fit_positive(int n, int high, const float *x, const float *w, uint8_t *levels) {
  float peak = 0;
  for (int i = 0; i < n; i++) peak = peak > x[i] ? peak : x[i];
  if (peak == 0) {
    memset(levels, 0, (size_t)n);
    return 0;
  }
  float inverse = (float)high / peak;
  const float first = 1 / inverse;
  float best = 0;
  for (int i = 0; i < n; i++) {
    const uint8_t level = (uint8_t)gk_nearest(inverse * x[i]);
    const float off = x[i] - first * (float)level;
    best += w[i] * off * off;
  }
  for (int step = -4; step <= 4; step++) {
    if (step == 0) continue;
    const float tried = (0.1f * (float)step + (float)high) / peak, scale = 1 / tried;
    float error = 0;
    for (int i = 0; i < n; i++) {
      const int32_t l = gk_nearest(tried * x[i]), level = l < high ? l : high;
      const float off = x[i] - scale * (float)level;
      error += w[i] * off * off;
    }
    if (error < best) {
      best = error;
      inverse = tried;
    }
  }
  float xl = 0, ll = 0;   /* sums of w x level, w level² */
  for (int i = 0; i < n; i++) {
    const int32_t l = gk_nearest(inverse * x[i]), level = l < high ? l : high;
    levels[i] = (uint8_t)level;
    xl += w[i] * x[i] * (float)level;
    ll += w[i] * (float)level * (float)level;
  }
  for (int round = 0; round < 5; round++) {
    int moved = 0;
    for (int i = 0; i < n; i++) {
      float xl_less = xl - w[i] * x[i] * (float)levels[i], ll_less = ll - w[i] * (float)levels[i] * (float)levels[i];
      if (!(xl_less > 0 && ll_less > 0)) continue;
      const int32_t l = gk_nearest(x[i] * ll_less / xl_less), level = l < high ? l : high;
      if (level == levels[i]) continue;
      xl_less += w[i] * x[i] * (float)level;
      ll_less += w[i] * (float)level * (float)level;
      if (xl_less * xl_less * ll > xl * xl * ll_less) {
        levels[i] = (uint8_t)level;
        xl = xl_less;
        ll = ll_less;
        moved++;
      }
    }
    if (!moved) break;
  }
  return ll > 0 ? xl / ll : 0;
}

/* Scales and mins of a super-block's sub-blocks, rounded: by their largest, or under weights. f16 d and dmin out. */
GK_BLOCKS_INLINE void gk_round_scales(const gk_fits *fits, int sub_blocks, int high, int weighted, uint8_t *scale, uint8_t *min, gk_f16 *d, gk_f16 *dmin) {
  if (weighted) {
    *d = GK_TO_F16(gk_fit_positive(sub_blocks, high, fits->scale, fits->weight, scale));
    *dmin = GK_TO_F16(gk_fit_positive(sub_blocks, high, fits->min, fits->weight, min));
    return;
  }
  float largest_scale = 0, largest_min = 0;
  for (int s = 0; s < sub_blocks; s++) {
    if (fits->scale[s] > largest_scale) largest_scale = fits->scale[s];
    if (fits->min[s] > largest_min) largest_min = fits->min[s];
  }
  const float per_scale = largest_scale > 0 ? (float)high / largest_scale : 0, per_min = largest_min > 0 ? (float)high / largest_min : 0;
  for (int s = 0; s < sub_blocks; s++) {
    const uint8_t l = (uint8_t)gk_nearest(per_scale * fits->scale[s]), m = (uint8_t)gk_nearest(per_min * fits->min[s]);
    scale[s] = l < high ? l : (uint8_t)high;
    min[s] = m < high ? m : (uint8_t)high;
  }
  *d = GK_TO_F16(largest_scale / (float)high);
  *dmin = GK_TO_F16(largest_min / (float)high);
}

/* Levels of all 256 values, sub_block values to a rounded scale and min. */
GK_BLOCKS_INLINE void gk_levels_with_min(const float *x, const gk_fits *fits, int sub_block, int high, const uint8_t *scale, const uint8_t *min, gk_f16 d, gk_f16 dmin, uint8_t *levels) {
  const float unit = GK_FROM_F16(d), min_unit = GK_FROM_F16(dmin);
  for (int s = 0; s < GK_SUPER / sub_block; s++) {
    const float scaled = unit * (float)scale[s];
    if (scaled != 0) gk_round_levels(x + s * sub_block, sub_block, scaled, min_unit * (float)min[s], high, levels + s * sub_block);
    else gk_fit_levels(x + s * sub_block, sub_block, fits->inverse[s], fits->origin[s], high, levels + s * sub_block);
  }
}

GK_BLOCKS_INLINE void gk_finish_q2_K(const float *x, const gk_fits *fits, int weighted, gk_block_q2_K *block) {
  uint8_t scale[16], min[16], levels[GK_SUPER];
  gk_round_scales(fits, 16, 15, weighted, scale, min, &block->d, &block->dmin);
  for (int s = 0; s < 16; s++) block->scales[s] = (uint8_t)(scale[s] | min[s] << 4);
  for (int s = 0; s < 16; s++) scale[s] = block->scales[s] & 15, min[s] = block->scales[s] >> 4;
  gk_levels_with_min(x, fits, 16, 3, scale, min, block->d, block->dmin, levels);
  gk_pack_pairs(levels, block->qs);
}

GK_BLOCKS_INLINE void gk_finish_q4_K(const float *x, const gk_fits *fits, int weighted, gk_block_q4_K *block) {
  uint8_t scale[8], min[8], levels[GK_SUPER];
  gk_round_scales(fits, 8, 63, weighted, scale, min, &block->d, &block->dmin);
  gk_pack_scales(scale, min, block->scales);
  gk_levels_with_min(x, fits, 32, 15, scale, min, block->d, block->dmin, levels);
  gk_pack_nibbles_256(levels, block->qs);
}

GK_BLOCKS_INLINE void gk_finish_q5_K(const float *x, const gk_fits *fits, int weighted, gk_block_q5_K *block) {
  uint8_t scale[8], min[8], levels[GK_SUPER];
  gk_round_scales(fits, 8, 63, weighted, scale, min, &block->d, &block->dmin);
  gk_pack_scales(scale, min, block->scales);
  gk_levels_with_min(x, fits, 32, 31, scale, min, block->d, block->dmin, levels);
  gk_pack_nibbles_256(levels, block->qs);
  gk_pack_fifth_256(levels, block->qh);
}

/* Largest magnitude first met, with its sign. */
GK_BLOCKS_INLINE float gk_signed_peak(const float *x, int n) {
  float magnitude = 0, peak = 0;
  for (int i = 0; i < n; i++)
    if (fabsf(x[i]) > magnitude) {
      magnitude = fabsf(x[i]);
      peak = x[i];
    }
  return peak;
}

/* How q3_K's 16 scales, symmetric to 32, become levels 0..63; the unit they are counted in is returned. */
GK_BLOCKS_INLINE float gk_round_q3_scales(const gk_fits *fits, float (*fit)(const float *, const float *, int, int, uint8_t *), uint8_t *scale) {
  if (fit) return fit(fits->scale, fits->weight, 16, 32, scale);
  const float peak = gk_signed_peak(fits->scale, 16);
  if (peak == 0) {
    memset(scale, 0, 16);
    return 0;
  }
  const float inverse = -32.0f / peak;
  for (int s = 0; s < 16; s++) scale[s] = (uint8_t)(gk_clamp((int8_t)gk_nearest(inverse * fits->scale[s]), -32, 31) + 32);
  return 1 / inverse;
}

/* fit: the plain symmetric search, for scales under weights; NULL rounds them by their largest. fitted: levels come from fits->levels where a
 * scale is 0, else from its inverse. */
GK_BLOCKS_INLINE void gk_finish_q3_K(const float *x, const gk_fits *fits, float (*fit)(const float *, const float *, int, int, uint8_t *), gk_block_q3_K *block) {
  uint8_t scale[16], levels[GK_SUPER];
  block->d = GK_TO_F16(gk_round_q3_scales(fits, fit, scale));
  memset(block->scales, 0, sizeof block->scales);
  for (int s = 0; s < 16; s++) {
    block->scales[s % 8] |= (uint8_t)((scale[s] & 15) << (s < 8 ? 0 : 4));
    block->scales[8 + s % 4] |= (uint8_t)(scale[s] >> 4 << 2 * (s / 4));
  }
  const float unit = GK_FROM_F16(block->d);
  for (int s = 0; s < 16; s++) {
    const float scaled = unit * (float)((int)scale[s] - 32);
    if (scaled != 0) gk_round_levels_symmetric(x + 16 * s, 16, scaled, 4, levels + 16 * s);
    else if (fit) gk_fit_levels_symmetric(x + 16 * s, 16, fits->inverse[s], 4, levels + 16 * s);
    else memcpy(levels + 16 * s, fits->levels + 16 * s, 16);
  }
  for (int i = 0; i < 32; i++) {
    uint8_t bits = 0;
    for (int r = 0; r < 8; r++) bits |= (uint8_t)((levels[32 * r + i] >> 2) << r);
    block->hmask[i] = bits;
  }
  for (int i = 0; i < GK_SUPER; i++) levels[i] &= 3;
  gk_pack_pairs(levels, block->qs);
}

GK_BLOCKS_INLINE void gk_finish_q6_K(const float *x, const gk_fits *fits, gk_block_q6_K *block) {
  const float peak = gk_signed_peak(fits->scale, 16);
  if (fabsf(peak) < 1e-15f) {
    memset(block, 0, sizeof *block);
    return;
  }
  uint8_t levels[GK_SUPER];
  const float inverse = -128.0f / peak;
  block->d = GK_TO_F16(1 / inverse);
  const float unit = GK_FROM_F16(block->d);
  for (int s = 0; s < 16; s++) {
    const int32_t rounded = gk_nearest(inverse * fits->scale[s]);
    block->scales[s] = (int8_t)(rounded < 127 ? rounded : 127);
    const float scaled = unit * (float)block->scales[s];
    if (scaled != 0) gk_round_levels_symmetric(x + 16 * s, 16, scaled, 32, levels + 16 * s);
    else gk_fit_levels_symmetric(x + 16 * s, 16, fits->inverse[s], 32, levels + 16 * s);
  }
  for (int h = 0; h < 2; h++) {
    const uint8_t *half = levels + 128 * h;
    for (int i = 0; i < 32; i++) {
      block->ql[64 * h + i] = (uint8_t)((half[i] & 15) | half[i + 64] << 4);
      block->ql[64 * h + 32 + i] = (uint8_t)((half[i + 32] & 15) | half[i + 96] << 4);
      block->qh[32 * h + i] = (uint8_t)(half[i] >> 4 | half[i + 32] >> 4 << 2 | half[i + 64] >> 4 << 4 | half[i + 96] >> 4 << 6);
    }
  }
}

GK_BLOCKS_INLINE void gk_iq4_levels(const float *x, float inverse, uint8_t *levels) {
  for (int i = 0; i < 32; i++) levels[i] = (uint8_t)gk_iq4_index(inverse * x[i]);
}

GK_BLOCKS_INLINE void gk_finish_iq4_nl(const float *x, float scale, gk_block_iq4_nl *block) {
  uint8_t levels[32];
  block->d = GK_TO_F16(scale);
  gk_iq4_levels(x, scale != 0 ? 1 / scale : 0, levels);
  gk_pack_nibbles_32(levels, block->qs);
}

GK_BLOCKS_INLINE void gk_finish_iq4_xs(const float *x, const gk_fits *fits, gk_block_iq4_xs *block) {
  const float unit = -gk_signed_peak(fits->scale, 8) / 32, inverse = unit != 0 ? 1 / unit : 0;
  block->d = GK_TO_F16(unit);
  block->scales_h = 0;
  memset(block->scales_l, 0, sizeof block->scales_l);
  for (int s = 0; s < 8; s++) {
    uint8_t levels[32];
    const int32_t rounded = gk_clamp(gk_nearest(inverse * fits->scale[s]), -32, 31);
    const float scaled = unit * (float)rounded;
    gk_iq4_levels(x + 32 * s, scaled != 0 ? 1 / scaled : 0, levels);
    gk_pack_nibbles_32(levels, block->qs + 16 * s);
    block->scales_l[s / 2] |= (uint8_t)(((rounded + 32) & 15) << 4 * (s % 2));
    block->scales_h |= (uint16_t)((rounded + 32) >> 4 << 2 * s);
  }
}

/* The four plain types without importance: the scale from the extremes alone. */
GK_BLOCKS_INLINE float gk_plain_symmetric(const float *x, int bits, uint8_t *levels) {
  const int peak = 1 << (bits - 1), high = 2 * peak - 1;
  const float d = gk_signed_peak(x, 32) / (float)-peak, inverse = d != 0 ? 1 / d : 0;
  for (int i = 0; i < 32; i++) {
    const int32_t level = (int8_t)(int32_t)(x[i] * inverse + ((float)peak + 0.5f));
    levels[i] = (uint8_t)(level < high ? level : high);
  }
  return d;
}
GK_BLOCKS_INLINE float gk_plain_with_min(const float *x, int bits, float *min, uint8_t *levels) {
  const int high = (1 << bits) - 1;
  float low = x[0], top = x[0];
  for (int i = 1; i < 32; i++) {
    low = x[i] < low ? x[i] : low;
    top = x[i] > top ? x[i] : top;
  }
  const float d = (top - low) / (float)high, inverse = d != 0 ? 1 / d : 0;
  for (int i = 0; i < 32; i++) {
    const int32_t level = (int32_t)((x[i] - low) * inverse + 0.5f);
    levels[i] = (uint8_t)(level < high ? level : high);
  }
  *min = low;
  return d;
}

GK_BLOCKS_INLINE void gk_put_q4_0(const uint8_t *levels, float d, gk_block_q4_0 *block) {
  block->d = GK_TO_F16(d);
  gk_pack_nibbles_32(levels, block->qs);
}
GK_BLOCKS_INLINE void gk_put_q4_1(const uint8_t *levels, float d, float m, gk_block_q4_1 *block) {
  block->d = GK_TO_F16(d);
  block->m = GK_TO_F16(m);
  gk_pack_nibbles_32(levels, block->qs);
}
GK_BLOCKS_INLINE void gk_put_q5_0(const uint8_t *levels, float d, gk_block_q5_0 *block) {
  block->d = GK_TO_F16(d);
  gk_pack_nibbles_32(levels, block->qs);
  gk_pack_fifth_32(levels, block->qh);
}
GK_BLOCKS_INLINE void gk_put_q5_1(const uint8_t *levels, float d, float m, gk_block_q5_1 *block) {
  block->d = GK_TO_F16(d);
  block->m = GK_TO_F16(m);
  gk_pack_nibbles_32(levels, block->qs);
  gk_pack_fifth_32(levels, block->qh);
}

/* d = max |x| / 127, q = x / d to the nearest, halves away from zero. */
GK_BLOCKS_INLINE void gk_block_to_q8_0(const float *x, gk_block_q8_0 *block) {
  float peak = 0;
  for (int i = 0; i < GK_BLOCK; i++) peak = peak > fabsf(x[i]) ? peak : fabsf(x[i]);
  const float d = peak / 127.0f, inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = GK_TO_F16(d);
  for (int i = 0; i < GK_BLOCK; i++) {
    const float scaled = x[i] * inverse, whole = truncf(scaled);
    block->qs[i] = (int8_t)(int32_t)(whole + (fabsf(scaled - whole) >= 0.5f ? copysignf(1.0f, scaled) : 0.0f));
  }
}

#endif
