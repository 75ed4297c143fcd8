/* Eight neighbouring elements of a weight at a time, as f32: the bits of src/ref/dequantize_ref.c. Formulas: graft/blocks.h.
 *
 * Every quantized type is x = a q (+ b) over 16 elements at least, q = byte - bias with bytes of 0 to 255. Run r of a block is its elements
 * 8r to 8r+7. Blocks need an alignment of 2; those whose size is a multiple of 4, of 4.
 */
#ifndef GRAFT_CUDA_DEQUANTIZE_CUH
#define GRAFT_CUDA_DEQUANTIZE_CUH
#include "backend.h"
#include "graft/blocks.h"

/* Calls macro(type) with a weight's type as a constant, for all that gk_type_get knows. */
#define GK_WITH_QUANTIZED(macro)                                                                                                        \
  macro(GK_Q4_0) macro(GK_Q4_1) macro(GK_Q5_0) macro(GK_Q5_1) macro(GK_Q8_0) macro(GK_Q2_K) macro(GK_Q3_K) macro(GK_Q4_K) macro(GK_Q5_K) \
  macro(GK_Q6_K) macro(GK_IQ4_NL) macro(GK_IQ4_XS)
#define GK_WITH_FLOAT(macro) macro(GK_F32) macro(GK_F16) macro(GK_BF16)

template <gk_type t> struct gk_layout;   /* elements and bytes of a block, what is taken off a byte, whether there is a b */
#define GK_LAYOUT(t, size_, bytes_, bias_, min_) \
  template <> struct gk_layout<t> { enum { size = size_, bytes = bytes_, bias = bias_, has_min = min_, runs = size_ / 8, is_float = 0 }; }
GK_LAYOUT(GK_Q4_0, 32, 18, 8, 0);
GK_LAYOUT(GK_Q4_1, 32, 20, 0, 1);
GK_LAYOUT(GK_Q5_0, 32, 22, 16, 0);
GK_LAYOUT(GK_Q5_1, 32, 24, 0, 1);
GK_LAYOUT(GK_Q8_0, 32, 34, 128, 0);
GK_LAYOUT(GK_Q2_K, 256, 84, 0, 1);
GK_LAYOUT(GK_Q3_K, 256, 110, 4, 0);
GK_LAYOUT(GK_Q4_K, 256, 144, 0, 1);
GK_LAYOUT(GK_Q5_K, 256, 176, 0, 1);
GK_LAYOUT(GK_Q6_K, 256, 210, 32, 0);
GK_LAYOUT(GK_IQ4_NL, 32, 18, 128, 0);
GK_LAYOUT(GK_IQ4_XS, 256, 136, 128, 0);
#undef GK_LAYOUT
template <> struct gk_layout<GK_F32> { enum { bytes = 4, is_float = 1 }; };
template <> struct gk_layout<GK_F16> { enum { bytes = 2, is_float = 1 }; };
template <> struct gk_layout<GK_BF16> { enum { bytes = 2, is_float = 1 }; };

GK_DEVICE uint32_t half_at(const uint8_t *p) { return *(const uint16_t *)p; }
GK_DEVICE float scale_at(const uint8_t *p) { return f16_to_f32((uint16_t)half_at(p)); }
/* The 4 n bytes from p on, as words; p is a multiple of 4 where the block's size is, of 16 when wide. Nothing else is read. */
template <gk_type t, int n, bool wide> GK_DEVICE void words_at(const uint8_t *p, uint32_t w[n]) {
  if constexpr (wide && n == 4) {
    const uint4 q = *(const uint4 *)p;
    w[0] = q.x, w[1] = q.y, w[2] = q.z, w[3] = q.w;
  } else if constexpr (gk_layout<t>::bytes % 4 == 0) {
#pragma unroll
    for (int i = 0; i < n; i++) w[i] = ((const uint32_t *)p)[i];
  } else {   /* n - 1 whole words, of p or of p + 2, and two halves: before and after them, or both after. */
    const bool off = (uintptr_t)p & 2;
    const uint32_t *whole = (const uint32_t *)(p + (off ? 2 : 0));
    const uint32_t first = half_at(p + (off ? 0 : 4 * n - 4)), last = half_at(p + 4 * n - 2);
    uint32_t left = first << 16;
#pragma unroll
    for (int i = 0; i < n; i++) {
      const uint32_t right = i + 1 < n ? whole[i] : last;
      w[i] = off ? permute_bytes(left, right, 0x5432) : i + 1 < n ? right : first | last << 16;
      left = right;
    }
  }
}
/* Four bits to the lowest bits of four bytes. */
GK_DEVICE uint32_t spread_bits(uint32_t bits) { return ((bits & 15) * 0x00204081u) & 0x01010101u; }

#define GK_BYTES(a, b, c, d) ((uint32_t)(uint8_t)((a) + 128) | (uint32_t)(uint8_t)((b) + 128) << 8 | (uint32_t)(uint8_t)((c) + 128) << 16 | (uint32_t)(uint8_t)((d) + 128) << 24)
/* The levels (+ 128) of four nibbles in 16 bits. */
GK_DEVICE uint32_t iq4_levels(uint32_t nibbles) {
  const uint32_t low = permute_bytes(GK_BYTES(-127, -104, -83, -65), GK_BYTES(-49, -35, -22, -10), nibbles & 0x7777);
  const uint32_t high = permute_bytes(GK_BYTES(1, 13, 25, 38), GK_BYTES(53, 69, 89, 113), nibbles & 0x7777);
  return permute_bytes(low, high, 0x3210u | (nibbles & 0x8888) >> 1);
}
/* The same of the low (half 0) or high nibbles of four bytes. */
GK_DEVICE uint32_t iq4_bytes(uint32_t bytes, int half) {
  return permute_bytes(iq4_levels(bytes & 0xffff), iq4_levels(bytes >> 16), half ? 0x7531 : 0x6420);
}

/* The bytes of a block's elements e to e + 4n - 1, four in a word; e is a multiple of 4n. n is 2 or 4. */
template <gk_type t, int n, bool wide> GK_DEVICE void run_bytes(const uint8_t *block, int e, uint32_t w[n]) {
  if (t == GK_Q8_0) {
    words_at<t, n, wide>(block + 2 + e, w);
#pragma unroll
    for (int i = 0; i < n; i++) w[i] ^= 0x80808080u;
  } else if (t == GK_Q4_0 || t == GK_Q4_1 || t == GK_Q5_0 || t == GK_Q5_1 || t == GK_IQ4_NL || t == GK_IQ4_XS) {   /* of 32, byte j has elements j and j + 16 */
    const int qs = t == GK_Q4_1 ? 4 : t == GK_Q5_0 ? 6 : t == GK_Q5_1 ? 8 : t == GK_IQ4_XS ? 8 + e / 32 * 16 : 2, half = e / 16 % 2;
    words_at<t, n, wide>(block + qs + e % 16, w);
#pragma unroll
    for (int i = 0; i < n; i++) w[i] = t == GK_IQ4_NL || t == GK_IQ4_XS ? iq4_bytes(w[i], half) : w[i] >> 4 * half & 0x0f0f0f0fu;
    if (t == GK_Q5_0 || t == GK_Q5_1) {
      const uint8_t *qh = block + qs - 4 + e / 8;
      const uint32_t fifth = n == 4 ? half_at(qh) : *qh;
#pragma unroll
      for (int i = 0; i < n; i++) w[i] |= spread_bits(fifth >> 4 * i) << 4;
    }
  } else {
    const int h = e / 128, j = e % 128 / 32, l = e % 32, s = e / 32;
    uint32_t high[n];
    words_at<t, n, wide>(block + (t == GK_Q2_K ? 16 + 32 * h : t == GK_Q3_K ? 32 + 32 * h : t == GK_Q4_K ? 16 + 32 * (s / 2) : t == GK_Q5_K ? 48 + 32 * (s / 2) : 64 * h + 32 * (j % 2)) + l, w);
    if (t == GK_Q3_K || t == GK_Q5_K || t == GK_Q6_K) words_at<t, n, wide>(block + (t == GK_Q3_K ? 0 : t == GK_Q5_K ? 16 : 128 + 32 * h) + l, high);
#pragma unroll
    for (int i = 0; i < n; i++) {
      if (t == GK_Q2_K || t == GK_Q3_K) w[i] = w[i] >> 2 * j & 0x03030303u;
      else w[i] = w[i] >> 4 * (t == GK_Q6_K ? j / 2 : s % 2) & 0x0f0f0f0fu;
      if (t == GK_Q3_K) w[i] |= (high[i] >> s & 0x01010101u) << 2;
      if (t == GK_Q5_K) w[i] |= (high[i] >> s & 0x01010101u) << 4;
      if (t == GK_Q6_K) w[i] |= (high[i] >> 2 * j & 0x03030303u) << 4;
    }
  }
}

/* a and b of element e. */
template <gk_type t, bool wide> GK_DEVICE void run_scales(const uint8_t *block, int e, float *a, float *b) {
  *b = 0;
  if (t == GK_Q4_K || t == GK_Q5_K) {
    const int s = e / 32, at = 8 * (s % 4);
    uint32_t head[4];   /* d, dmin; scales 0 to 3, 4 to 7, 8 to 11 */
    words_at<t, 4, wide>(block, head);
    const uint32_t own = head[1] >> at & 255, next = head[2] >> at & 255, low = head[3] >> at & 255;
    const uint32_t scale = s < 4 ? own & 63 : (low & 15) | own >> 6 << 4, min = s < 4 ? next & 63 : low >> 4 | next >> 6 << 4;
    *a = mul_rn(f16_to_f32((uint16_t)head[0]), (float)scale);
    *b = -mul_rn(f16_to_f32((uint16_t)(head[0] >> 16)), (float)min);
  } else if (t == GK_Q2_K) {
    const uint32_t s = block[e / 16];
    *a = mul_rn(scale_at(block + 80), (float)(s & 15));
    *b = -mul_rn(scale_at(block + 82), (float)(s >> 4));
  } else if (t == GK_Q3_K) {
    const int s = e / 16;
    const uint32_t low = (uint32_t)block[96 + s % 8] >> 4 * (s / 8) & 15, high = (uint32_t)block[104 + s % 4] >> 2 * (s / 4) & 3;
    *a = mul_rn(scale_at(block + 108), (float)((int)(low | high << 4) - 32));
  } else if (t == GK_Q6_K) {
    *a = mul_rn(scale_at(block + 208), (float)(int8_t)block[192 + e / 16]);
  } else if (t == GK_IQ4_XS) {
    const int s = e / 32;
    const uint32_t scale = ((uint32_t)block[4 + s / 2] >> 4 * (s % 2) & 15) | (half_at(block + 2) >> 2 * s & 3) << 4;
    *a = mul_rn(scale_at(block), (float)((int)scale - 32));
  } else {
    *a = scale_at(block);
    if (gk_layout<t>::has_min) *b = scale_at(block + 2);
  }
}

/* q of byte i: 2^23 + byte is a float whose last bits are the byte, which saves a conversion, several times as slow. */
GK_DEVICE float byte_less(uint32_t w, int i, int bias) {
  return add_rn(bits_to_f32(permute_bytes(w, 0x4B000000u, 0x7440u | (uint32_t)i)), -(8388608.0f + (float)bias));
}

/* v = run `run` of a row of a quantized weight. */
template <gk_type t> GK_DEVICE void decode_run(const uint8_t *row, int64_t run, float v[8]) {
  const uint8_t *block = row + (uint64_t)run / gk_layout<t>::runs * gk_layout<t>::bytes;   /* unsigned divisions are shifts */
  const int r = (int)((uint64_t)run % gk_layout<t>::runs);
  uint32_t w[2];
  float a, b;
  run_bytes<t, 2, false>(block, 8 * r, w);
  run_scales<t, false>(block, 8 * r, &a, &b);
#pragma unroll
  for (int i = 0; i < 8; i++) {
    v[i] = mul_rn(byte_less(w[i / 4], i % 4, gk_layout<t>::bias), a);
    if (gk_layout<t>::has_min) v[i] = add_rn(v[i], b);
  }
}

/* Element i of F32, F16 or BF16. */
template <gk_type t> GK_DEVICE float element_at(const void *p, int64_t i) {
  if (t == GK_F32) return ((const float *)p)[i];
  const uint16_t h = ((const uint16_t *)p)[i];
  return t == GK_F16 ? f16_to_f32(h) : bf16_to_f32(h);
}
/* v = elements 8 run to 8 run + 7 of a row of k, zeros past its end. wide: row is aligned to 16 and k is a multiple of 8. */
template <gk_type t> GK_DEVICE void load_run(const void *row, int64_t run, int64_t k, bool wide, float v[8]) {
  if (wide) {
    if (t == GK_F32) {
      const float4 lo = ((const float4 *)row)[2 * run], hi = ((const float4 *)row)[2 * run + 1];
      v[0] = lo.x, v[1] = lo.y, v[2] = lo.z, v[3] = lo.w, v[4] = hi.x, v[5] = hi.y, v[6] = hi.z, v[7] = hi.w;
    } else {
      const uint4 q = ((const uint4 *)row)[run];
      const uint32_t words[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
      for (int i = 0; i < 8; i++) {
        const uint16_t h = (uint16_t)(words[i / 2] >> 16 * (i % 2));
        v[i] = t == GK_F16 ? f16_to_f32(h) : bf16_to_f32(h);
      }
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < 8; i++) v[i] = 8 * run + i < k ? element_at<t>(row, 8 * run + i) : 0.0f;
}

/* Either of the two. */
template <gk_type t> GK_DEVICE void weight_run(const uint8_t *row, int64_t run, int64_t k, bool wide, float v[8]) {
  if constexpr (gk_layout<t>::is_float) load_run<t>(row, run, k, wide, v);
  else decode_run<t>(row, run, v);
}

GK_DEVICE uint4 bf16_run(const float v[8]) { return make_uint4(bf16_pair(v[0], v[1]), bf16_pair(v[2], v[3]), bf16_pair(v[4], v[5]), bf16_pair(v[6], v[7])); }
#endif
