/* One row of W by a few rows of x, in AVX-512, without a detour through memory for the types that matter most.
 * The weights are the very values of dequantization; sums are f32, 32 partial sums to a row of x. */
#include "cpu/matmul_dot_avx512.h"
#include <immintrin.h>
#include <string.h>
#include "graft/blocks.h"

#define INLINE static inline __attribute__((always_inline))

/* Sums to a row of x: enough that multiply-adds do not wait for each other, few enough for the registers. */
#define SUMS (m <= 2 ? 4 : 2)

/* acc[r] += v * x_r[i .. i+16), into sum a of each row; a is a constant */
#define EMIT(a, i, v)                                                                                    \
  do {                                                                                                 \
    const __m512 v_ = (v);                                                                             \
    const int a_ = (a) & (SUMS - 1);                                                                    \
    for (int r_ = 0; r_ < m; r_++)                                                                     \
      acc[r_][a_] = _mm512_fmadd_ps(v_, _mm512_loadu_ps(x + r_ * ldx + (i)), acc[r_][a_]);             \
  } while (0)

#define BEGIN            \
  __m512 acc[GK_FEW][4]; \
  for (int r_ = 0; r_ < m; r_++) acc[r_][0] = acc[r_][1] = acc[r_][2] = acc[r_][3] = _mm512_setzero_ps()

#define END                                                                         \
  for (int r_ = 0; r_ < m; r_++) {                                                  \
    __m512 s_ = _mm512_add_ps(acc[r_][0], acc[r_][1]);                              \
    if (SUMS == 4) s_ = _mm512_add_ps(s_, _mm512_add_ps(acc[r_][2], acc[r_][3]));   \
    y[r_] = _mm512_reduce_add_ps(s_);                                               \
  }

INLINE __m512 bytes_to_floats(__m128i q) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q)); }

INLINE __m128i load16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

INLINE void dot_f32(const char *w, const float *x, int64_t ldx, const int m, int64_t k, float *y) {
  BEGIN;
  const float *p = (const float *)w;
  int64_t i = 0;
  for (; i + 64 <= k; i += 64) {
    EMIT(0, i, _mm512_loadu_ps(p + i));
    EMIT(1, i + 16, _mm512_loadu_ps(p + i + 16));
    EMIT(2, i + 32, _mm512_loadu_ps(p + i + 32));
    EMIT(3, i + 48, _mm512_loadu_ps(p + i + 48));
  }
  for (; i < k; i += 16) {
    const __mmask16 mask = k - i >= 16 ? 0xFFFF : (__mmask16)((1u << (k - i)) - 1);
    const __m512 v = _mm512_maskz_loadu_ps(mask, p + i);
    for (int r = 0; r < m; r++) acc[r][0] = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(mask, x + r * ldx + i), acc[r][0]);
  }
  END;
}

#define DOT_16_BIT(name, convert)                                                                                       \
  INLINE void name(const char *w, const float *x, int64_t ldx, const int m, int64_t k, float *y) {                      \
    BEGIN;                                                                                                              \
    const uint16_t *p = (const uint16_t *)w;                                                                            \
    int64_t i = 0;                                                                                                      \
    for (; i + 64 <= k; i += 64) {                                                                                      \
      EMIT(0, i, convert(_mm256_loadu_si256((const __m256i *)(p + i))));                                                \
      EMIT(1, i + 16, convert(_mm256_loadu_si256((const __m256i *)(p + i + 16))));                                      \
      EMIT(2, i + 32, convert(_mm256_loadu_si256((const __m256i *)(p + i + 32))));                                      \
      EMIT(3, i + 48, convert(_mm256_loadu_si256((const __m256i *)(p + i + 48))));                                      \
    }                                                                                                                   \
    for (; i < k; i += 16) {                                                                                            \
      const __mmask16 mask = k - i >= 16 ? 0xFFFF : (__mmask16)((1u << (k - i)) - 1);                                   \
      const __m512 v = convert(_mm256_maskz_loadu_epi16(mask, p + i));                                                  \
      for (int r = 0; r < m; r++) acc[r][0] = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(mask, x + r * ldx + i), acc[r][0]); \
    }                                                                                                                   \
    END;                                                                                                                \
  }

INLINE __m512 from_bf16(__m256i h) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16)); }

DOT_16_BIT(dot_f16, _mm512_cvtph_ps)
DOT_16_BIT(dot_bf16, from_bf16)

INLINE void dot_q8_0(const char *w, const float *x, int64_t ldx, const int m, int64_t k, float *y) {
  BEGIN;
  const gk_block_q8_0 *b = (const gk_block_q8_0 *)w;
  for (; k >= 64; k -= 64, b += 2, x += 64) {
    const __m512 d = _mm512_set1_ps(_cvtsh_ss(b->d)), e = _mm512_set1_ps(_cvtsh_ss(b[1].d));
    EMIT(0, 0, _mm512_mul_ps(bytes_to_floats(load16(b->qs)), d));
    EMIT(1, 16, _mm512_mul_ps(bytes_to_floats(load16(b->qs + 16)), d));
    EMIT(2, 32, _mm512_mul_ps(bytes_to_floats(load16(b[1].qs)), e));
    EMIT(3, 48, _mm512_mul_ps(bytes_to_floats(load16(b[1].qs + 16)), e));
  }
  if (k > 0) {
    const __m512 d = _mm512_set1_ps(_cvtsh_ss(b->d));
    EMIT(0, 0, _mm512_mul_ps(bytes_to_floats(load16(b->qs)), d));
    EMIT(1, 16, _mm512_mul_ps(bytes_to_floats(load16(b->qs + 16)), d));
  }
  END;
}

/* A permute looks up 16 floats by the low four bits of each lane, so nibbles need no masking. */
INLINE __m512 lookup(__m512 table, __m512i index) { return _mm512_permutexvar_ps(index, table); }

INLINE __m512 ramp(void) {
  return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

INLINE void dot_q4_0(const char *w, const float *x, int64_t ldx, const int m, int64_t k, float *y) {
  BEGIN;
  const gk_block_q4_0 *b = (const gk_block_q4_0 *)w;
  const __m512 levels = _mm512_sub_ps(ramp(), _mm512_set1_ps(8));
  for (; k >= 64; k -= 64, b += 2, x += 64) {
    const __m512 table = _mm512_mul_ps(levels, _mm512_set1_ps(_cvtsh_ss(b->d)));
    const __m512 next = _mm512_mul_ps(levels, _mm512_set1_ps(_cvtsh_ss(b[1].d)));
    const __m512i q = _mm512_cvtepu8_epi32(load16(b->qs)), r = _mm512_cvtepu8_epi32(load16(b[1].qs));
    EMIT(0, 0, lookup(table, q));
    EMIT(1, 16, lookup(table, _mm512_srli_epi32(q, 4)));
    EMIT(2, 32, lookup(next, r));
    EMIT(3, 48, lookup(next, _mm512_srli_epi32(r, 4)));
  }
  if (k > 0) {
    const __m512 table = _mm512_mul_ps(levels, _mm512_set1_ps(_cvtsh_ss(b->d)));
    const __m512i q = _mm512_cvtepu8_epi32(load16(b->qs));
    EMIT(0, 0, lookup(table, q));
    EMIT(1, 16, lookup(table, _mm512_srli_epi32(q, 4)));
  }
  END;
}

/* Scales and mins of a q4_K or q5_K block times d and dmin: graft/blocks.h. */
INLINE void block_scales(const uint8_t packed[12], gk_f16 d, gk_f16 dmin, float scale[8], float min[8]) {
  uint32_t a, b, c;
  memcpy(&a, packed, 4);
  memcpy(&b, packed + 4, 4);
  memcpy(&c, packed + 8, 4);
  const uint32_t s1 = (c & 0x0F0F0F0Fu) | (a >> 6 & 0x03030303u) << 4, m1 = (c >> 4 & 0x0F0F0F0Fu) | (b >> 6 & 0x03030303u) << 4;
  const __m128i s = _mm_cvtsi64_si128((long long)((uint64_t)s1 << 32 | (a & 0x3F3F3F3Fu)));
  const __m128i n = _mm_cvtsi64_si128((long long)((uint64_t)m1 << 32 | (b & 0x3F3F3F3Fu)));
  _mm256_storeu_ps(scale, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(s)), _mm256_set1_ps(_cvtsh_ss(d))));
  _mm256_storeu_ps(min, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(n)), _mm256_set1_ps(_cvtsh_ss(dmin))));
}

INLINE void dot_q4_K(const char *w, const float *x, int64_t ldx, const int m, int64_t k, float *y) {
  BEGIN;
  const gk_block_q4_K *b = (const gk_block_q4_K *)w;
  const __m512 levels = ramp();
  for (; k > 0; k -= 256, b++, x += 256) {
    float scale[8], min[8];
    block_scales(b->scales, b->d, b->dmin, scale, min);
    for (int p = 0; p < 4; p++) {
      const __m512 even = _mm512_sub_ps(_mm512_mul_ps(levels, _mm512_set1_ps(scale[2 * p])), _mm512_set1_ps(min[2 * p]));
      const __m512 odd = _mm512_sub_ps(_mm512_mul_ps(levels, _mm512_set1_ps(scale[2 * p + 1])), _mm512_set1_ps(min[2 * p + 1]));
      const __m512i q0 = _mm512_cvtepu8_epi32(load16(b->qs + 32 * p)), q1 = _mm512_cvtepu8_epi32(load16(b->qs + 32 * p + 16));
      EMIT(0, 64 * p, lookup(even, q0));
      EMIT(1, 64 * p + 16, lookup(even, q1));
      EMIT(2, 64 * p + 32, lookup(odd, _mm512_srli_epi32(q0, 4)));
      EMIT(3, 64 * p + 48, lookup(odd, _mm512_srli_epi32(q1, 4)));
    }
  }
  END;
}

INLINE void dot_q6_K(const char *w, const float *x, int64_t ldx, const int m, int64_t k, float *y) {
  BEGIN;
  const gk_block_q6_K *b = (const gk_block_q6_K *)w;
  const __m256i nibble = _mm256_set1_epi8(15), pair = _mm256_set1_epi8(0x30), offset = _mm256_set1_epi8(32);
  for (; k > 0; k -= 256, b++, x += 256) {
    float scale[16];
    _mm512_storeu_ps(scale, _mm512_mul_ps(bytes_to_floats(load16(b->scales)), _mm512_set1_ps(_cvtsh_ss(b->d))));
    for (int h = 0; h < 2; h++) {
      const __m256i l0 = _mm256_loadu_si256((const __m256i *)(b->ql + 64 * h));
      const __m256i l1 = _mm256_loadu_si256((const __m256i *)(b->ql + 64 * h + 32));
      const __m256i top = _mm256_loadu_si256((const __m256i *)(b->qh + 32 * h));
      const __m256i q[4] = {
        _mm256_or_si256(_mm256_and_si256(l0, nibble), _mm256_and_si256(_mm256_slli_epi16(top, 4), pair)),
        _mm256_or_si256(_mm256_and_si256(l1, nibble), _mm256_and_si256(_mm256_slli_epi16(top, 2), pair)),
        _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l0, 4), nibble), _mm256_and_si256(top, pair)),
        _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l1, 4), nibble), _mm256_and_si256(_mm256_srli_epi16(top, 2), pair)),
      };
GK_MM_UNROLL
      for (int r = 0; r < 4; r++) {
        const __m256i v = _mm256_sub_epi8(q[r], offset);
        const int i = 128 * h + 32 * r;
        EMIT(2 * r, i, _mm512_mul_ps(bytes_to_floats(_mm256_castsi256_si128(v)), _mm512_set1_ps(scale[i / 16])));
        EMIT(2 * r + 1, i + 16, _mm512_mul_ps(bytes_to_floats(_mm256_extracti128_si256(v, 1)), _mm512_set1_ps(scale[i / 16 + 1])));
      }
    }
  }
  END;
}

/* Any quantized type: a stretch at a time through tmp. */
INLINE void dot_any(gk_type type, gk_dequantize_fn dequantize, const char *w, const float *x, int64_t ldx, const int m, int64_t k, float *y, float *tmp) {
  BEGIN;
  const int64_t bytes = gk_type_bytes(type, GK_SBLOCK);
  for (; k > 0; k -= GK_SBLOCK, w += bytes, x += GK_SBLOCK) {
    const int64_t n = gk_min_i64(k, GK_SBLOCK);
    dequantize(w, tmp, n);
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) {
      EMIT(0, i, _mm512_load_ps(tmp + i));
      EMIT(1, i + 16, _mm512_load_ps(tmp + i + 16));
      EMIT(2, i + 32, _mm512_load_ps(tmp + i + 32));
      EMIT(3, i + 48, _mm512_load_ps(tmp + i + 48));
    }
    if (i < n) {
      EMIT(0, i, _mm512_load_ps(tmp + i));
      EMIT(1, i + 16, _mm512_load_ps(tmp + i + 16));
    }
  }
  END;
}

/* m becomes a constant, so that the sums live in registers. */
#define EACH_M(call)        \
  switch (m) {              \
    case 1: call(1); break; \
    case 2: call(2); break; \
    case 3: call(3); break; \
    case 4: call(4); break; \
    case 5: call(5); break; \
    case 6: call(6); break; \
    case 7: call(7); break; \
    default: call(8);       \
  }

#define SPECIAL(name)                                                                                                     \
  static void run_##name(const char *w, const float *x, int64_t ldx, int32_t m, int64_t k, float *y) { EACH_M(CALL_##name) }
#define CALL_f32(c) dot_f32(w, x, ldx, c, k, y)
#define CALL_f16(c) dot_f16(w, x, ldx, c, k, y)
#define CALL_bf16(c) dot_bf16(w, x, ldx, c, k, y)
#define CALL_q8_0(c) dot_q8_0(w, x, ldx, c, k, y)
#define CALL_q4_0(c) dot_q4_0(w, x, ldx, c, k, y)
#define CALL_q4_K(c) dot_q4_K(w, x, ldx, c, k, y)
#define CALL_q6_K(c) dot_q6_K(w, x, ldx, c, k, y)
#define CALL_any(c) dot_any(type, dequantize, w, x, ldx, c, k, y, tmp)
SPECIAL(f32)
SPECIAL(f16)
SPECIAL(bf16)
SPECIAL(q8_0)
SPECIAL(q4_0)
SPECIAL(q4_K)
SPECIAL(q6_K)

void gk_mm_dot_avx512(gk_type type, gk_dequantize_fn dequantize, const char *w, const float *x, int64_t ldx, int32_t m, int64_t k, float *y, float *tmp) {
  switch (type) {
    case GK_F32: run_f32(w, x, ldx, m, k, y); break;
    case GK_F16: run_f16(w, x, ldx, m, k, y); break;
    case GK_BF16: run_bf16(w, x, ldx, m, k, y); break;
    case GK_Q8_0: run_q8_0(w, x, ldx, m, k, y); break;
    case GK_Q4_0: run_q4_0(w, x, ldx, m, k, y); break;
    case GK_Q4_K: run_q4_K(w, x, ldx, m, k, y); break;
    case GK_Q6_K: run_q6_K(w, x, ldx, m, k, y); break;
    default: EACH_M(CALL_any)
  }
}
