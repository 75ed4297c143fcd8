/* y = x · Wᵀ for few rows of x with the integers of K-quants, in AVX-512 VNNI. docs/matmul.md, "few rows"
 *
 * x is three digits of eight bits. The quants of a super-block are arranged so that a lane of 32 bits has quants of one scale only; the sums
 * of a lane are exact. What follows is the same for each row of x whatever m is, so the bits of a row do not depend on the rows beside it.
 */
#include "cpu/matmul_few_int_avx512.h"
#include "cpu/matmul_lanes_avx512.h"
#include "cpu/matmul_few_int.h"

enum { FEW = 32, UNIT = 4, STREAMS = 4, QUADS = GK_SBLOCK / 64, DIRECT = 3, MOST = 2 };

/* GK_SBLOCK elements of a row of x: x = unit * (2^16 n0 + 2^8 n1 + n2), to half a unit; unit is a power of two, NaN when an
 * element isn't finite. The order: an even 32 of each 128 elements go into the first two vectors, the odd into the others; of a pair of vectors
 * the first has every other 8 elements, the second the 8 after each. docs/matmul.md, "few rows" */
typedef struct digits {
  _Alignas(64) int8_t n[3][GK_SBLOCK / 64][64];
  float sums[GK_SBLOCK / 16];   /* of 16 elements, in units */
  float sums32[GK_SBLOCK / 16]; /* of 32 elements, in units, at 4 .. 7 and 12 .. 15; 0 elsewhere */
  int32_t less[2][16];          /* -32 times the sum of a lane of both vectors of a pair, modulo 2^32 */
  float unit;
} digits;

_Static_assert(sizeof(digits) == GK_DIGITS_AVX512, "digits");

/* A super-block: w = scale * (q - offset) - min. Quants in the order of digits. */
typedef struct super {
  __m512i q[QUADS];
  __m512 scale[2]; /* of the lanes of q[0], q[1] and of q[2], q[3] */
  __m512 min;      /* of each 16 elements */
} super;

int gk_mm_splits_avx512(gk_type type) { return has_integers(type); }

/* Of two quads the 8 elements at an even place, then those at an odd one: both have elements of the same 16 in a lane. */
INLINE void pair_up(__m512i q[QUADS]) {
  for (int s = 0; s < QUADS; s += 2) {
    const __m512i a = q[s], b = q[s + 1];
    q[s] = _mm512_unpacklo_epi64(a, b);
    q[s + 1] = _mm512_unpackhi_epi64(a, b);
  }
}

/* ---- x ------------------------------------------------------------------------------------------------------------------- */

/* amount * (the sum of x over each lane), modulo 2^32 */
INLINE __m512i lane_totals(__m512i acc, __m512i hi, __m512i mid, __m512i lo, int amount) {
  const __m512i a = _mm512_set1_epi8((char)amount);
  acc = _mm512_add_epi32(acc, _mm512_slli_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), a, hi), 16));
  acc = _mm512_add_epi32(acc, _mm512_slli_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), a, mid), 8));
  return _mm512_dpbusd_epi32(acc, a, lo);
}

void gk_mm_split_avx512(const float *x, void *digits_of_x) {
  digits *to = digits_of_x;
  __m512i most = _mm512_setzero_si512(), digit[3][QUADS];
  for (int s = 0; s < GK_SBLOCK; s += 16) most = _mm512_max_epi32(most, _mm512_and_si512(_mm512_loadu_si512(x + s), _mm512_set1_epi32(INT32_MAX)));
  float factor;
  to->unit = unit_of((uint32_t)_mm512_reduce_max_epi32(most), &factor);
  const __m512 inverse = _mm512_set1_ps(factor);
  for (int p = 0; p < QUADS; p++) {
    _Alignas(64) int8_t bytes[3][64];
    for (int s = 0; s < 64; s += 16) {
      __m512i n = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 64 * p + s), inverse));
      for (int d = 2; d >= 0; d--) {
        _mm_store_si128((__m128i *)(bytes[d] + s), _mm512_cvtepi32_epi8(n));
        n = _mm512_srai_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(128)), 8);
      }
    }
    for (int d = 0; d < 3; d++) digit[d][p] = _mm512_load_si512(bytes[d]);
    const __m512i fours = lane_totals(_mm512_setzero_si512(), digit[0][p], digit[1][p], digit[2][p], 1);
    const __m512i eights = _mm512_add_epi32(fours, _mm512_shuffle_epi32(fours, 0xB1));
    const __m512i sums = _mm512_add_epi32(eights, _mm512_shuffle_epi32(eights, 0x4E));
    _mm_store_ps(to->sums + 4 * p, _mm_cvtepi32_ps(_mm512_castsi512_si128(_mm512_maskz_compress_epi32(0x1111, sums))));
  }
  for (int d = 0; d < 3; d++) {
    const __m512i *n = digit[d]; /* 32 elements a half: those of an even 32, then those of an odd */
    __m512i q[QUADS] = {_mm512_shuffle_i64x2(n[0], n[1], 0x44), _mm512_shuffle_i64x2(n[2], n[3], 0x44), _mm512_shuffle_i64x2(n[0], n[1], 0xEE), _mm512_shuffle_i64x2(n[2], n[3], 0xEE)};
    pair_up(q);
    for (int p = 0; p < QUADS; p++) _mm512_store_si512(to->n[d][p], digit[d][p] = q[p]);
  }
  const __m512 sums = _mm512_load_ps(to->sums), twos = _mm512_add_ps(sums, _mm512_permute_ps(sums, 0xB1));
  _mm512_store_ps(to->sums32, _mm512_maskz_permutexvar_ps(0xF0F0, _mm512_setr_epi32(0, 0, 0, 0, 0, 2, 4, 6, 0, 0, 0, 0, 8, 10, 12, 14), twos));
  for (int s = 0; s < 2; s++) {
    __m512i total = _mm512_setzero_si512();
    for (int p = 2 * s; p < 2 * s + 2; p++) total = lane_totals(total, digit[0][p], digit[1][p], digit[2][p], 32);
    _mm512_store_si512(to->less[s], _mm512_sub_epi32(_mm512_setzero_si512(), total));
  }
}

/* ---- W ------------------------------------------------------------------------------------------------------------------- */

INLINE __m512i twice(const void *p) { return _mm512_broadcast_i64x4(load32(p)); }
/* Each half of q rotated to the right by its own number of bits; masks keep what belongs to a byte. */
INLINE __m512i rotated(__m512i q, int lower, int upper) {
  return _mm512_rorv_epi32(q, _mm512_inserti64x4(_mm512_set1_epi32(lower & 31), _mm256_set1_epi32(upper & 31), 1));
}
INLINE __m512i masked(__m512i q, int mask) { return _mm512_and_si512(q, _mm512_set1_epi8((char)mask)); }
/* q + amount where the bit of h is set: of each half its own. */
INLINE __m512i plus_bit(__m512i q, __m512i h, int lower, int upper, int amount) {
  const __m512i bit = _mm512_inserti64x4(_mm512_set1_epi8((char)lower), _mm256_set1_epi8((char)upper), 1);
  return _mm512_mask_add_epi8(q, _mm512_test_epi8_mask(h, bit), q, _mm512_set1_epi8((char)amount));
}

/* The scales of each 16 elements -> of the lanes. */
INLINE void place_scales(__m512 each, super *to) {
  const __m512i lanes = _mm512_setr_epi32(0, 0, 8, 8, 1, 1, 9, 9, 4, 4, 12, 12, 5, 5, 13, 13);
  to->scale[0] = _mm512_permutexvar_ps(lanes, each);
  to->scale[1] = _mm512_permutexvar_ps(_mm512_add_epi32(lanes, _mm512_set1_epi32(2)), each);
}

/* q4_K, q5_K: the header as d * scale 0 .. 3, dmin * min 0 .. 3, d * scale 4 .. 7, dmin * min 4 .. 7. */
INLINE __m512 header_q4_K(const gk_block_q4_K *b) {
  const __m512 ds = _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1), _mm512_castps128_ps512(_mm_cvtph_ps(load16(b))));
  return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(sixes_q4_K(b))), ds);
}

INLINE void super_q4_K(const gk_type type, const gk_block_q4_K *b, super *to) {
  const gk_block_q5_K *five = (const gk_block_q5_K *)b;
  const uint8_t *qs = type == GK_Q5_K ? five->qs : b->qs;
  const __m512i first = _mm512_loadu_si512(qs), last = _mm512_loadu_si512(qs + 64);
  to->q[0] = _mm512_unpacklo_epi64(first, last);
  to->q[1] = _mm512_unpackhi_epi64(first, last);
  for (int i = 0; i < 2; i++) {
    to->q[2 + i] = masked(_mm512_srli_epi16(to->q[i], 4), 15);
    to->q[i] = masked(to->q[i], 15);
  }
  if (type == GK_Q5_K) {
    const __m512i h = twice(five->qh), even = _mm512_unpacklo_epi64(h, h), odd = _mm512_unpackhi_epi64(h, h);
    const __m512i bit = _mm512_setr_epi64(0x0101010101010101, 0x1010101010101010, 0x0101010101010101, 0x1010101010101010, 0x0404040404040404, 0x4040404040404040, 0x0404040404040404, 0x4040404040404040);
    for (int s = 0; s < 2; s++) {
      const __m512i at = s ? _mm512_add_epi8(bit, bit) : bit;
      to->q[2 * s] = _mm512_mask_add_epi8(to->q[2 * s], _mm512_test_epi8_mask(even, at), to->q[2 * s], _mm512_set1_epi8(16));
      to->q[2 * s + 1] = _mm512_mask_add_epi8(to->q[2 * s + 1], _mm512_test_epi8_mask(odd, at), to->q[2 * s + 1], _mm512_set1_epi8(16));
    }
  }
  const __m512i lanes = _mm512_setr_epi32(0, 0, 8, 8, 0, 0, 8, 8, 2, 2, 10, 10, 2, 2, 10, 10);
  to->min = header_q4_K(b);
  to->scale[0] = _mm512_permutexvar_ps(lanes, to->min);
  to->scale[1] = _mm512_permutexvar_ps(_mm512_add_epi32(lanes, _mm512_set1_epi32(1)), to->min);
}

INLINE void super_q6_K(const gk_block_q6_K *b, super *to) {
  for (int h = 0; h < 2; h++) {
    const __m512i high = twice(b->qh + 32 * h);
    to->q[h] = _mm512_or_si512(masked(rotated(twice(b->ql + 64 * h), 0, 4), 15), masked(rotated(high, -4, 0), 0x30));
    to->q[2 + h] = _mm512_or_si512(masked(rotated(twice(b->ql + 64 * h + 32), 0, 4), 15), masked(rotated(high, -2, 2), 0x30));
  }
  pair_up(to->q);
  place_scales(_mm512_mul_ps(bytes_to_floats(load16(b->scales)), _mm512_set1_ps(_cvtsh_ss(b->d))), to);
}

/* 8 (q + 4 bit) - 32 with an eighth of d. */
INLINE void super_q3_K(const gk_block_q3_K *b, super *to) {
  const __m512i h = twice(b->hmask);
  for (int i = 0; i < 2; i++) {
    const __m512i q = twice(b->qs + 32 * i);
    to->q[i] = plus_bit(masked(rotated(q, -3, 1), 0x18), h, 1 << 4 * i, 4 << 4 * i, 32);
    to->q[2 + i] = plus_bit(masked(rotated(q, -1, 3), 0x18), h, 2 << 4 * i, 8 << 4 * i, 32);
  }
  pair_up(to->q);
  place_scales(_mm512_mul_ps(bytes_to_floats(scales_q3_K(b)), _mm512_set1_ps(_cvtsh_ss(b->d) * 0.125f)), to);
}

INLINE void super_q2_K(const gk_block_q2_K *b, super *to) {
  for (int i = 0; i < 2; i++) {
    const __m512i q = twice(b->qs + 32 * i);
    to->q[i] = masked(rotated(q, 0, 4), 3);
    to->q[2 + i] = masked(rotated(q, 2, 6), 3);
  }
  pair_up(to->q);
  const __m128i s = load16(b->scales), nibble = _mm_set1_epi8(15);
  place_scales(_mm512_mul_ps(bytes_to_floats(_mm_and_si128(s, nibble)), _mm512_set1_ps(_cvtsh_ss(b->d))), to);
  to->min = _mm512_mul_ps(bytes_to_floats(_mm_and_si128(_mm_srli_epi16(s, 4), nibble)), _mm512_set1_ps(_cvtsh_ss(b->dmin)));
}

/* 4 q - 32 with a quarter of d. */
INLINE void super_q4_0(const gk_block_q4_0 *b, super *to) {
  for (int i = 0; i < QUADS; i++) {
    const gk_block_q4_0 *first = b + 4 * (i % 2) + i / 2, *second = first + 2;
    const __m512i q = _mm512_mask_broadcast_i32x4(_mm512_broadcast_i32x4(load16(first->qs)), 0xFF00, load16(second->qs));
    const __m512i shift = _mm512_setr_epi32(30, 30, 30, 30, 2, 2, 2, 2, 30, 30, 30, 30, 2, 2, 2, 2);
    to->q[i] = masked(_mm512_rorv_epi32(q, shift), 0x3C);
  }
  pair_up(to->q);
  const __m512i words = _mm512_permutex2var_epi16(_mm512_loadu_si512(b), _mm512_castsi128_si512(_mm_setr_epi16(0, 9, 18, 27, 36, 45, 54, 63)), _mm512_loadu_si512((const char *)b + 64));
  const __m512 d = _mm512_mul_ps(_mm512_castps256_ps512(_mm256_cvtph_ps(_mm512_castsi512_si128(words))), _mm512_set1_ps(0.25f));
  const __m512i lanes = _mm512_setr_epi32(0, 0, 4, 4, 0, 0, 4, 4, 2, 2, 6, 6, 2, 2, 6, 6);
  to->scale[0] = _mm512_permutexvar_ps(lanes, d);
  to->scale[1] = _mm512_permutexvar_ps(_mm512_add_epi32(lanes, _mm512_set1_epi32(1)), d);
}

INLINE void super_of(const gk_type type, const char *chunk, super *to) {
  if (type == GK_Q4_K || type == GK_Q5_K) super_q4_K(type, (const gk_block_q4_K *)chunk, to);
  if (type == GK_Q6_K) super_q6_K((const gk_block_q6_K *)chunk, to);
  if (type == GK_Q3_K) super_q3_K((const gk_block_q3_K *)chunk, to);
  if (type == GK_Q2_K) super_q2_K((const gk_block_q2_K *)chunk, to);
  if (type == GK_Q4_0) super_q4_0((const gk_block_q4_0 *)chunk, to);
}

/* ---- products -------------------------------------------------------------------------------------------------------------- */

/* Sums over the lanes of half s of a super-block. */
INLINE __m512i half(const gk_type type, const super *b, int s, const digits *x) {
  __m512i acc = _mm512_setzero_si512();
  for (int d = 0; d < 3; d++) {
    if (d) acc = _mm512_slli_epi32(acc, 8);
    for (int p = 2 * s; p < 2 * s + 2; p++) acc = _mm512_dpbusd_epi32(acc, b->q[p], _mm512_load_si512(x->n[d][p]));
  }
  return has_min(type) ? acc : _mm512_add_epi32(acc, _mm512_load_si512(x->less[s]));
}

/* acc + unit * (scale * sums - min * totals) */
INLINE __m512 plus_sums(const gk_type type, __m512i a, __m512i b, const super *w, const digits *x, __m512 acc) {
  __m512 sum = _mm512_mul_ps(_mm512_cvtepi32_ps(a), w->scale[0]);
  sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(b), w->scale[1], sum);
  if (has_min(type)) sum = _mm512_fnmadd_ps(w->min, _mm512_load_ps(type == GK_Q2_K ? x->sums : x->sums32), sum);
  return _mm512_fmadd_ps(sum, _mm512_set1_ps(x->unit), acc);
}

INLINE void put_all(const gk_mm_few *f, int32_t m, int64_t j, int64_t end, const __m512 *acc) {
  for (int32_t i = 0; i < m && j < end; i++, acc += UNIT) put(f, i, j, end, lane_sums(acc[0], acc[1], acc[2], acc[3]));
}

/* A range of rows of W is walked in STREAMS places at once, `part` rows apart: a processor fetches ahead on its own along each stream, and
 * each block of x is read once for all of them. Rows past the end are the last one again, and are not stored. */
INLINE int64_t part_of(int64_t begin, int64_t end) { return (end - begin + STREAMS * UNIT - 1) / (STREAMS * UNIT) * UNIT; }
INLINE const char *row_of(const gk_mm_few *f, int64_t j, int64_t end) { return f->w + gk_min_i64(j, end - 1) * f->row_bytes; }

/* m = f->m rows of x, at most DIRECT: quants stay in registers. */
INLINE void few(const gk_type type, const int m, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t part = part_of(begin, end);
  for (int64_t j = begin; j < begin + part; j += UNIT) {
    __m512 acc[STREAMS][DIRECT * UNIT];
    for (int r = 0; r < UNIT; r++) {
      const char *w[STREAMS];
      const digits *x = f->digits;
      __m512 sum[STREAMS][DIRECT];
      for (int t = 0; t < STREAMS; t++) {
        w[t] = row_of(f, j + r + t * part, end);
        for (int i = 0; i < m; i++) sum[t][i] = _mm512_setzero_ps();
      }
      for (int64_t s = 0; s < f->k; s += GK_SBLOCK, x += m) {
GK_MM_UNROLL
        for (int t = 0; t < STREAMS; t++) {
          super b;
          super_of(type, w[t], &b);
          w[t] += bytes_of(type);
GK_MM_UNROLL
          for (int i = 0; i < m; i++) sum[t][i] = plus_sums(type, half(type, &b, 0, x + i), half(type, &b, 1, x + i), &b, x + i, sum[t][i]);
        }
      }
      for (int t = 0; t < STREAMS; t++)
        for (int i = 0; i < m; i++) acc[t][i * UNIT + r] = sum[t][i];
    }
    for (int t = 0; t < STREAMS; t++) put_all(f, m, j + t * part, end, acc[t]);
  }
}

INLINE void tile(const gk_type type, const int mb, const super *w, const digits *x, __m512 *acc) {
  __m512i sum[2][MOST * UNIT];
GK_MM_UNROLL
  for (int s = 0; s < 2; s++) {
GK_MM_UNROLL
    for (int c = 0; c < mb * UNIT; c++) sum[s][c] = _mm512_setzero_si512();
GK_MM_UNROLL
    for (int d = 0; d < 3; d++) {
      if (d) {
GK_MM_UNROLL
        for (int c = 0; c < mb * UNIT; c++) sum[s][c] = _mm512_slli_epi32(sum[s][c], 8);
      }
GK_MM_UNROLL
      for (int p = 2 * s; p < 2 * s + 2; p++)
GK_MM_UNROLL
        for (int c = 0; c < mb * UNIT; c++) sum[s][c] = _mm512_dpbusd_epi32(sum[s][c], w[c % UNIT].q[p], _mm512_load_si512(x[c / UNIT].n[d][p]));
    }
GK_MM_UNROLL
    for (int c = 0; c < mb * UNIT; c++) {
      if (!has_min(type)) sum[s][c] = _mm512_add_epi32(sum[s][c], _mm512_load_si512(x[c / UNIT].less[s]));
      const __m512 v = _mm512_cvtepi32_ps(sum[s][c]), before = _mm512_castsi512_ps(sum[0][c]);
      sum[0][c] = _mm512_castps_si512(s ? _mm512_fmadd_ps(v, w[c % UNIT].scale[1], before) : _mm512_mul_ps(v, w[c % UNIT].scale[0]));
    }
  }
GK_MM_UNROLL
  for (int c = 0; c < mb * UNIT; c++) {
    __m512 v = _mm512_castsi512_ps(sum[0][c]);
    if (has_min(type)) v = _mm512_fnmadd_ps(w[c % UNIT].min, _mm512_load_ps(type == GK_Q2_K ? x[c / UNIT].sums : x[c / UNIT].sums32), v);
    acc[c] = _mm512_fmadd_ps(v, _mm512_set1_ps(x[c / UNIT].unit), acc[c]);
  }
}

INLINE void tiles(const gk_type type, int32_t m, const super *w, const digits *x, __m512 *acc) {
  for (int32_t left = m, parts = (m + MOST - 1) / MOST; left > 0; parts--) {
    const int32_t mb = (left + parts - 1) / parts;
    switch (mb) {
      case 1: tile(type, 1, w, x, acc); break;
      default: tile(type, MOST, w, x, acc);
    }
    left -= mb;
    x += mb;
    acc += mb * UNIT;
  }
}

/* More rows of x: quants and scales of UNIT rows of W go through L1. The next rows of a stream are fetched: here its own are far apart in time. */
INLINE void many(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t part = part_of(begin, end);
  for (int64_t j = begin; j < begin + part; j += UNIT) {
    __m512 acc[STREAMS][FEW * UNIT];
    const char *w[STREAMS][UNIT];
    const digits *x = f->digits;
    for (int t = 0; t < STREAMS; t++) {
      for (int r = 0; r < UNIT; r++) w[t][r] = row_of(f, j + r + t * part, end);
      for (int32_t i = 0; i < f->m * UNIT; i++) acc[t][i] = _mm512_setzero_ps();
    }
    for (int64_t s = 0; s < f->k; s += GK_SBLOCK, x += f->m)
      for (int t = 0; t < STREAMS; t++) {
        super b[UNIT];
        for (int r = 0; r < UNIT; r++) {
          super_of(type, w[t][r], &b[r]);
          w[t][r] += bytes_of(type);
          prefetch(w[t][r] + UNIT * f->row_bytes, bytes_of(type));
        }
        tiles(type, f->m, b, x, acc[t]);
      }
    for (int t = 0; t < STREAMS; t++) put_all(f, f->m, j + t * part, end, acc[t]);
  }
}

INLINE void of_type(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->m) {
    case 1: few(type, 1, f, begin, end); break;
    case 2: few(type, 2, f, begin, end); break;
    case 3: few(type, 3, f, begin, end); break;
    default: many(type, f, begin, end);
  }
}

void gk_mm_few_int_avx512(const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->type) {
    case GK_Q2_K: of_type(GK_Q2_K, f, begin, end); break;
    case GK_Q3_K: of_type(GK_Q3_K, f, begin, end); break;
    case GK_Q5_K: of_type(GK_Q5_K, f, begin, end); break;
    case GK_Q4_K: of_type(GK_Q4_K, f, begin, end); break;
    case GK_Q6_K: of_type(GK_Q6_K, f, begin, end); break;
    default: of_type(GK_Q4_0, f, begin, end);
  }
}
