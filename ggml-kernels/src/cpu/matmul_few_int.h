/* What the few-row products with integers of avx2 and avx512 share: which types, the unit of x, and scales of blocks. docs/matmul.md, "few rows" */
#ifndef GK_MATMUL_FEW_INT_H
#define GK_MATMUL_FEW_INT_H
#include <immintrin.h>
#include <string.h>
#include "cpu/matmul.h"
#include "graft/blocks.h"

#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))
#endif

INLINE int has_min(gk_type type) { return type == GK_Q4_K || type == GK_Q5_K || type == GK_Q2_K; }
INLINE int has_integers(gk_type type) { return has_min(type) || type == GK_Q3_K || type == GK_Q6_K || type == GK_Q4_0; }

/* Bytes of GK_SBLOCK weights; a constant where the type is. */
INLINE int64_t bytes_of(gk_type type) {
  switch (type) {
    case GK_Q2_K: return sizeof(gk_block_q2_K);
    case GK_Q3_K: return sizeof(gk_block_q3_K);
    case GK_Q4_K: return sizeof(gk_block_q4_K);
    case GK_Q5_K: return sizeof(gk_block_q5_K);
    case GK_Q6_K: return sizeof(gk_block_q6_K);
    default: return GK_SBLOCK / 32 * sizeof(gk_block_q4_0);
  }
}

INLINE float of_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* The unit of x, of which the largest |x| has the bits `most`: that becomes 2^22 to 2^23 - 2^15 units, so that the high digit is at most 127. A
 * normal number; NaN when `most` isn't finite. inverse: 1 / unit, finite in any case. */
INLINE float unit_of(uint32_t most, float *inverse) {
  const uint32_t exponent = (most + 0x10000) >> 23, e = exponent > 23 ? exponent - 22 : 1;
  *inverse = of_bits((254 - e) << 23);
  return most < 0x7F800000 ? of_bits(e << 23) : of_bits(0x7FC00000);
}

/* q4_K, q5_K: scales 0 .. 3, mins 0 .. 3, scales 4 .. 7, mins 4 .. 7, a byte each. Bit positions: graft/blocks.h. */
INLINE __m128i sixes_q4_K(const gk_block_q4_K *b) {
  const __m128i h = _mm_loadu_si128((const __m128i *)b), low = _mm_shuffle_epi32(h, 0xF9), high = _mm_srli_epi32(_mm_shuffle_epi32(h, 0x90), 2);
  const __m128i kept = _mm_and_si128(_mm_srlv_epi32(low, _mm_setr_epi32(0, 0, 0, 4)), _mm_setr_epi32(0x3F3F3F3F, 0x3F3F3F3F, 0x0F0F0F0F, 0x0F0F0F0F));
  return _mm_or_si128(kept, _mm_and_si128(high, _mm_setr_epi32(0, 0, 0x30303030, 0x30303030)));
}

/* q3_K: the scales, a byte with sign each. */
INLINE __m128i scales_q3_K(const gk_block_q3_K *b) {
  uint64_t low;
  uint32_t c;
  memcpy(&low, b->scales, 8);
  memcpy(&c, b->scales + 8, 4);
  const uint64_t nibbles = 0x0F0F0F0F0F0F0F0Fu;
  const uint32_t pairs = 0x30303030u;
  const uint64_t first = (low & nibbles) | (c << 4 & pairs) | (uint64_t)(c << 2 & pairs) << 32;
  const uint64_t second = (low >> 4 & nibbles) | (c & pairs) | (uint64_t)(c >> 2 & pairs) << 32;
  return _mm_sub_epi8(_mm_set_epi64x((long long)second, (long long)first), _mm_set1_epi8(32));
}

#endif
