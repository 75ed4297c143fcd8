/* Weights to f32 in registers, 64 at a time. The values are those of dequantization, bit for bit (compile with -ffp-contract=off).
 *
 *   quad(type, chunk, p, v)    weights 64p .. 64p+63 of a chunk of GK_SBLOCK
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

INLINE int unpacks(gk_type type) {
  switch (type) {
    case GK_F32:
    case GK_F16:
    case GK_BF16:
    case GK_Q8_0:
    case GK_Q4_0: return 1;
    default: return 0;
  }
}

INLINE __m128i load16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
INLINE __m256i load32(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE __m512 bytes_to_floats(__m128i q) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q)); }
INLINE __m512 ramp(void) { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
/* A permute looks at the low four bits of each lane only, so nibbles need no masking. */
INLINE __m512 lookup(__m512 table, __m512i index) { return _mm512_permutexvar_ps(index, table); }

INLINE void quad(const gk_type type, const char *chunk, int p, __m512 v[4]) {
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
