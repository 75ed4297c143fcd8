/* Quantization for AVX-512: quantize_lanes.h with sixteen lanes. */
#include <immintrin.h>

#define LANES 16
#define TABLE gk_quantize_table_avx512
#define GK_TO_F16(x) _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT)
#define GK_FROM_F16(h) _cvtsh_ss(h)
#include "cpu/quantize_lanes.h"

LANE_INLINE vi vi_clamp(vi x, int low, int high) {
  return (vi)_mm512_max_epi32(_mm512_min_epi32((__m512i)x, _mm512_set1_epi32(high)), _mm512_set1_epi32(low));
}
LANE_INLINE vf vf_root(vf x) { return _mm512_sqrt_ps(x); }
LANE_INLINE uint32_t vi_bits(vi mask) { return _mm512_movepi32_mask((__m512i)mask); }
LANE_INLINE int vi_any(vi mask) { return vi_bits(mask) != 0; }
LANE_INLINE vf vf_where(vi mask, vf yes, vf no) { return _mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), no, yes); }

LANE_INLINE float vf_most(vf x) { return _mm512_reduce_max_ps(x); }
LANE_INLINE int vi_first(vi mask) { return __builtin_ctz(vi_bits(mask)); }

/* Four halvings of the table, by the midpoints between its values: v[j-1] + v[j] for twice x. */
LANE_INLINE vf vf_iq4(vf x) {
  static const float middle[16] = {0, -231, -187, -148, -114, -84, -57, -32, -9, 14, 38, 63, 91, 122, 158, 202};
  static const float values[16] = {GK_IQ4_VALUES};
  const __m512 twice = x + x, middles = _mm512_loadu_ps(middle);
  __m512i at = _mm512_setzero_si512();
  for (int step = 8; step > 0; step >>= 1) {
    const __m512i tried = _mm512_add_epi32(at, _mm512_set1_epi32(step));
    at = _mm512_mask_mov_epi32(at, _mm512_cmp_ps_mask(twice, _mm512_permutexvar_ps(tried, middles), _CMP_GE_OQ), tried);
  }
  return _mm512_permutexvar_ps(at, _mm512_loadu_ps(values));
}

static void to_f16_row(const float *src, int64_t n, uint16_t *dst) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) _mm256_storeu_si256((__m256i *)(dst + i), _mm512_cvtps_ph(_mm512_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  for (; i < n; i++) dst[i] = gk_f32_to_f16(src[i]);
}
