/* y = x · Wᵀ for few rows of x with the weights' integers, in AVX-512 VNNI. docs/matmul.md, "few rows"
 *
 * A super-block of W is unpacked once into bytes, in the order of x; three byte products a weight give the exact sum of four products in 32
 * bits. What follows is the same for each row of x whatever m is, so the bits of a row do not depend on the rows beside it.
 */
#include "cpu/matmul_few_int_avx512.h"
#include "cpu/matmul_lanes_avx512.h"

enum { FEW = 32, UNIT = 4, QUADS = GK_SBLOCK / 64 };

/* A super-block: w = scale * (q - offset) - min, offset 32 or 0. Lane l of scale[p] and q[p] has the elements 64p + 4l .. 64p + 4l + 3. */
typedef struct super {
  __m512i q[QUADS];
  __m512 scale[QUADS], min; /* min of 16 elements a lane */
} super;

INLINE int has_min(gk_type type) { return type == GK_Q4_K || type == GK_Q5_K || type == GK_Q2_K; }

int gk_mm_splits_avx512(gk_type type, int64_t k) {
  switch (type) {
    case GK_Q4_0: return k % GK_SBLOCK == 0;
    case GK_Q2_K:
    case GK_Q3_K:
    case GK_Q4_K:
    case GK_Q5_K:
    case GK_Q6_K: return 1;
    default: return 0;
  }
}

/* ---- x ------------------------------------------------------------------------------------------------------------------- */

/* Σ of four (65536 hi + 256 mid + lo) q, exact, less `minus`. */
INLINE __m512i product(__m512i q, const gk_mm_digits *d, int p, __m512i minus) {
  __m512i t = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, _mm512_load_si512(d->hi + 64 * p));
  t = _mm512_dpbusd_epi32(_mm512_slli_epi32(t, 8), q, _mm512_load_si512(d->mid + 64 * p));
  return _mm512_dpbusd_epi32(_mm512_sub_epi32(_mm512_slli_epi32(t, 8), minus), q, _mm512_load_si512(d->lo + 64 * p));
}

INLINE float of_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

void gk_mm_split_avx512(const float *x, gk_mm_digits *to) {
  __m512i most = _mm512_setzero_si512();
  for (int s = 0; s < GK_SBLOCK; s += 16) most = _mm512_max_epi32(most, _mm512_and_si512(_mm512_loadu_si512(x + s), _mm512_set1_epi32(INT32_MAX)));
  const uint32_t bits = (uint32_t)_mm512_reduce_max_epi32(most);
  /* The largest becomes 2^22 to 2^23 units, and no more than three digits hold, 0x7F7F7F; the unit is a normal number. */
  const uint32_t exponent = (bits + 0x10101) >> 23, e = exponent > 23 ? exponent - 22 : 1;
  const float unit = of_bits(e << 23);
  const __m512 inverse = _mm512_set1_ps(of_bits((254 - e) << 23));
  const __m512i half = _mm512_set1_epi32(128);
  for (int s = 0; s < GK_SBLOCK; s += 16) {
    __m512i n = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + s), inverse));
    _mm_store_si128((__m128i *)(to->lo + s), _mm512_cvtepi32_epi8(n));
    n = _mm512_srai_epi32(_mm512_add_epi32(n, half), 8);
    _mm_store_si128((__m128i *)(to->mid + s), _mm512_cvtepi32_epi8(n));
    n = _mm512_srai_epi32(_mm512_add_epi32(n, half), 8);
    _mm_store_si128((__m128i *)(to->hi + s), _mm512_cvtepi32_epi8(n));
  }
  int32_t sums[GK_SBLOCK / 16];
  for (int p = 0; p < QUADS; p++) {
    const __m512i fours = product(_mm512_set1_epi8(32), to, p, _mm512_setzero_si512());
    _mm512_store_si512(to->fours + 16 * p, fours);
    __m512i s = _mm512_srai_epi32(fours, 5);
    s = _mm512_add_epi32(s, _mm512_shuffle_epi32(s, 0xB1));
    s = _mm512_add_epi32(s, _mm512_shuffle_epi32(s, 0x4E));
    _mm_storeu_si128((__m128i *)(sums + 4 * p), _mm512_castsi512_si128(_mm512_maskz_compress_epi32(0x1111, s)));
  }
  to->unit = bits < 0x7F800000 ? unit : of_bits(0x7FC00000);
  _mm512_store_ps(to->sums, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums)), _mm512_set1_ps(to->unit)));
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

/* Lanes 2p, 2p + 1 of eight (of_32) or 4p .. 4p + 3 of sixteen scales over the lanes of quad p. */
INLINE void spread(const int of_32, __m512 s, __m512 *scale) {
  for (int p = 0; p < QUADS; p++) {
    const __m512i lane = _mm512_srli_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), of_32 ? 3 : 2);
    scale[p] = _mm512_permutexvar_ps(_mm512_add_epi32(lane, _mm512_set1_epi32((of_32 ? 2 : 4) * p)), s);
  }
}

INLINE void super_q4_K(const gk_type type, const gk_block_q4_K *b, super *to) {
  const gk_block_q5_K *five = (const gk_block_q5_K *)b;
  const __m512 s = scales_q4_K(b);
  const uint8_t *qs = type == GK_Q5_K ? five->qs : b->qs;
  for (int p = 0; p < QUADS; p++) {
    to->q[p] = masked(rotated(twice(qs + 32 * p), 0, 4), 15);
    if (type == GK_Q5_K) to->q[p] = plus_bit(to->q[p], twice(five->qh), 1 << 2 * p, 2 << 2 * p, 16);
  }
  spread(1, s, to->scale);
  to->min = _mm512_permutexvar_ps(_mm512_setr_epi32(8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15), s);
}

INLINE void super_q6_K(const gk_block_q6_K *b, super *to) {
  for (int h = 0; h < 2; h++) {
    const __m512i low = _mm512_loadu_si512(b->ql + 64 * h), high = twice(b->qh + 32 * h);
    to->q[2 * h] = _mm512_or_si512(masked(low, 15), masked(rotated(high, -4, -2), 0x30));
    to->q[2 * h + 1] = _mm512_or_si512(masked(rotated(low, 4, 4), 15), masked(rotated(high, 0, 2), 0x30));
  }
  spread(0, scales_q6_K(b), to->scale);
}

/* 8 (q + 4 bit) - 32 with an eighth of the scale. */
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
  const __m128i s = _mm_sub_epi8(_mm_set_epi64x((long long)second, (long long)first), _mm_set1_epi8(32));
  spread(0, _mm512_mul_ps(bytes_to_floats(s), _mm512_set1_ps(_cvtsh_ss(b->d) * 0.125f)), to->scale);
}

INLINE void super_q2_K(const gk_block_q2_K *b, super *to) {
  for (int p = 0; p < QUADS; p++) to->q[p] = masked(rotated(twice(b->qs + 32 * (p / 2)), 4 * (p % 2), 4 * (p % 2) + 2), 3);
  const __m128i s = load16(b->scales), nibble = _mm_set1_epi8(15);
  spread(0, _mm512_mul_ps(bytes_to_floats(_mm_and_si128(s, nibble)), _mm512_set1_ps(_cvtsh_ss(b->d))), to->scale);
  to->min = _mm512_mul_ps(bytes_to_floats(_mm_and_si128(_mm_srli_epi16(s, 4), nibble)), _mm512_set1_ps(_cvtsh_ss(b->dmin)));
}

/* 4 q - 32 with a quarter of the scale. */
INLINE void super_q4_0(const gk_block_q4_0 *b, super *to) {
  const __m512i shift = _mm512_setr_epi32(30, 30, 30, 30, 2, 2, 2, 2, 30, 30, 30, 30, 2, 2, 2, 2);
  for (int p = 0; p < QUADS; p++, b += 2) {
    const __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_broadcastsi128_si256(load16(b[0].qs))), _mm256_broadcastsi128_si256(load16(b[1].qs)), 1);
    to->q[p] = masked(_mm512_rorv_epi32(q, shift), 0x3C);
    const __m512 lower = _mm512_set1_ps(_cvtsh_ss(b[0].d) * 0.25f);
    to->scale[p] = _mm512_mask_mov_ps(lower, 0xFF00, _mm512_set1_ps(_cvtsh_ss(b[1].d) * 0.25f));
  }
}

INLINE void super_of(const gk_type type, const char *chunk, super *to) {
  if (type == GK_Q4_K || type == GK_Q5_K) super_q4_K(type, (const gk_block_q4_K *)chunk, to);
  if (type == GK_Q6_K) super_q6_K((const gk_block_q6_K *)chunk, to);
  if (type == GK_Q3_K) super_q3_K((const gk_block_q3_K *)chunk, to);
  if (type == GK_Q2_K) super_q2_K((const gk_block_q2_K *)chunk, to);
  if (type == GK_Q4_0) super_q4_0((const gk_block_q4_0 *)chunk, to);
}

/* ---- products -------------------------------------------------------------------------------------------------------------- */

INLINE __m512 plus_product(const gk_type type, const super *w, const gk_mm_digits *d, __m512 acc) {
  __m512 part = _mm512_setzero_ps();
GK_MM_UNROLL
  for (int p = 0; p < QUADS; p++) {
    const __m512i minus = has_min(type) ? _mm512_setzero_si512() : _mm512_load_si512(d->fours + 16 * p);
    part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(product(w->q[p], d, p, minus)), w->scale[p], part);
  }
  acc = _mm512_fmadd_ps(part, _mm512_set1_ps(d->unit), acc);
  return has_min(type) ? _mm512_fnmadd_ps(w->min, _mm512_load_ps(d->sums), acc) : acc;
}

/* m: f->m, a constant where the sums are to stay in registers */
INLINE void rows(const gk_type type, const int32_t m, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t chunk = gk_type_bytes(type, GK_SBLOCK);
  for (int64_t j = begin; j < end; j += UNIT) {
    const char *w[UNIT];
    __m512 acc[FEW][UNIT];
    for (int r = 0; r < UNIT; r++) w[r] = f->w + gk_min_i64(j + r, end - 1) * f->row_bytes;
    for (int32_t i = 0; i < m; i++)
      for (int r = 0; r < UNIT; r++) acc[i][r] = _mm512_setzero_ps();
    const int64_t ahead = j + UNIT < end ? UNIT * f->row_bytes : 0;
    const gk_mm_digits *x = f->digits;
    for (int64_t s = 0; s < f->k; s += GK_SBLOCK, x += m) {
GK_MM_UNROLL
      for (int r = 0; r < UNIT; r++) {
        super b;
        if (ahead) prefetch(w[r] + ahead, chunk);
        super_of(type, w[r], &b);
        w[r] += chunk;
        for (int32_t i = 0; i < m; i++) acc[i][r] = plus_product(type, &b, x + i, acc[i][r]);
      }
    }
    for (int32_t i = 0; i < m; i++) put(f, i, j, end, lane_sums(acc[i][0], acc[i][1], acc[i][2], acc[i][3]));
  }
}

INLINE void of_type(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->m) {
    case 1: rows(type, 1, f, begin, end); break;
    case 2: rows(type, 2, f, begin, end); break;
    default: rows(type, f->m, f, begin, end);
  }
}

void gk_mm_few_int_avx512(const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->type) {
    case GK_Q4_0: of_type(GK_Q4_0, f, begin, end); break;
    case GK_Q2_K: of_type(GK_Q2_K, f, begin, end); break;
    case GK_Q3_K: of_type(GK_Q3_K, f, begin, end); break;
    case GK_Q4_K: of_type(GK_Q4_K, f, begin, end); break;
    case GK_Q5_K: of_type(GK_Q5_K, f, begin, end); break;
    default: of_type(GK_Q6_K, f, begin, end);
  }
}
