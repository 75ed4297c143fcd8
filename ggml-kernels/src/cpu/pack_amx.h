/* Splitting f32 into two bf16, and the panels of 4-bit weights made by table look-up, for matmul_amx.c.
 *
 * In a sub-block of a 4-bit type an element takes one of 16 values. The 16 are computed (in the float operations of
 * dequantization), split once, and looked up by vpermw, 32 words of two tables at a time: cheaper than to convert,
 * scale and split each element. */
#ifndef GK_PACK_AMX_H
#define GK_PACK_AMX_H
#include <immintrin.h>
#include <string.h>
#include "cpu/matmul.h"
#include "graft/blocks.h"

enum { STEP = 32, STEP_BYTES = 4096, TILE_BYTES = 1024, LOW = 2 * TILE_BYTES, PANEL_BYTES = GK_SBLOCK * 32 * 4 };

#define INLINE static inline __attribute__((always_inline))

/* The floats whose bf16 bits are words 2i (even) or 2i+1 (odd) of v. */
INLINE __m512 even_floats(__m512i v) { return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16)); }
INLINE __m512 odd_floats(__m512i v) {
  return _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32((int)0xFFFF0000)));
}

/* Words 0..15 from a, 16..31 from b. */
INLINE void split_row(__m512 a, __m512 b, __m512i *high, __m512i *low) {
  const __m512i h = (__m512i)_mm512_cvtne2ps_pbh(b, a);
  const __m512 ha = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(h)), 16));
  const __m512 hb = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(h, 1)), 16));
  *high = h;
  *low = (__m512i)_mm512_cvtne2ps_pbh(_mm512_sub_ps(b, hb), _mm512_sub_ps(a, ha));
}

INLINE __m512i interleave(__m512i v) { /* words 0, 16, 1, 17, ... */
  const __m512i index = _mm512_set_epi32(31 << 16 | 15, 30 << 16 | 14, 29 << 16 | 13, 28 << 16 | 12, 27 << 16 | 11, 26 << 16 | 10, 25 << 16 | 9,
                                         24 << 16 | 8, 23 << 16 | 7, 22 << 16 | 6, 21 << 16 | 5, 20 << 16 | 4, 19 << 16 | 3, 18 << 16 | 2,
                                         17 << 16 | 1, 16 << 16);
  return _mm512_permutexvar_epi16(index, v);
}

/* Rows s (a) and s+1 (b) of 16 columns; the pairs side by side. */
INLINE void split_pair(__m512 a, __m512 b, __m512i *high, __m512i *low) {
  const __m512i h = interleave((__m512i)_mm512_cvtne2ps_pbh(b, a));
  *high = h;
  *low = interleave((__m512i)_mm512_cvtne2ps_pbh(_mm512_sub_ps(b, odd_floats(h)), _mm512_sub_ps(a, even_floats(h))));
}

/* The 16 values of the 8 sub-blocks of 32 elements. */
INLINE void tables_q4_K(const gk_block_q4_K *b, __m512 table[8]) {
  uint32_t p[3];
  float scale[8], min[8];
  memcpy(p, b->scales, 12);
  const uint32_t s1 = (p[2] & 0x0F0F0F0Fu) | (p[0] >> 6 & 0x03030303u) << 4;
  const uint32_t m1 = (p[2] >> 4 & 0x0F0F0F0Fu) | (p[1] >> 6 & 0x03030303u) << 4;
  const __m128i s = _mm_cvtsi64_si128((long long)((uint64_t)s1 << 32 | (p[0] & 0x3F3F3F3Fu)));
  const __m128i m = _mm_cvtsi64_si128((long long)((uint64_t)m1 << 32 | (p[1] & 0x3F3F3F3Fu)));
  _mm256_storeu_ps(scale, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(s)), _mm256_set1_ps(_cvtsh_ss(b->d))));
  _mm256_storeu_ps(min, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(m)), _mm256_set1_ps(_cvtsh_ss(b->dmin))));
  const __m512 levels = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int i = 0; i < 8; i++)
    table[i] = _mm512_sub_ps(_mm512_mul_ps(levels, _mm512_set1_ps(scale[i])), _mm512_set1_ps(min[i]));
}

/* One row of one block, in role A: tile rows at `to`, a step apart. */
static inline void row_q4_K(char *to, const gk_block_q4_K *b) {
  __m512 table[8];
  tables_q4_K(b, table);
  for (int p = 0; p < 4; p++, to += 2 * STEP_BYTES) {
    __m512i high, low;
    split_row(table[2 * p], table[2 * p + 1], &high, &low);
    const __m512i q = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(b->qs + 32 * p)));
    const __m512i even = _mm512_and_si512(q, _mm512_set1_epi16(15));
    const __m512i odd = _mm512_or_si512(_mm512_srli_epi16(q, 4), _mm512_set1_epi16(16));
    _mm512_store_si512(to, _mm512_permutexvar_epi16(even, high));
    _mm512_store_si512(to + LOW, _mm512_permutexvar_epi16(even, low));
    _mm512_store_si512(to + STEP_BYTES, _mm512_permutexvar_epi16(odd, high));
    _mm512_store_si512(to + STEP_BYTES + LOW, _mm512_permutexvar_epi16(odd, low));
  }
}

/* 32 columns in role B: rows of two tables, halves of 16 columns. index: words of the pairs. */
INLINE void put_columns(char *to, __m512 a, __m512 b, __m512i index0, __m512i index1) {
  __m512i high, low;
  split_row(a, b, &high, &low);
  _mm512_store_si512(to, _mm512_permutexvar_epi16(index0, high));
  _mm512_store_si512(to + LOW, _mm512_permutexvar_epi16(index0, low));
  _mm512_store_si512(to + TILE_BYTES, _mm512_permutexvar_epi16(index1, high));
  _mm512_store_si512(to + TILE_BYTES + LOW, _mm512_permutexvar_epi16(index1, low));
}

/* Two rows of one block (256 columns, 8 panels), in role B. */
static inline void pair_q4_K(char *to, const gk_block_q4_K *a, const gk_block_q4_K *b) {
  const __m512i nibbles = _mm512_set1_epi32(0x000F000F), second = _mm512_set1_epi32(0x00100000);
  __m512 ta[8], tb[8];
  tables_q4_K(a, ta);
  tables_q4_K(b, tb);
  for (int p = 0; p < 4; p++, to += 2 * PANEL_BYTES) {
    __m512i q[2];
    for (int i = 0; i < 2; i++)
      q[i] = _mm512_or_si512(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(a->qs + 32 * p + 16 * i))),
                             _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(b->qs + 32 * p + 16 * i))), 16));
    put_columns(to, ta[2 * p], tb[2 * p], _mm512_or_si512(_mm512_and_si512(q[0], nibbles), second),
                _mm512_or_si512(_mm512_and_si512(q[1], nibbles), second));
    put_columns(to + PANEL_BYTES, ta[2 * p + 1], tb[2 * p + 1],
                _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(q[0], 4), nibbles), second),
                _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(q[1], 4), nibbles), second));
  }
}

#endif
