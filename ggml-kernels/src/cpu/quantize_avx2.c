/* Quantization for AVX2: quantize_lanes.h with eight lanes. */
#include <immintrin.h>

#define LANES 8
#define TABLE gk_quantize_table_avx2
#define GK_TO_F16(x) _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT)
#define GK_FROM_F16(h) _cvtsh_ss(h)
#include "cpu/quantize_lanes.h"

LANE_INLINE vi vi_clamp(vi x, int low, int high) {
  return (vi)_mm256_max_epi32(_mm256_min_epi32((__m256i)x, _mm256_set1_epi32(high)), _mm256_set1_epi32(low));
}
LANE_INLINE vf vf_root(vf x) { return _mm256_sqrt_ps(x); }
LANE_INLINE uint32_t vi_bits(vi mask) { return (uint32_t)_mm256_movemask_ps((__m256)mask); }
LANE_INLINE int vi_any(vi mask) { return vi_bits(mask) != 0; }
LANE_INLINE vf vf_where(vi mask, vf yes, vf no) { return _mm256_blendv_ps(no, yes, (__m256)mask); }

LANE_INLINE float vf_most(vf x) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
LANE_INLINE int vi_first(vi mask) { return __builtin_ctz(vi_bits(mask)); }

/* From the lowest value up by the gaps of all midpoints at or below x: whole numbers, so exact. */
LANE_INLINE vf vf_iq4(vf x) {
  const vf twice = x + x;
  vf value = vf_of((float)gk_iq4_values[0]);
  for (int i = 1; i < 16; i++) {
    const vf gap = vf_of((float)(gk_iq4_values[i] - gk_iq4_values[i - 1]));
    value += (vf)((vi)gap & (twice >= (float)(gk_iq4_values[i - 1] + gk_iq4_values[i])));
  }
  return value;
}

static void to_f16_row(const float *src, int64_t n, uint16_t *dst) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) _mm_storeu_si128((__m128i *)(dst + i), _mm256_cvtps_ph(_mm256_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  for (; i < n; i++) dst[i] = gk_f32_to_f16(src[i]);
}
