/* y = x · Wᵀ for few rows of x with the integers of K-quants, in AVX-512 VNNI. docs/matmul.md, "few rows"
 *
 * A super-block of W is unpacked once into 16 bits, each quant times its sub-block's scale; two products a weight, with the high and the low
 * digit of x, add up exactly over the super-block. What follows is the same for each row of x whatever m is, so the bits of a row do not
 * depend on the rows beside it.
 */
#include "cpu/matmul_few_int_avx512.h"
#include "cpu/matmul_lanes_avx512.h"

enum { FEW = 32, UNIT = 4, QUADS = GK_SBLOCK / 64, WORDS = 2 * QUADS, MOST = 3, AHEAD = 4096 };

/* A super-block: w = d * scale * (q - offset) - min, q in the order of x, offset 32 or 0; a scale and a min for each 16 elements. */
typedef struct super {
  __m512i q[QUADS];
  __m512i scale; /* in 16 bits, the upper half unused */
  __m512 min;
  float d;
} super;

INLINE int has_min(gk_type type) { return type == GK_Q4_K || type == GK_Q5_K || type == GK_Q2_K; }

int gk_mm_splits_avx512(gk_type type) { return has_min(type) || type == GK_Q3_K || type == GK_Q6_K; }

/* ---- x ------------------------------------------------------------------------------------------------------------------- */

INLINE float of_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* 64 words: the even ones, then the odd. */
INLINE void store_apart(const int16_t *words, int16_t *to) {
  _Alignas(64) static const int16_t even[32] = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62};
  const __m512i at = _mm512_load_si512(even), a = _mm512_load_si512(words), b = _mm512_load_si512(words + 32);
  _mm512_store_si512(to, _mm512_permutex2var_epi16(a, at, b));
  _mm512_store_si512(to + 32, _mm512_permutex2var_epi16(a, _mm512_add_epi16(at, _mm512_set1_epi16(1)), b));
}

/* Sums of 16 of 64 words that stand apart, in four lanes. */
INLINE __m128i sums_of_16(const int16_t *words) {
  const __m512i one = _mm512_set1_epi16(1);
  __m512i s = _mm512_dpwssd_epi32(_mm512_madd_epi16(one, _mm512_load_si512(words)), one, _mm512_load_si512(words + 32));
  s = _mm512_add_epi32(s, _mm512_shuffle_epi32(s, 0xB1));
  s = _mm512_add_epi32(s, _mm512_shuffle_epi32(s, 0x4E));
  return _mm512_castsi512_si128(_mm512_maskz_compress_epi32(0x1111, s));
}

void gk_mm_split_avx512(const float *x, gk_mm_digits *to) {
  __m512i most = _mm512_setzero_si512();
  for (int s = 0; s < GK_SBLOCK; s += 16) most = _mm512_max_epi32(most, _mm512_and_si512(_mm512_loadu_si512(x + s), _mm512_set1_epi32(INT32_MAX)));
  const uint32_t bits = (uint32_t)_mm512_reduce_max_epi32(most);
  /* The largest becomes 2^27 to 2^28 units; the unit is a normal number. */
  const uint32_t exponent = bits >> 23, e = exponent > 28 ? exponent - 27 : 1;
  const __m512 inverse = _mm512_set1_ps(of_bits((254 - e) << 23));
  to->unit = bits < 0x7F800000 ? of_bits(e << 23) : of_bits(0x7FC00000);
  for (int p = 0; p < QUADS; p++) {
    _Alignas(64) int16_t hi[64], lo[64];
    for (int s = 0; s < 64; s += 16) {
      const __m512i n = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 64 * p + s), inverse));
      _mm256_store_si256((__m256i *)(lo + s), _mm512_cvtepi32_epi16(_mm512_srai_epi32(_mm512_slli_epi32(n, 18), 18)));
      _mm256_store_si256((__m256i *)(hi + s), _mm512_cvtepi32_epi16(_mm512_srai_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(1 << 13)), 14)));
    }
    store_apart(hi, to->hi + 64 * p);
    store_apart(lo, to->lo + 64 * p);
    const __m128 sums = _mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(sums_of_16(to->hi + 64 * p)), _mm_set1_ps(0x1p14f)), _mm_cvtepi32_ps(sums_of_16(to->lo + 64 * p)));
    _mm_store_ps(to->sums + 4 * p, _mm_mul_ps(sums, _mm_set1_ps(to->unit)));
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
INLINE __m512i widened(__m128i scales) { return _mm512_castsi256_si512(_mm256_cvtepi8_epi16(scales)); }
INLINE __m128i doubled(uint64_t bytes) { return _mm_unpacklo_epi8(_mm_cvtsi64_si128((long long)bytes), _mm_cvtsi64_si128((long long)bytes)); }

/* q4_K, q5_K: the eight scales and the eight mins, a byte each. Bit positions: graft/blocks.h. */
INLINE void sixes_q4_K(const gk_block_q4_K *b, uint64_t *scale, uint64_t *min) {
  uint32_t l, h, c;
  memcpy(&l, b->scales, 4);
  memcpy(&h, b->scales + 4, 4);
  memcpy(&c, b->scales + 8, 4);
  *scale = (uint64_t)((c & 0x0F0F0F0Fu) | (l >> 6 & 0x03030303u) << 4) << 32 | (l & 0x3F3F3F3Fu);
  *min = (uint64_t)((c >> 4 & 0x0F0F0F0Fu) | (h >> 6 & 0x03030303u) << 4) << 32 | (h & 0x3F3F3F3Fu);
}

INLINE void super_q4_K(const gk_type type, const gk_block_q4_K *b, super *to) {
  const gk_block_q5_K *five = (const gk_block_q5_K *)b;
  const uint8_t *qs = type == GK_Q5_K ? five->qs : b->qs;
  for (int p = 0; p < QUADS; p++) {
    to->q[p] = masked(rotated(twice(qs + 32 * p), 0, 4), 15);
    if (type == GK_Q5_K) to->q[p] = plus_bit(to->q[p], twice(five->qh), 1 << 2 * p, 2 << 2 * p, 16);
  }
  uint64_t scale, min;
  sixes_q4_K(b, &scale, &min);
  to->scale = widened(doubled(scale));
  to->min = _mm512_mul_ps(bytes_to_floats(doubled(min)), _mm512_set1_ps(_cvtsh_ss(b->dmin)));
  to->d = _cvtsh_ss(b->d);
}

INLINE void super_q6_K(const gk_block_q6_K *b, super *to) {
  for (int h = 0; h < 2; h++) {
    const __m512i low = _mm512_loadu_si512(b->ql + 64 * h), high = twice(b->qh + 32 * h);
    to->q[2 * h] = _mm512_or_si512(masked(low, 15), masked(rotated(high, -4, -2), 0x30));
    to->q[2 * h + 1] = _mm512_or_si512(masked(rotated(low, 4, 4), 15), masked(rotated(high, 0, 2), 0x30));
  }
  to->scale = widened(load16(b->scales));
  to->d = _cvtsh_ss(b->d);
}

/* 8 (q + 4 bit) - 32 with an eighth of d. */
INLINE void super_q3_K(const gk_block_q3_K *b, super *to) {
  for (int p = 0; p < QUADS; p++) {
    const __m512i q = twice(b->qs + 32 * (p / 2));
    to->q[p] = plus_bit(masked(p % 2 ? rotated(q, 1, 3) : rotated(q, -3, -1), 0x18), twice(b->hmask), 1 << 2 * p, 2 << 2 * p, 32);
  }
  uint64_t low;
  uint32_t c;
  memcpy(&low, b->scales, 8);
  memcpy(&c, b->scales + 8, 4);
  const uint64_t nibbles = 0x0F0F0F0F0F0F0F0Fu;
  const uint32_t pairs = 0x30303030u;
  const uint64_t first = (low & nibbles) | (c << 4 & pairs) | (uint64_t)(c << 2 & pairs) << 32;
  const uint64_t second = (low >> 4 & nibbles) | (c & pairs) | (uint64_t)(c >> 2 & pairs) << 32;
  to->scale = widened(_mm_sub_epi8(_mm_set_epi64x((long long)second, (long long)first), _mm_set1_epi8(32)));
  to->d = _cvtsh_ss(b->d) * 0.125f;
}

INLINE void super_q2_K(const gk_block_q2_K *b, super *to) {
  for (int p = 0; p < QUADS; p++) to->q[p] = masked(rotated(twice(b->qs + 32 * (p / 2)), 4 * (p % 2), 4 * (p % 2) + 2), 3);
  const __m128i s = load16(b->scales), nibble = _mm_set1_epi8(15);
  to->scale = widened(_mm_and_si128(s, nibble));
  to->min = _mm512_mul_ps(bytes_to_floats(_mm_and_si128(_mm_srli_epi16(s, 4), nibble)), _mm512_set1_ps(_cvtsh_ss(b->dmin)));
  to->d = _cvtsh_ss(b->d);
}

INLINE void super_of(const gk_type type, const char *chunk, super *to) {
  if (type == GK_Q4_K || type == GK_Q5_K) super_q4_K(type, (const gk_block_q4_K *)chunk, to);
  if (type == GK_Q6_K) super_q6_K((const gk_block_q6_K *)chunk, to);
  if (type == GK_Q3_K) super_q3_K((const gk_block_q3_K *)chunk, to);
  if (type == GK_Q2_K) super_q2_K((const gk_block_q2_K *)chunk, to);
}

/* scale * (q - offset) of quad p, the even elements and the odd. */
INLINE void words(const gk_type type, const super *b, int p, __m512i v[2]) {
  _Alignas(64) static const int16_t sixteenths[32] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3};
  const __m512i scale = _mm512_permutexvar_epi16(_mm512_add_epi16(_mm512_load_si512(sixteenths), _mm512_set1_epi16((short)(4 * p))), b->scale);
  if (has_min(type)) {
    /* A scale is a signed byte; each pair of bytes has one beside a zero. */
    v[0] = _mm512_maddubs_epi16(b->q[p], scale);
    v[1] = _mm512_maddubs_epi16(b->q[p], _mm512_slli_epi16(scale, 8));
    return;
  }
  const __m512i q = _mm512_sub_epi8(b->q[p], _mm512_set1_epi8(32));
  v[0] = _mm512_mullo_epi16(_mm512_srai_epi16(_mm512_slli_epi16(q, 8), 8), scale);
  v[1] = _mm512_mullo_epi16(_mm512_srai_epi16(q, 8), scale);
}

/* ---- products -------------------------------------------------------------------------------------------------------------- */

/* acc + d * (unit * (2^14 hi + lo)) - min * sums */
INLINE __m512 plus_sums(const gk_type type, __m512i hi, __m512i lo, float d, __m512 min, const gk_mm_digits *x, __m512 acc) {
  const __m512 sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(hi), _mm512_set1_ps(0x1p14f), _mm512_cvtepi32_ps(lo));
  acc = _mm512_fmadd_ps(_mm512_mul_ps(sum, _mm512_set1_ps(x->unit)), _mm512_set1_ps(d), acc);
  return has_min(type) ? _mm512_fnmadd_ps(min, _mm512_load_ps(x->sums), acc) : acc;
}

/* One or two rows of x: the words stay in registers. */
INLINE void direct(const gk_type type, const int m, const char *w, const gk_mm_digits *x, __m512 *sum) {
  super b;
  __m512i hi[2], lo[2], v[2];
  super_of(type, w, &b);
  for (int i = 0; i < m; i++) hi[i] = lo[i] = _mm512_setzero_si512();
GK_MM_UNROLL
  for (int p = 0; p < QUADS; p++) {
    words(type, &b, p, v);
    for (int i = 0; i < m; i++)
      for (int o = 0; o < 2; o++) {
        hi[i] = _mm512_dpwssd_epi32(hi[i], v[o], _mm512_load_si512(x[i].hi + 64 * p + 32 * o));
        lo[i] = _mm512_dpwssd_epi32(lo[i], v[o], _mm512_load_si512(x[i].lo + 64 * p + 32 * o));
      }
  }
  for (int i = 0; i < m; i++) sum[i] = plus_sums(type, hi[i], lo[i], b.d, b.min, x + i, sum[i]);
}

/* UNIT super-blocks as words in L1. */
typedef struct unpacked {
  __m512i words[WORDS][UNIT];
  __m512 min[UNIT];
  float d[UNIT];
} unpacked;

INLINE void tile(const gk_type type, const int mb, const unpacked *w, const gk_mm_digits *x, __m512 *acc) {
  __m512i hi[MOST * UNIT], lo[MOST * UNIT];
GK_MM_UNROLL
  for (int c = 0; c < mb * UNIT; c++) hi[c] = lo[c] = _mm512_setzero_si512();
GK_MM_UNROLL
  for (int v = 0; v < WORDS; v++) {
GK_MM_UNROLL
    for (int c = 0; c < mb * UNIT; c++) {
      hi[c] = _mm512_dpwssd_epi32(hi[c], w->words[v][c % UNIT], _mm512_load_si512(x[c / UNIT].hi + 32 * v));
      lo[c] = _mm512_dpwssd_epi32(lo[c], w->words[v][c % UNIT], _mm512_load_si512(x[c / UNIT].lo + 32 * v));
    }
  }
GK_MM_UNROLL
  for (int c = 0; c < mb * UNIT; c++) acc[c] = plus_sums(type, hi[c], lo[c], w->d[c % UNIT], w->min[c % UNIT], x + c / UNIT, acc[c]);
}

INLINE void tiles(const gk_type type, int32_t m, const unpacked *w, const gk_mm_digits *x, __m512 *acc) {
  for (int32_t left = m, parts = (m + MOST - 1) / MOST; left > 0; parts--) {
    const int32_t mb = (left + parts - 1) / parts;
    switch (mb) {
      case 1: tile(type, 1, w, x, acc); break;
      case 2: tile(type, 2, w, x, acc); break;
      default: tile(type, MOST, w, x, acc);
    }
    left -= mb;
    x += mb;
    acc += mb * UNIT;
  }
}

INLINE void put_all(const gk_mm_few *f, int32_t m, int64_t j, int64_t end, const __m512 *acc) {
  for (int32_t i = 0; i < m; i++, acc += UNIT) put(f, i, j, end, lane_sums(acc[0], acc[1], acc[2], acc[3]));
}

/* m = f->m rows of x, one or two: each row of W from end to end, so that memory is read in one stream; a fetch past its end is none. */
INLINE void few(const gk_type type, const int m, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t chunk = gk_type_bytes(type, GK_SBLOCK);
  for (int64_t j = begin; j < end; j += UNIT) {
    __m512 acc[2 * UNIT];
    for (int r = 0; r < UNIT; r++) {
      const char *w = f->w + gk_min_i64(j + r, end - 1) * f->row_bytes;
      const gk_mm_digits *x = f->digits;
      __m512 sum[2];
      for (int i = 0; i < m; i++) sum[i] = _mm512_setzero_ps();
      for (int64_t s = 0; s < f->k; s += GK_SBLOCK, x += m, w += chunk) {
        prefetch(w + AHEAD, chunk);
        direct(type, m, w, x, sum);
      }
      for (int i = 0; i < m; i++) acc[i * UNIT + r] = sum[i];
    }
    put_all(f, m, j, end, acc);
  }
}

INLINE void many(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t chunk = gk_type_bytes(type, GK_SBLOCK), step = UNIT * f->row_bytes;
  prefetch(f->w + begin * f->row_bytes, gk_min_i64(step, (end - begin) * f->row_bytes));
  for (int64_t j = begin; j < end; j += UNIT) {
    const char *w[UNIT];
    __m512 acc[FEW * UNIT];
    for (int r = 0; r < UNIT; r++) w[r] = f->w + gk_min_i64(j + r, end - 1) * f->row_bytes;
    for (int32_t i = 0; i < f->m * UNIT; i++) acc[i] = _mm512_setzero_ps();
    const int64_t ahead = j + UNIT < end ? step : 0;
    const gk_mm_digits *x = f->digits;
    for (int64_t s = 0; s < f->k; s += GK_SBLOCK, x += f->m) {
      unpacked u;
      for (int r = 0; r < UNIT; r++) {
        super b;
        if (ahead) prefetch(w[r] + ahead, chunk);
        super_of(type, w[r], &b);
        for (int p = 0; p < QUADS; p++) {
          __m512i v[2];
          words(type, &b, p, v);
          u.words[2 * p][r] = v[0];
          u.words[2 * p + 1][r] = v[1];
        }
        u.min[r] = has_min(type) ? b.min : _mm512_setzero_ps();
        u.d[r] = b.d;
        w[r] += chunk;
      }
      tiles(type, f->m, &u, x, acc);
    }
    put_all(f, f->m, j, end, acc);
  }
}

INLINE void of_type(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->m) {
    case 1: few(type, 1, f, begin, end); break;
    case 2: few(type, 2, f, begin, end); break;
    default: many(type, f, begin, end);
  }
}

void gk_mm_few_int_avx512(const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->type) {
    case GK_Q2_K: of_type(GK_Q2_K, f, begin, end); break;
    case GK_Q3_K: of_type(GK_Q3_K, f, begin, end); break;
    case GK_Q4_K: of_type(GK_Q4_K, f, begin, end); break;
    case GK_Q5_K: of_type(GK_Q5_K, f, begin, end); break;
    default: of_type(GK_Q6_K, f, begin, end);
  }
}
