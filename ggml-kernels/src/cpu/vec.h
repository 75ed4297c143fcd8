/* One name for the same f32 vector operation on each isa, so that a kernel is written once, in a .h file, and
 * compiled once for each isa by a small *_<isa>.c file. The includer defines one of GK_VEC_AVX512, GK_VEC_AVX2,
 * GK_VEC_NEON.
 *
 *   VW                       floats in a vector
 *   GK_FN(op)                gk_<op>_<isa>
 *   vf_loadn / vf_storen     the first n floats only, 0 <= n <= VW; the others read as 0, nothing is touched past them
 *   vf_first(x, n, other)    the first n of x, then `other`; n may be below 0 or above VW
 *   vf_max, vf_min(a, b)     b when either is NaN
 */
#ifndef GRAFT_VEC_H
#define GRAFT_VEC_H
#include <stdint.h>
#include <string.h>

#include "internal.h"

#define GK_INLINE static inline __attribute__((always_inline, unused))
#if defined(__clang__)
#define GK_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GK_UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(GK_VEC_AVX512)
#include <immintrin.h>
#define VW 16
#define GK_FN(op) gk_##op##_avx512
typedef __m512 vf;
typedef __m512i vu;
GK_INLINE __mmask16 vec_mask(int64_t n) {
  return n <= 0 ? (__mmask16)0 : n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}
GK_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
GK_INLINE void vf_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
GK_INLINE vf vf_loadn(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(vec_mask(n), p); }
GK_INLINE void vf_storen(float *p, vf a, int64_t n) { _mm512_mask_storeu_ps(p, vec_mask(n), a); }
GK_INLINE vf vf_first(vf a, int64_t n, vf other) { return _mm512_mask_blend_ps(vec_mask(n), other, a); }
GK_INLINE vf vf_set(float a) { return _mm512_set1_ps(a); }
GK_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
GK_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
GK_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
GK_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
GK_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
GK_INLINE vf vf_sqrt(vf a) { return _mm512_sqrt_ps(a); }
GK_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }     /* a*b + c */
GK_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }   /* c - a*b */
GK_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
GK_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
GK_INLINE vf vf_round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
GK_INLINE vf vf_ldexp(vf a, vf n) { return _mm512_scalef_ps(a, n); }           /* a * 2^n, n whole */
GK_INLINE vf vf_swap_pairs(vf a) { return _mm512_permute_ps(a, 0xb1); }
/* reduce_add folds halves onto each other: the same order every time. */
GK_INLINE float vf_hsum(vf a) { return _mm512_reduce_add_ps(a); }
GK_INLINE float vf_hmax(vf a) { return _mm512_reduce_max_ps(a); }
/* Both halves of a, widened to double, squared and added to the two accumulators. */
GK_INLINE void vf_square_double(vf a, double *restrict acc) {
  __m512d lo = _mm512_cvtps_pd(_mm512_castps512_ps256(a));
  __m512d hi = _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1));
  _mm512_storeu_pd(acc, _mm512_fmadd_pd(lo, lo, _mm512_loadu_pd(acc)));
  _mm512_storeu_pd(acc + 8, _mm512_fmadd_pd(hi, hi, _mm512_loadu_pd(acc + 8)));
}

GK_INLINE vu vu_load(const uint32_t *p) { return _mm512_loadu_si512(p); }
GK_INLINE vu vu_set(uint32_t a) { return _mm512_set1_epi32((int)a); }
GK_INLINE vu vu_xor(vu a, vu b) { return _mm512_xor_si512(a, b); }
GK_INLINE vu vu_add(vu a, vu b) { return _mm512_add_epi32(a, b); }
/* low and high words of a * m, m the same in all lanes */
GK_INLINE void vu_mul_wide(vu a, vu m, vu *low, vu *high) {
  __m512i even = _mm512_mul_epu32(a, m), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), m);
  *low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  *high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}
/* In each 128-bit lane, the 4x4 matrix of r[0..3] transposed. */
GK_INLINE void vu_transpose4(vu r[4]) {
  __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
  __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
  r[0] = _mm512_unpacklo_epi64(a, c), r[1] = _mm512_unpackhi_epi64(a, c);
  r[2] = _mm512_unpacklo_epi64(b, d), r[3] = _mm512_unpackhi_epi64(b, d);
}
GK_INLINE vu vf_bits(vf a) { return _mm512_castps_si512(a); }
/* 128-bit lane L goes to p + L * step floats. */
GK_INLINE void vu_store_lanes(float *p, int64_t step, vu a) {
  __m512 f = _mm512_castsi512_ps(a);
  _mm_storeu_ps(p, _mm512_castps512_ps128(f));
  _mm_storeu_ps(p + step, _mm512_extractf32x4_ps(f, 1));
  _mm_storeu_ps(p + 2 * step, _mm512_extractf32x4_ps(f, 2));
  _mm_storeu_ps(p + 3 * step, _mm512_extractf32x4_ps(f, 3));
}
/* x where a >= b (unsigned), else +0 */
GK_INLINE vf vf_where_ge(vu a, vu b, vf x) { return _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(a, b), x); }

#elif defined(GK_VEC_AVX2)
#include <immintrin.h>
#define VW 8
#define GK_FN(op) gk_##op##_avx2
typedef __m256 vf;
typedef __m256i vu;
GK_INLINE __m256i vec_mask(int64_t n) {
  int32_t m = n <= 0 ? 0 : n >= 8 ? 8 : (int32_t)n;
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(m), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
GK_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
GK_INLINE void vf_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
GK_INLINE vf vf_loadn(const float *p, int64_t n) { return _mm256_maskload_ps(p, vec_mask(n)); }
GK_INLINE void vf_storen(float *p, vf a, int64_t n) { _mm256_maskstore_ps(p, vec_mask(n), a); }
GK_INLINE vf vf_first(vf a, int64_t n, vf other) { return _mm256_blendv_ps(other, a, _mm256_castsi256_ps(vec_mask(n))); }
GK_INLINE vf vf_set(float a) { return _mm256_set1_ps(a); }
GK_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
GK_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
GK_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
GK_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
GK_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
GK_INLINE vf vf_sqrt(vf a) { return _mm256_sqrt_ps(a); }
GK_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
GK_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
GK_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
GK_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
GK_INLINE vf vf_round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/* In two steps, each a normal power of two, so that results near the ends of the range are right. */
GK_INLINE vf vf_ldexp(vf a, vf n) {
  __m256i e = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(e, 1), rest = _mm256_sub_epi32(e, half);
  __m256i bias = _mm256_set1_epi32(127);
  __m256 p = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  __m256 q = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(a, p), q);
}
GK_INLINE vf vf_swap_pairs(vf a) { return _mm256_permute_ps(a, 0xb1); }
GK_INLINE float vf_hsum(vf a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
GK_INLINE float vf_hmax(vf a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
GK_INLINE void vf_square_double(vf a, double *restrict acc) {
  __m256d lo = _mm256_cvtps_pd(_mm256_castps256_ps128(a)), hi = _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
  _mm256_storeu_pd(acc, _mm256_fmadd_pd(lo, lo, _mm256_loadu_pd(acc)));
  _mm256_storeu_pd(acc + 4, _mm256_fmadd_pd(hi, hi, _mm256_loadu_pd(acc + 4)));
}

GK_INLINE vu vu_load(const uint32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
GK_INLINE vu vu_set(uint32_t a) { return _mm256_set1_epi32((int)a); }
GK_INLINE vu vu_xor(vu a, vu b) { return _mm256_xor_si256(a, b); }
GK_INLINE vu vu_add(vu a, vu b) { return _mm256_add_epi32(a, b); }
GK_INLINE void vu_mul_wide(vu a, vu m, vu *low, vu *high) {
  __m256i even = _mm256_mul_epu32(a, m), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), m);
  *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
GK_INLINE void vu_transpose4(vu r[4]) {
  __m256i a = _mm256_unpacklo_epi32(r[0], r[1]), b = _mm256_unpackhi_epi32(r[0], r[1]);
  __m256i c = _mm256_unpacklo_epi32(r[2], r[3]), d = _mm256_unpackhi_epi32(r[2], r[3]);
  r[0] = _mm256_unpacklo_epi64(a, c), r[1] = _mm256_unpackhi_epi64(a, c);
  r[2] = _mm256_unpacklo_epi64(b, d), r[3] = _mm256_unpackhi_epi64(b, d);
}
GK_INLINE vu vf_bits(vf a) { return _mm256_castps_si256(a); }
GK_INLINE void vu_store_lanes(float *p, int64_t step, vu a) {
  __m256 f = _mm256_castsi256_ps(a);
  _mm_storeu_ps(p, _mm256_castps256_ps128(f));
  _mm_storeu_ps(p + step, _mm256_extractf128_ps(f, 1));
}
GK_INLINE vf vf_where_ge(vu a, vu b, vf x) {
  return _mm256_and_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a)), x);
}

#elif defined(GK_VEC_NEON)
#include <arm_neon.h>
#define VW 4
#define GK_FN(op) gk_##op##_neon
typedef float32x4_t vf;
typedef uint32x4_t vu;
GK_INLINE uint32x4_t vec_mask(int64_t n) {
  static const int32_t lane[4] = {0, 1, 2, 3};
  int32_t m = n <= 0 ? 0 : n >= 4 ? 4 : (int32_t)n;
  return vcgtq_s32(vdupq_n_s32(m), vld1q_s32(lane));
}
GK_INLINE vf vf_load(const float *p) { return vld1q_f32(p); }
GK_INLINE void vf_store(float *p, vf a) { vst1q_f32(p, a); }
GK_INLINE vf vf_loadn(const float *p, int64_t n) {
  float t[4] = {0, 0, 0, 0};
  if (n > 0) memcpy(t, p, (size_t)(n < 4 ? n : 4) * sizeof(float));
  return vld1q_f32(t);
}
GK_INLINE void vf_storen(float *p, vf a, int64_t n) {
  float t[4];
  vst1q_f32(t, a);
  if (n > 0) memcpy(p, t, (size_t)(n < 4 ? n : 4) * sizeof(float));
}
GK_INLINE vf vf_first(vf a, int64_t n, vf other) { return vbslq_f32(vec_mask(n), a, other); }
GK_INLINE vf vf_set(float a) { return vdupq_n_f32(a); }
GK_INLINE vf vf_zero(void) { return vdupq_n_f32(0); }
GK_INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
GK_INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
GK_INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
GK_INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
GK_INLINE vf vf_sqrt(vf a) { return vsqrtq_f32(a); }
GK_INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
GK_INLINE vf vf_fnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
GK_INLINE vf vf_max(vf a, vf b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
GK_INLINE vf vf_min(vf a, vf b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
GK_INLINE vf vf_round(vf a) { return vrndnq_f32(a); }
GK_INLINE vf vf_ldexp(vf a, vf n) {
  int32x4_t e = vcvtq_s32_f32(n), half = vshrq_n_s32(e, 1), rest = vsubq_s32(e, half), bias = vdupq_n_s32(127);
  vf p = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
  vf q = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23));
  return vmulq_f32(vmulq_f32(a, p), q);
}
GK_INLINE vf vf_swap_pairs(vf a) { return vrev64q_f32(a); }
GK_INLINE float vf_hsum(vf a) { return vaddvq_f32(a); }
GK_INLINE float vf_hmax(vf a) { return vmaxnmvq_f32(a); }
GK_INLINE void vf_square_double(vf a, double *restrict acc) {
  float64x2_t lo = vcvt_f64_f32(vget_low_f32(a)), hi = vcvt_high_f64_f32(a);
  vst1q_f64(acc, vfmaq_f64(vld1q_f64(acc), lo, lo));
  vst1q_f64(acc + 2, vfmaq_f64(vld1q_f64(acc + 2), hi, hi));
}

GK_INLINE vu vu_load(const uint32_t *p) { return vld1q_u32(p); }
GK_INLINE vu vu_set(uint32_t a) { return vdupq_n_u32(a); }
GK_INLINE vu vu_xor(vu a, vu b) { return veorq_u32(a, b); }
GK_INLINE vu vu_add(vu a, vu b) { return vaddq_u32(a, b); }
GK_INLINE void vu_mul_wide(vu a, vu m, vu *low, vu *high) {
  uint32x4_t x = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(a), vget_low_u32(m)));
  uint32x4_t y = vreinterpretq_u32_u64(vmull_high_u32(a, m));
  *low = vuzp1q_u32(x, y);
  *high = vuzp2q_u32(x, y);
}
GK_INLINE void vu_transpose4(vu r[4]) {
  uint32x4_t a = vtrn1q_u32(r[0], r[1]), b = vtrn2q_u32(r[0], r[1]);
  uint32x4_t c = vtrn1q_u32(r[2], r[3]), d = vtrn2q_u32(r[2], r[3]);
  r[0] = vreinterpretq_u32_u64(vtrn1q_u64(vreinterpretq_u64_u32(a), vreinterpretq_u64_u32(c)));
  r[1] = vreinterpretq_u32_u64(vtrn1q_u64(vreinterpretq_u64_u32(b), vreinterpretq_u64_u32(d)));
  r[2] = vreinterpretq_u32_u64(vtrn2q_u64(vreinterpretq_u64_u32(a), vreinterpretq_u64_u32(c)));
  r[3] = vreinterpretq_u32_u64(vtrn2q_u64(vreinterpretq_u64_u32(b), vreinterpretq_u64_u32(d)));
}
GK_INLINE vu vf_bits(vf a) { return vreinterpretq_u32_f32(a); }
GK_INLINE void vu_store_lanes(float *p, int64_t step, vu a) {
  (void)step;
  vst1q_f32(p, vreinterpretq_f32_u32(a));
}
GK_INLINE vf vf_where_ge(vu a, vu b, vf x) {
  return vreinterpretq_f32_u32(vandq_u32(vcgeq_u32(a, b), vreinterpretq_u32_f32(x)));
}
#else
#error "define GK_VEC_AVX512, GK_VEC_AVX2 or GK_VEC_NEON"
#endif

/* e^x to about 1 ulp over the whole range; NaN gives NaN, -inf gives 0, above 88.73 gives inf.
 * x = n ln2 + r with |r| <= ln2/2, e^r by 1 + r + r² q(r), q of degree 4 fitted to the least
 * relative error (3e-9), then times 2^n. ln2 in two parts, so that r is exact to a rounding. The clamps keep n small; min and max return x when it is NaN. */
GK_INLINE vf vf_exp(vf x) {
  x = vf_min(vf_set(89.0f), x);
  x = vf_max(vf_set(-105.0f), x);
  vf n = vf_round(vf_mul(x, vf_set(1.44269504f)));
  vf r = vf_fnma(n, vf_set(0.693145751953125f), x);
  r = vf_fnma(n, vf_set(1.42860682030941723e-6f), r);
  vf p = vf_set(0.00138145988f);
  p = vf_fma(p, r, vf_set(0.00836871658f));
  p = vf_fma(p, r, vf_set(0.041668389f));
  p = vf_fma(p, r, vf_set(0.166665211f));
  p = vf_fma(p, r, vf_set(0.49999994f));
  p = vf_fma(p, r, vf_set(1.0f));
  p = vf_fma(p, r, vf_set(1.0f));
  return vf_ldexp(p, n);
}

#endif
