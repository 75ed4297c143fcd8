/* Dequantization with 128-bit integer work, written once for AVX2 and AVX-512. The including file defines, for 16
 * signed bytes q and a destination of 16 floats:
 *
 *   put_scaled(dst, q, s)      dst = (float)q * s
 *   put_minus(dst, q, s, m)    dst = (float)q * s - m      (two roundings, as the reference)
 *   put_plus(dst, q, s, m)     dst = (float)q * s + m
 *   put_f16(dst, h), put_bf16(dst, h)   16 half floats at h
 *   TABLE                      the name of the table
 *
 * Formulas: graft/blocks.h. Same float operations in the same order as src/ref/dequantize_ref.c, so the same bits.
 * Every load lies inside the block it belongs to. All functions overwrite dst[0..n).
 */
#include <immintrin.h>
#include <string.h>
#include "dequantize.h"
#include "graft/blocks.h"

static inline __m128i load16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

static inline __m128i low_nibbles(__m128i q) { return _mm_and_si128(q, _mm_set1_epi8(15)); }

static inline __m128i high_nibbles(__m128i q) { return _mm_and_si128(_mm_srli_epi16(q, 4), _mm_set1_epi8(15)); }

/* Bits n, n+1 of every byte. */
static inline __m128i two_bits(__m128i q, int n) {
  return _mm_and_si128(_mm_srl_epi16(q, _mm_cvtsi32_si128(n)), _mm_set1_epi8(3));
}

/* Bit n of every byte, moved to bit 4. */
static inline __m128i one_bit_to_4(__m128i q, int n) {
  return _mm_slli_epi16(_mm_and_si128(_mm_srl_epi16(q, _mm_cvtsi32_si128(n)), _mm_set1_epi8(1)), 4);
}

static inline float half_bits(uint16_t h) { return _cvtsh_ss(h); }

/* 16 signed bytes times d, as floats. */
static inline void scales16(float out[16], __m128i q, float d) { put_scaled(out, q, d); }

static void f32_simd(const void *src, float *dst, int64_t n) { memcpy(dst, src, (size_t)n * 4); }

static void f16_simd(const void *src, float *dst, int64_t n) {
  const uint16_t *h = src;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) put_f16(dst + i, h + i);
  for (; i < n; i++) dst[i] = half_bits(h[i]);
}

static void bf16_simd(const void *src, float *dst, int64_t n) {
  const uint16_t *h = src;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) put_bf16(dst + i, h + i);
  for (; i < n; i++) dst[i] = gk_bf16_to_f32(h[i]);
}

static void q4_0_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q4_0 *b = src; n > 0; n -= 32, dst += 32, b++) {
    const __m128i q = load16(b->qs), eight = _mm_set1_epi8(8);
    const float d = half_bits(b->d);
    put_scaled(dst, _mm_sub_epi8(low_nibbles(q), eight), d);
    put_scaled(dst + 16, _mm_sub_epi8(high_nibbles(q), eight), d);
  }
}

static void q4_1_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q4_1 *b = src; n > 0; n -= 32, dst += 32, b++) {
    const __m128i q = load16(b->qs);
    const float d = half_bits(b->d), m = half_bits(b->m);
    put_plus(dst, low_nibbles(q), d, m);
    put_plus(dst + 16, high_nibbles(q), d, m);
  }
}

/* 16 bits, one for each byte of the result: 16 where it is set. */
static inline __m128i spread_bits(uint32_t bits) {
  const __m128i byte = _mm_set_epi64x(0x0101010101010101, 0), bit = _mm_set1_epi64x((long long)0x8040201008040201ull);
  const __m128i spread = _mm_shuffle_epi8(_mm_cvtsi32_si128((int)bits), byte);
  return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(spread, bit), bit), _mm_set1_epi8(16));
}

static inline uint32_t load_u32(const void *p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return v;
}

static void q5_0_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q5_0 *b = src; n > 0; n -= 32, dst += 32, b++) {
    const __m128i q = load16(b->qs), sixteen = _mm_set1_epi8(16);
    const uint32_t h = load_u32(b->qh);
    const float d = half_bits(b->d);
    put_scaled(dst, _mm_sub_epi8(_mm_or_si128(low_nibbles(q), spread_bits(h)), sixteen), d);
    put_scaled(dst + 16, _mm_sub_epi8(_mm_or_si128(high_nibbles(q), spread_bits(h >> 16)), sixteen), d);
  }
}

static void q5_1_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q5_1 *b = src; n > 0; n -= 32, dst += 32, b++) {
    const __m128i q = load16(b->qs);
    const uint32_t h = load_u32(b->qh);
    const float d = half_bits(b->d), m = half_bits(b->m);
    put_plus(dst, _mm_or_si128(low_nibbles(q), spread_bits(h)), d, m);
    put_plus(dst + 16, _mm_or_si128(high_nibbles(q), spread_bits(h >> 16)), d, m);
  }
}

static void q8_0_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q8_0 *b = src; n > 0; n -= 32, dst += 32, b++) {
    const float d = half_bits(b->d);
    put_scaled(dst, load16(b->qs), d);
    put_scaled(dst + 16, load16(b->qs + 16), d);
  }
}

static void q2_K_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q2_K *b = src; n > 0; n -= 256, dst += 256, b++) {
    float scale[16], min[16];
    const __m128i s = load16(b->scales);
    scales16(scale, low_nibbles(s), half_bits(b->d));
    scales16(min, high_nibbles(s), half_bits(b->dmin));
    for (int h = 0; h < 2; h++) {
      const __m128i q0 = load16(b->qs + 32 * h), q1 = load16(b->qs + 32 * h + 16);
      for (int r = 0; r < 4; r++) {
        const int i = 8 * h + 2 * r;
        put_minus(dst + 16 * i, two_bits(q0, 2 * r), scale[i], min[i]);
        put_minus(dst + 16 * i + 16, two_bits(q1, 2 * r), scale[i + 1], min[i + 1]);
      }
    }
  }
}

/* The 16 six-bit scales of q3_K less 32, as bytes: gk_q3_K_scales in vectors. */
static inline __m128i q3_K_scale_bytes(const uint8_t packed[12]) {
  const __m128i first = _mm_loadl_epi64((const __m128i *)packed);
  const __m128i low = _mm_unpacklo_epi64(low_nibbles(first), high_nibbles(first));
  const __m128i top = _mm_set1_epi32((int)load_u32(packed + 8));
  const __m128i high = _mm_and_si128(_mm_srlv_epi32(top, _mm_setr_epi32(0, 2, 4, 6)), _mm_set1_epi8(3));
  return _mm_sub_epi8(_mm_or_si128(low, _mm_slli_epi16(high, 4)), _mm_set1_epi8(32));
}

static void q3_K_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q3_K *b = src; n > 0; n -= 256, dst += 256, b++) {
    float scale[16];
    scales16(scale, q3_K_scale_bytes(b->scales), half_bits(b->d));
    for (int part = 0; part < 2; part++) {
      const __m128i mask = load16(b->hmask + 16 * part), four = _mm_set1_epi8(4);
      for (int h = 0; h < 2; h++) {
        const __m128i q = load16(b->qs + 32 * h + 16 * part);
        for (int r = 0; r < 4; r++) {
          const int i = 8 * h + 2 * r + part;
          const __m128i bit = _mm_srli_epi16(one_bit_to_4(mask, 4 * h + r), 2);
          put_scaled(dst + 16 * i, _mm_sub_epi8(_mm_add_epi8(two_bits(q, 2 * r), bit), four), scale[i]);
        }
      }
    }
  }
}

/* Scales and mins of q4_K and q5_K, times d and dmin: gk_q4_K_scale in vectors, four sub-blocks to a word. */
static inline void q4_K_scales(const uint8_t packed[12], float d, float dmin, float scale[8], float min[8]) {
  const uint32_t a = load_u32(packed), b = load_u32(packed + 4), c = load_u32(packed + 8);
  const uint32_t s0 = a & 0x3F3F3F3Fu, m0 = b & 0x3F3F3F3Fu;
  const uint32_t s1 = (c & 0x0F0F0F0Fu) | (a >> 6 & 0x03030303u) << 4;
  const uint32_t m1 = (c >> 4 & 0x0F0F0F0Fu) | (b >> 6 & 0x03030303u) << 4;
  const __m128i s = _mm_set_epi64x(0, (long long)((uint64_t)s1 << 32 | s0));
  const __m128i m = _mm_set_epi64x(0, (long long)((uint64_t)m1 << 32 | m0));
  _mm256_storeu_ps(scale, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(s)), _mm256_set1_ps(d)));
  _mm256_storeu_ps(min, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(m)), _mm256_set1_ps(dmin)));
}

static void q4_K_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q4_K *b = src; n > 0; n -= 256, dst += 256, b++) {
    float scale[8], min[8];
    q4_K_scales(b->scales, half_bits(b->d), half_bits(b->dmin), scale, min);
    for (int p = 0; p < 4; p++) {
      for (int part = 0; part < 2; part++) {
        const __m128i q = load16(b->qs + 32 * p + 16 * part);
        put_minus(dst + 64 * p + 16 * part, low_nibbles(q), scale[2 * p], min[2 * p]);
        put_minus(dst + 64 * p + 32 + 16 * part, high_nibbles(q), scale[2 * p + 1], min[2 * p + 1]);
      }
    }
  }
}

static void q5_K_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q5_K *b = src; n > 0; n -= 256, dst += 256, b++) {
    float scale[8], min[8];
    q4_K_scales(b->scales, half_bits(b->d), half_bits(b->dmin), scale, min);
    for (int part = 0; part < 2; part++) {
      const __m128i h = load16(b->qh + 16 * part);
      for (int p = 0; p < 4; p++) {
        const __m128i q = load16(b->qs + 32 * p + 16 * part);
        const __m128i low = _mm_or_si128(low_nibbles(q), one_bit_to_4(h, 2 * p));
        const __m128i high = _mm_or_si128(high_nibbles(q), one_bit_to_4(h, 2 * p + 1));
        put_minus(dst + 64 * p + 16 * part, low, scale[2 * p], min[2 * p]);
        put_minus(dst + 64 * p + 32 + 16 * part, high, scale[2 * p + 1], min[2 * p + 1]);
      }
    }
  }
}

static void q6_K_simd(const void *src, float *dst, int64_t n) {
  for (const gk_block_q6_K *b = src; n > 0; n -= 256, dst += 256, b++) {
    float scale[16];
    scales16(scale, load16(b->scales), half_bits(b->d));
    for (int h = 0; h < 2; h++) {
      for (int part = 0; part < 2; part++) {
        const __m128i high = load16(b->qh + 32 * h + 16 * part);
        const __m128i q0 = load16(b->ql + 64 * h + 16 * part), q1 = load16(b->ql + 64 * h + 32 + 16 * part);
        const __m128i low[4] = {low_nibbles(q0), low_nibbles(q1), high_nibbles(q0), high_nibbles(q1)};
        for (int r = 0; r < 4; r++) {
          const int i = 8 * h + 2 * r + part;
          const __m128i q = _mm_or_si128(low[r], _mm_slli_epi16(two_bits(high, 2 * r), 4));
          put_scaled(dst + 16 * i, _mm_sub_epi8(q, _mm_set1_epi8(32)), scale[i]);
        }
      }
    }
  }
}

static void iq4_nl_simd(const void *src, float *dst, int64_t n) {
  const __m128i values = _mm_setr_epi8(GK_IQ4_VALUES);
  for (const gk_block_iq4_nl *b = src; n > 0; n -= 32, dst += 32, b++) {
    const __m128i q = load16(b->qs);
    const float d = half_bits(b->d);
    put_scaled(dst, _mm_shuffle_epi8(values, low_nibbles(q)), d);
    put_scaled(dst + 16, _mm_shuffle_epi8(values, high_nibbles(q)), d);
  }
}

static void iq4_xs_simd(const void *src, float *dst, int64_t n) {
  const __m128i values = _mm_setr_epi8(GK_IQ4_VALUES);
  for (const gk_block_iq4_xs *b = src; n > 0; n -= 256, dst += 256, b++) {
    const float d = half_bits(b->d);
    for (int s = 0; s < 8; s++) {
      const int scale = (b->scales_l[s / 2] >> (4 * (s % 2)) & 15) | (b->scales_h >> (2 * s) & 3) << 4;
      const float ds = d * (float)(scale - 32);
      const __m128i q = load16(b->qs + 16 * s);
      put_scaled(dst + 32 * s, _mm_shuffle_epi8(values, low_nibbles(q)), ds);
      put_scaled(dst + 32 * s + 16, _mm_shuffle_epi8(values, high_nibbles(q)), ds);
    }
  }
}

const gk_dequantize_fn TABLE[GK_TYPE_LIMIT] = {
  [GK_F32] = f32_simd,   [GK_F16] = f16_simd,       [GK_BF16] = bf16_simd,     [GK_Q4_0] = q4_0_simd,
  [GK_Q4_1] = q4_1_simd, [GK_Q5_0] = q5_0_simd,     [GK_Q5_1] = q5_1_simd,     [GK_Q8_0] = q8_0_simd,
  [GK_Q2_K] = q2_K_simd, [GK_Q3_K] = q3_K_simd,     [GK_Q4_K] = q4_K_simd,     [GK_Q5_K] = q5_K_simd,
  [GK_Q6_K] = q6_K_simd, [GK_IQ4_NL] = iq4_nl_simd, [GK_IQ4_XS] = iq4_xs_simd,
};
