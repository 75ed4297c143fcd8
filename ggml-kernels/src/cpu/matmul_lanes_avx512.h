/* What the few-row products share: sums over lanes, results to y, fetching ahead. */
#ifndef GK_MATMUL_LANES_AVX512_H
#define GK_MATMUL_LANES_AVX512_H
#include "cpu/matmul_unpack_avx512.h"

enum { LINE = 64 };

/* Sums of the lanes of four vectors: ((l0 + l2) + (l1 + l3)) of each 128 bits, then the halves of 512, then of 256 bits. */
INLINE __m128 lane_sums(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 q = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xEE));
  const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(q), _mm512_extractf32x8_ps(q, 1));
  return _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
}

/* y[i, j .. j+4) below `end` */
INLINE void put(const gk_mm_few *f, int32_t i, int64_t j, int64_t end, __m128 sums) {
  const __mmask8 mask = end - j >= 4 ? 15 : (__mmask8)((1u << (end - j)) - 1);
  float *y = f->y + i * f->ldy + j;
  __m128 v = _mm_mul_ps(_mm_set1_ps(f->scale), sums);
  if (f->accumulate) v = _mm_add_ps(_mm_maskz_loadu_ps(mask, y), v);
  _mm_mask_storeu_ps(y, mask, v);
}

INLINE void prefetch(const char *p, int64_t bytes) {
  for (int64_t b = 0; b < bytes; b += LINE) _mm_prefetch(p + b, _MM_HINT_T0);
}

#endif
