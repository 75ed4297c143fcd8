/* y = x · Wᵀ for few rows of x with the integers of K-quants and q4_0, in AVX2. docs/matmul.md, "few rows"
 *
 * x is three digits of eight bits; for each the sums over a super-block are exact (q4_0: over a lane). What follows is the same for each row of
 * x whatever m is, so the bits of a row do not depend on the rows beside it.
 */
#include "cpu/matmul_few_int_avx2.h"
#include "cpu/matmul_few_int.h"

/* SETS: pairs of sub-blocks of 32 elements: 0 and 2, 1 and 3, 4 and 6, 5 and 7. */
enum { FEW = 32, MOST_STREAMS = 4, SETS = 4, LINE = 64 };

/* GK_SBLOCK elements of a row of x: x = unit * (2^16 n0 + 2^8 n1 + n2), to half a unit; unit is a power of two, NaN when an element isn't finite.
 * Of a set, the first 8 of each 16 elements, a pair's in turn, then the others. */
typedef struct digits {
  _Alignas(64) int8_t n[3][SETS][2][32];
  int16_t less[3][SETS][16]; /* -32 times the sum of a lane of 16 bits, of both vectors */
  float sums[16], sums32[8]; /* x, over 16 and over 32 elements */
  float unit;
} digits;
_Static_assert(sizeof(digits) == GK_DIGITS_AVX2, "digits");

/* A super-block: w = d * scale * (q - offset) - min. Quants in the order of the digits. */
typedef struct super {
  __m256i q[SETS][2];
  __m256i scale[SETS]; /* integers of 16 bits; q4_0: floats of 32, d is in them */
  __m256 min[2];       /* of each 16 elements, or the first: of each 32 */
  float d;
} super;

int gk_mm_splits_avx2(gk_type type) { return has_integers(type); }

INLINE __m128i load16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }
INLINE __m256i load32(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE __m256i masked(__m256i q, int mask) { return _mm256_and_si256(q, _mm256_set1_epi8((char)mask)); }

INLINE void pair_up(__m256i a, __m256i b, __m256i q[2]) {
  q[0] = _mm256_unpacklo_epi64(a, b);
  q[1] = _mm256_unpackhi_epi64(a, b);
}
/* The first sub-block of a set; the other is two after it. */
INLINE int first_of(int s) { return s % 2 + 4 * (s / 2); }

/* ---- x ------------------------------------------------------------------------------------------------------------------- */

INLINE uint32_t largest(const float *x) {
  __m256i most = _mm256_setzero_si256();
  for (int s = 0; s < GK_SBLOCK; s += 8) most = _mm256_max_epi32(most, _mm256_and_si256(load32(x + s), _mm256_set1_epi32(INT32_MAX)));
  uint32_t lane[8], bits = 0;
  _mm256_storeu_si256((__m256i *)lane, most);
  for (int i = 0; i < 8; i++) bits = lane[i] > bits ? lane[i] : bits;
  return bits;
}

void gk_mm_split_avx2(const float *x, void *digits_of_x) {
  digits *to = digits_of_x;
  float factor;
  to->unit = unit_of(largest(x), &factor);
  const __m256 inverse = _mm256_set1_ps(factor);
  _Alignas(32) int8_t bytes[3][GK_SBLOCK];
  for (int s = 0; s < GK_SBLOCK; s += 16) {
    __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + s), inverse)), b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + s + 8), inverse));
    __m256i sum = _mm256_add_epi32(a, b);
    sum = _mm256_add_epi32(sum, _mm256_permute2x128_si256(sum, sum, 1));
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0x4E));
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0xB1));
    to->sums[s / 16] = to->unit * (float)_mm_cvtsi128_si32(_mm256_castsi256_si128(sum));
    for (int d = 2; d >= 0; d--) {
      /* The low byte of each, with its sign. */
      const __m256i la = _mm256_srai_epi32(_mm256_slli_epi32(a, 24), 24), lb = _mm256_srai_epi32(_mm256_slli_epi32(b, 24), 24);
      const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(la, lb), 0xD8);
      _mm_store_si128((__m128i *)(bytes[d] + s), _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
      a = _mm256_srai_epi32(_mm256_sub_epi32(a, la), 8);
      b = _mm256_srai_epi32(_mm256_sub_epi32(b, lb), 8);
    }
  }
  for (int s = 0; s < 8; s++) to->sums32[s] = to->sums[2 * s] + to->sums[2 * s + 1];
  for (int d = 0; d < 3; d++)
    for (int s = 0; s < SETS; s++) {
      const int8_t *first = bytes[d] + 32 * first_of(s);
      __m256i n[2];
      pair_up(load32(first), load32(first + 64), n);
      const __m256i sum = _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(32), n[0]), _mm256_maddubs_epi16(_mm256_set1_epi8(32), n[1]));
      for (int i = 0; i < 2; i++) _mm256_store_si256((__m256i *)to->n[d][s][i], n[i]);
      _mm256_store_si256((__m256i *)to->less[d][s], _mm256_sub_epi16(_mm256_setzero_si256(), sum));
    }
}

/* ---- W ------------------------------------------------------------------------------------------------------------------- */

/* Words: 8 scales a half, of the first and of the second 16 elements of each sub-block -> of the sets. */
INLINE void place_scales(__m256i words, super *to) {
  for (int s = 0; s < SETS; s++) {
    const int a = first_of(s), wa = (2 * a + 1) << 8 | 2 * a, wb = wa + 0x0404;
    to->scale[s] = _mm256_shuffle_epi8(words, _mm256_broadcastsi128_si256(_mm_unpacklo_epi64(_mm_set1_epi16((short)wa), _mm_set1_epi16((short)wb))));
  }
}
/* The same from bytes with sign, one for each 16 elements. */
INLINE void place_bytes(__m128i each, super *to) {
  place_scales(_mm256_cvtepi8_epi16(_mm_shuffle_epi8(each, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15))), to);
}
INLINE __m256 bytes_to_floats(__m128i q) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(q)); }

INLINE void header_q4_K(const gk_block_q4_K *b, super *to) {
  const __m128i six = _mm_shuffle_epi32(sixes_q4_K(b), 0xD8); /* scales, mins */
  place_scales(_mm256_broadcastsi128_si256(_mm_cvtepu8_epi16(six)), to);
  to->d = _cvtsh_ss(b->d);
  to->min[0] = _mm256_mul_ps(bytes_to_floats(_mm_unpackhi_epi64(six, six)), _mm256_set1_ps(_cvtsh_ss(b->dmin)));
}

/* 8 (q + 4 bit) - 32 with an eighth of d. */
INLINE void header_q3_K(const gk_block_q3_K *b, super *to) {
  place_bytes(scales_q3_K(b), to);
  to->d = _cvtsh_ss(b->d) * 0.125f;
}

INLINE void header_q2_K(const gk_block_q2_K *b, super *to) {
  const __m128i s = load16(b->scales), nibble = _mm_set1_epi8(15), mins = _mm_and_si128(_mm_srli_epi16(s, 4), nibble);
  const __m256 dmin = _mm256_set1_ps(_cvtsh_ss(b->dmin));
  place_bytes(_mm_and_si128(s, nibble), to);
  to->min[0] = _mm256_mul_ps(bytes_to_floats(mins), dmin);
  to->min[1] = _mm256_mul_ps(bytes_to_floats(_mm_unpackhi_epi64(mins, mins)), dmin);
  to->d = _cvtsh_ss(b->d);
}

/* 4 q - 32 with a quarter of d. */
INLINE void header_q4_0(const gk_block_q4_0 *b, super *to) {
  for (int s = 0; s < SETS; s++) {
    const gk_block_q4_0 *first = b + first_of(s);
    const __m256 d = _mm256_blend_ps(_mm256_set1_ps(_cvtsh_ss(first[0].d)), _mm256_set1_ps(_cvtsh_ss(first[2].d)), 0xCC);
    to->scale[s] = _mm256_castps_si256(_mm256_mul_ps(d, _mm256_set1_ps(0.25f)));
  }
}

INLINE void header_of(const gk_type type, const char *chunk, super *to) {
  if (type == GK_Q4_K || type == GK_Q5_K) header_q4_K((const gk_block_q4_K *)chunk, to);
  if (type == GK_Q6_K) {
    place_bytes(load16(((const gk_block_q6_K *)chunk)->scales), to);
    to->d = _cvtsh_ss(((const gk_block_q6_K *)chunk)->d);
  }
  if (type == GK_Q3_K) header_q3_K((const gk_block_q3_K *)chunk, to);
  if (type == GK_Q2_K) header_q2_K((const gk_block_q2_K *)chunk, to);
  if (type == GK_Q4_0) header_q4_0((const gk_block_q4_0 *)chunk, to);
}

/* Bit `from` of each byte -> bit `to`; the others are left over. */
INLINE __m256i moved(__m256i q, int from, int to) { return from < to ? _mm256_slli_epi16(q, to - from) : _mm256_srli_epi16(q, from - to); }

/* The quants of sub-block s in their order. */
INLINE __m256i sub_block(const gk_type type, const char *chunk, int s) {
  if (type == GK_Q5_K) {
    const gk_block_q5_K *b = (const gk_block_q5_K *)chunk;
    return _mm256_or_si256(masked(moved(load32(b->qs + 32 * (s / 2)), 4 * (s % 2), 0), 15), masked(moved(load32(b->qh), s, 4), 16));
  }
  if (type == GK_Q6_K) {
    const gk_block_q6_K *b = (const gk_block_q6_K *)chunk;
    const int h = s / 4, r = s % 4;
    return _mm256_or_si256(masked(moved(load32(b->ql + 64 * h + 32 * (r % 2)), 4 * (r / 2), 0), 15), masked(moved(load32(b->qh + 32 * h), 2 * r, 4), 0x30));
  }
  if (type == GK_Q3_K) {
    const gk_block_q3_K *b = (const gk_block_q3_K *)chunk;
    return _mm256_or_si256(masked(moved(load32(b->qs + 32 * (s / 4)), 2 * (s % 4), 3), 0x18), masked(moved(load32(b->hmask), s, 5), 32));
  }
  if (type == GK_Q2_K) return masked(moved(load32(((const gk_block_q2_K *)chunk)->qs + 32 * (s / 4)), 2 * (s % 4), 0), 3);
  const __m256i q = _mm256_broadcastsi128_si256(load16(((const gk_block_q4_0 *)chunk)[s].qs)); /* 16 low nibbles, then the high ones */
  return masked(_mm256_blend_epi32(moved(q, 0, 2), moved(q, 4, 2), 0xF0), 0x3C);
}

/* The quants of a set in the order of the digits. */
INLINE void quants(const gk_type type, const char *chunk, int s, __m256i q[2]) {
  if (type != GK_Q4_K) {
    pair_up(sub_block(type, chunk, first_of(s)), sub_block(type, chunk, first_of(s) + 2), q);
    return;
  }
  const uint8_t *qs = ((const gk_block_q4_K *)chunk)->qs + 64 * (s / 2);
  pair_up(load32(qs), load32(qs + 32), q);
  for (int i = 0; i < 2; i++) q[i] = masked(moved(q[i], 4 * (s % 2), 0), 15);
}

/* ---- products -------------------------------------------------------------------------------------------------------------- */

/* Sums of (q - offset) n_d over the lanes of 16 bits of a set: at most 2^14, whatever wraps on the way. */
INLINE __m256i words(const gk_type type, const __m256i q[2], int s, const digits *x, int d) {
  const __m256i *n = (const __m256i *)x->n[d][s];
  const __m256i sum = _mm256_add_epi16(_mm256_maddubs_epi16(q[0], n[0]), _mm256_maddubs_epi16(q[1], n[1]));
  return has_min(type) ? sum : _mm256_add_epi16(sum, _mm256_load_si256((const __m256i *)x->less[d][s]));
}

/* Σ scale (q - offset) n of each digit over the sets; q4_0: Σ d (q - offset) n of all digits. */
typedef struct sums {
  __m256i digit[3];
  __m256 all;
} sums;

INLINE void add_set(const gk_type type, const __m256i q[2], __m256i scale, int s, const digits *x, sums *to) {
  if (type == GK_Q4_0) {
    __m256i v = _mm256_setzero_si256();
    for (int d = 0; d < 3; d++) v = _mm256_add_epi32(d ? _mm256_slli_epi32(v, 8) : v, _mm256_madd_epi16(words(type, q, s, x, d), _mm256_set1_epi16(1)));
    to->all = _mm256_fmadd_ps(_mm256_cvtepi32_ps(v), _mm256_castsi256_ps(scale), to->all);
    return;
  }
  for (int d = 0; d < 3; d++) to->digit[d] = _mm256_add_epi32(to->digit[d], _mm256_madd_epi16(words(type, q, s, x, d), scale));
}

/* acc + unit d Σ scale (q - offset) n - Σ min x */
INLINE __m256 plus_sums(const gk_type type, const super *w, const sums *of, const digits *x, __m256 acc) {
  const __m256 unit = _mm256_set1_ps(x->unit);
  if (type == GK_Q4_0) return _mm256_fmadd_ps(of->all, unit, acc);
  __m256 sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(of->digit[1]), _mm256_set1_ps(0x1p8f), _mm256_cvtepi32_ps(of->digit[2]));
  sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(of->digit[0]), _mm256_set1_ps(0x1p16f), sum);
  acc = _mm256_fmadd_ps(_mm256_mul_ps(sum, unit), _mm256_set1_ps(w->d), acc);
  if (type == GK_Q2_K) {
    acc = _mm256_fnmadd_ps(w->min[0], _mm256_load_ps(x->sums), acc);
    return _mm256_fnmadd_ps(w->min[1], _mm256_load_ps(x->sums + 8), acc);
  }
  return has_min(type) ? _mm256_fnmadd_ps(w->min[0], _mm256_load_ps(x->sums32), acc) : acc;
}

INLINE sums no_sums(void) { return (sums){{_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()}, _mm256_setzero_ps()}; }

/* One or two rows of x: quants are multiplied as they are unpacked. */
INLINE void direct(const gk_type type, const int m, const char *chunk, const digits *x, __m256 *acc) {
  super b;
  sums of[2];
  header_of(type, chunk, &b);
  for (int i = 0; i < m; i++) of[i] = no_sums();
  for (int s = 0; s < SETS; s++) {
    __m256i q[2];
    quants(type, chunk, s, q);
    for (int i = 0; i < m; i++) add_set(type, q, b.scale[s], s, x + i, &of[i]);
  }
  for (int i = 0; i < m; i++) acc[i] = plus_sums(type, &b, &of[i], x + i, acc[i]);
}

INLINE void through_l1(const gk_type type, const int m, const char *chunk, const digits *x, __m256 *acc) {
  super b;
  header_of(type, chunk, &b);
  for (int s = 0; s < SETS; s++) quants(type, chunk, s, b.q[s]);
  for (int i = 0; i < m; i++) {
    sums of = no_sums();
    for (int s = 0; s < SETS; s++) add_set(type, b.q[s], b.scale[s], s, x + i, &of);
    acc[i] = plus_sums(type, &b, &of, x + i, acc[i]);
  }
}

INLINE float lane_sum(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* m = f->m rows of x. Rows of W are walked in `streams` places at once, `part` rows apart: a processor fetches ahead on its own along each stream,
 * and each block of x is read once for all of them. Rows past the end are the last one again, and are not stored. */
INLINE void rows(const gk_type type, const int m, const int streams, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t part = (end - begin + streams - 1) / streams;
  for (int64_t j = begin; j < begin + part; j++) {
    __m256 acc[MOST_STREAMS][FEW];
    const char *w[MOST_STREAMS];
    const digits *x = f->digits;
    for (int t = 0; t < streams; t++) {
      w[t] = f->w + gk_min_i64(j + t * part, end - 1) * f->row_bytes;
      for (int i = 0; i < m; i++) acc[t][i] = _mm256_setzero_ps();
    }
    for (int64_t s = 0; s < f->k; s += GK_SBLOCK, x += m)
      for (int t = 0; t < streams; t++) {
        __asm__("" : "+r"(x)); /* its digits are read from where they are, not copied */
        if (m <= 2)
          direct(type, m, w[t], x, acc[t]);
        else
          through_l1(type, m, w[t], x, acc[t]);
        w[t] += bytes_of(type);
        if (m > 2)
          for (int64_t a = 0; a < bytes_of(type); a += LINE) _mm_prefetch(w[t] + f->row_bytes + a, _MM_HINT_T0);
      }
    for (int t = 0; t < streams && j + t * part < end; t++)
      for (int i = 0; i < m; i++) {
        float *y = f->y + i * f->ldy + j + t * part;
        *y = (f->accumulate ? *y : 0) + f->scale * lane_sum(acc[t][i]);
      }
  }
}

INLINE void of_type(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->m) {
    case 1: rows(type, 1, 2, f, begin, end); break;
    case 2: rows(type, 2, 2, f, begin, end); break;
    default: rows(type, f->m, MOST_STREAMS, f, begin, end);
  }
}

void gk_mm_few_int_avx2(const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->type) {
    case GK_Q2_K: of_type(GK_Q2_K, f, begin, end); break;
    case GK_Q3_K: of_type(GK_Q3_K, f, begin, end); break;
    case GK_Q4_K: of_type(GK_Q4_K, f, begin, end); break;
    case GK_Q5_K: of_type(GK_Q5_K, f, begin, end); break;
    case GK_Q6_K: of_type(GK_Q6_K, f, begin, end); break;
    default: of_type(GK_Q4_0, f, begin, end);
  }
}
