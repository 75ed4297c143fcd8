/* Dequantization for AVX-512: the float half of dequantize_simd.h, 16 values to a register. */
#include <immintrin.h>

static inline __m512 to_float(__m128i q) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q)); }

static inline void put_scaled(float *dst, __m128i q, float s) {
  _mm512_storeu_ps(dst, _mm512_mul_ps(to_float(q), _mm512_set1_ps(s)));
}

static inline void put_minus(float *dst, __m128i q, float s, float m) {
  _mm512_storeu_ps(dst, _mm512_sub_ps(_mm512_mul_ps(to_float(q), _mm512_set1_ps(s)), _mm512_set1_ps(m)));
}

static inline void put_plus(float *dst, __m128i q, float s, float m) {
  _mm512_storeu_ps(dst, _mm512_add_ps(_mm512_mul_ps(to_float(q), _mm512_set1_ps(s)), _mm512_set1_ps(m)));
}

static inline void put_f16(float *dst, const void *h) {
  _mm512_storeu_ps(dst, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)h)));
}

static inline void put_bf16(float *dst, const void *h) {
  _mm512_storeu_si512(dst, _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)h)), 16));
}

#define TABLE gk_dequantize_table_avx512
#include "cpu/dequantize_simd.h"
