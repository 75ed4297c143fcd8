/* Weights to f32 in registers, 64 at a time. The values are those of dequantization, bit for bit (compile with -ffp-contract=off).
 *
 *   scales_of(type, chunk, s)     what the quads of a chunk of GK_SBLOCK weights need, into s[SCALES]
 *   quad(type, chunk, s, p, v)    weights 64p .. 64p+63 of the chunk
 *
 * `type` is a constant where these are inlined, one of unpacks(). Only the blocks asked for are read.
 */
#ifndef GK_MATMUL_UNPACK_AVX512_H
#define GK_MATMUL_UNPACK_AVX512_H
#include <immintrin.h>
#include <string.h>
#include "cpu/matmul.h"
#include "graft/blocks.h"

#define INLINE static inline __attribute__((always_inline))

enum { SCALES = 16 };

INLINE int unpacks(gk_type type) {
  switch (type) {
    case GK_F32:
    case GK_F16:
    case GK_BF16:
    case GK_Q8_0:
    case GK_Q4_0:
    case GK_Q4_K:
    case GK_Q5_K:
    case GK_Q6_K: return 1;
    default: return 0;
  }
}

INLINE __m128i load16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
INLINE __m256i load32(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE __m512 bytes_to_floats(__m128i q) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q)); }
INLINE __m512 ramp(void) { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
/* A permute looks at the low four bits of each lane only, so nibbles need no masking. */
INLINE __m512 lookup(__m512 table, __m512i index) { return _mm512_permutexvar_ps(index, table); }

/* q4_K, q5_K: the eight scales and the eight mins, a byte each. Bit positions: graft/blocks.h. */
INLINE void sixes_q4_K(const gk_block_q4_K *b, uint64_t *scale, uint64_t *min) {
  uint32_t l, h, c;
  memcpy(&l, b->scales, 4);
  memcpy(&h, b->scales + 4, 4);
  memcpy(&c, b->scales + 8, 4);
  *scale = (uint64_t)((c & 0x0F0F0F0Fu) | (l >> 6 & 0x03030303u) << 4) << 32 | (l & 0x3F3F3F3Fu);
  *min = (uint64_t)((c >> 4 & 0x0F0F0F0Fu) | (h >> 6 & 0x03030303u) << 4) << 32 | (h & 0x3F3F3F3Fu);
}

/* The scales times d, then the mins times dmin. */
INLINE void scales_q4_K(const gk_block_q4_K *b, float *s) {
  uint64_t scale, min;
  sixes_q4_K(b, &scale, &min);
  const __m512 q = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_set_epi64x((long long)min, (long long)scale)));
  int both;
  memcpy(&both, b, 4);
  const __m512 d = _mm512_castps128_ps512(_mm_cvtph_ps(_mm_cvtsi32_si128(both)));
  _mm512_storeu_ps(s, _mm512_mul_ps(q, _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), d)));
}

INLINE void scales_of(const gk_type type, const char *chunk, float *s) {
  if (type == GK_Q4_K || type == GK_Q5_K) scales_q4_K((const gk_block_q4_K *)chunk, s);
  if (type == GK_Q6_K) {
    const gk_block_q6_K *b = (const gk_block_q6_K *)chunk;
    _mm512_storeu_ps(s, _mm512_mul_ps(bytes_to_floats(load16(b->scales)), _mm512_set1_ps(_cvtsh_ss(b->d))));
  }

}

INLINE void quad_q4_K(const gk_block_q4_K *b, const float *s, int p, __m512 v[4]) {
  const __m512 even = _mm512_sub_ps(_mm512_mul_ps(ramp(), _mm512_set1_ps(s[2 * p])), _mm512_set1_ps(s[8 + 2 * p]));
  const __m512 odd = _mm512_sub_ps(_mm512_mul_ps(ramp(), _mm512_set1_ps(s[2 * p + 1])), _mm512_set1_ps(s[8 + 2 * p + 1]));
  const __m512i q0 = _mm512_cvtepu8_epi32(load16(b->qs + 32 * p)), q1 = _mm512_cvtepu8_epi32(load16(b->qs + 32 * p + 16));
  v[0] = lookup(even, q0);
  v[1] = lookup(even, q1);
  v[2] = lookup(odd, _mm512_srli_epi32(q0, 4));
  v[3] = lookup(odd, _mm512_srli_epi32(q1, 4));
}

/* Two vectors from 32 bytes of quants: q * s - m. */
INLINE void scaled_minus(__m256i q, float s, float m, __m512 *v) {
  v[0] = _mm512_sub_ps(_mm512_mul_ps(bytes_to_floats(_mm256_castsi256_si128(q)), _mm512_set1_ps(s)), _mm512_set1_ps(m));
  v[1] = _mm512_sub_ps(_mm512_mul_ps(bytes_to_floats(_mm256_extracti128_si256(q, 1)), _mm512_set1_ps(s)), _mm512_set1_ps(m));
}

INLINE void quad_q5_K(const gk_block_q5_K *b, const float *s, int p, __m512 v[4]) {
  const __m256i nibble = _mm256_set1_epi8(15), fifth = _mm256_set1_epi8(16), q = load32(b->qs + 32 * p), h = _mm256_srl_epi16(load32(b->qh), _mm_cvtsi32_si128(2 * p));
  scaled_minus(_mm256_or_si256(_mm256_and_si256(q, nibble), _mm256_and_si256(_mm256_slli_epi16(h, 4), fifth)), s[2 * p], s[8 + 2 * p], v);
  scaled_minus(_mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(q, 4), nibble), _mm256_and_si256(_mm256_slli_epi16(h, 3), fifth)), s[2 * p + 1], s[8 + 2 * p + 1], v + 2);
}

/* Two vectors from 32 bytes of quants, offset 32, each with a scale of its own. */
INLINE void scaled_q6(__m256i q, const float *s, __m512 *v) {
  q = _mm256_sub_epi8(q, _mm256_set1_epi8(32));
  v[0] = _mm512_mul_ps(bytes_to_floats(_mm256_castsi256_si128(q)), _mm512_set1_ps(s[0]));
  v[1] = _mm512_mul_ps(bytes_to_floats(_mm256_extracti128_si256(q, 1)), _mm512_set1_ps(s[1]));
}

INLINE void quad_q6_K(const gk_block_q6_K *b, const float *s, int p, __m512 v[4]) {
  const __m128i shift = _mm_cvtsi32_si128(4 * (p & 1)); /* the upper half of a half: high nibbles, and the upper two pairs of bits */
  const __m256i nibble = _mm256_set1_epi8(15), pair = _mm256_set1_epi8(0x30), h = _mm256_srl_epi16(load32(b->qh + 32 * (p >> 1)), shift);
  const __m256i l0 = _mm256_srl_epi16(load32(b->ql + 64 * (p >> 1)), shift), l1 = _mm256_srl_epi16(load32(b->ql + 64 * (p >> 1) + 32), shift);
  scaled_q6(_mm256_or_si256(_mm256_and_si256(l0, nibble), _mm256_and_si256(_mm256_slli_epi16(h, 4), pair)), s + 4 * p, v);
  scaled_q6(_mm256_or_si256(_mm256_and_si256(l1, nibble), _mm256_and_si256(_mm256_slli_epi16(h, 2), pair)), s + 4 * p + 2, v + 2);
}

INLINE void quad(const gk_type type, const char *chunk, const float *s, int p, __m512 v[4]) {
  if (type == GK_Q4_K) quad_q4_K((const gk_block_q4_K *)chunk, s, p, v);
  if (type == GK_Q5_K) quad_q5_K((const gk_block_q5_K *)chunk, s, p, v);
  if (type == GK_Q6_K) quad_q6_K((const gk_block_q6_K *)chunk, s, p, v);
  if (type == GK_Q8_0) {
    const gk_block_q8_0 *b = (const gk_block_q8_0 *)chunk + 2 * p;
    for (int i = 0; i < 4; i++) v[i] = _mm512_mul_ps(bytes_to_floats(load16(b[i / 2].qs + 16 * (i % 2))), _mm512_set1_ps(_cvtsh_ss(b[i / 2].d)));
  }
  if (type == GK_Q4_0) {
    const gk_block_q4_0 *b = (const gk_block_q4_0 *)chunk + 2 * p;
    for (int i = 0; i < 2; i++) {
      const __m512 table = _mm512_mul_ps(_mm512_sub_ps(ramp(), _mm512_set1_ps(8)), _mm512_set1_ps(_cvtsh_ss(b[i].d)));
      const __m512i q = _mm512_cvtepu8_epi32(load16(b[i].qs));
      v[2 * i] = lookup(table, q);
      v[2 * i + 1] = lookup(table, _mm512_srli_epi32(q, 4));
    }
  }
  for (int i = 0; i < 4; i++) {
    if (type == GK_F32) v[i] = _mm512_loadu_ps((const float *)chunk + 64 * p + 16 * i);
    if (type == GK_F16) v[i] = _mm512_cvtph_ps(load32((const uint16_t *)chunk + 64 * p + 16 * i));
    if (type == GK_BF16) v[i] = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load32((const uint16_t *)chunk + 64 * p + 16 * i)), 16));
  }
}

#endif
