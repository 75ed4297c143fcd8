/* Dequantization for AVX2: the float half of dequantize_simd.h, two registers of 8 values. */
#include <immintrin.h>

static inline __m256 low_float(__m128i q) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)); }

static inline __m256 high_float(__m128i q) { return low_float(_mm_unpackhi_epi64(q, q)); }

static inline void put_scaled(float *dst, __m128i q, float s) {
  const __m256 v = _mm256_set1_ps(s);
  _mm256_storeu_ps(dst, _mm256_mul_ps(low_float(q), v));
  _mm256_storeu_ps(dst + 8, _mm256_mul_ps(high_float(q), v));
}

static inline void put_minus(float *dst, __m128i q, float s, float m) {
  const __m256 v = _mm256_set1_ps(s), w = _mm256_set1_ps(m);
  _mm256_storeu_ps(dst, _mm256_sub_ps(_mm256_mul_ps(low_float(q), v), w));
  _mm256_storeu_ps(dst + 8, _mm256_sub_ps(_mm256_mul_ps(high_float(q), v), w));
}

static inline void put_plus(float *dst, __m128i q, float s, float m) {
  const __m256 v = _mm256_set1_ps(s), w = _mm256_set1_ps(m);
  _mm256_storeu_ps(dst, _mm256_add_ps(_mm256_mul_ps(low_float(q), v), w));
  _mm256_storeu_ps(dst + 8, _mm256_add_ps(_mm256_mul_ps(high_float(q), v), w));
}

static inline void put_f16(float *dst, const void *h) {
  const __m128i *p = h;
  _mm256_storeu_ps(dst, _mm256_cvtph_ps(_mm_loadu_si128(p)));
  _mm256_storeu_ps(dst + 8, _mm256_cvtph_ps(_mm_loadu_si128(p + 1)));
}

static inline void put_bf16(float *dst, const void *h) {
  const __m128i *p = h;
  _mm256_storeu_si256((__m256i *)dst, _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
  _mm256_storeu_si256((__m256i *)(dst + 8), _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p + 1)), 16));
}

#define TABLE gk_dequantize_table_avx2
#include "cpu/dequantize_simd.h"
