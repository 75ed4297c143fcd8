/* Products in f32 with AVX-512: C tiles of 14 x 32 in 28 registers. docs/matmul.md
 *
 * Resident panel: 14 rows of i, GK_SBLOCK floats each, as they come. Stream panel: for each s the 32 columns of j.
 * C tile: 14 rows of 32.
 */
#include <immintrin.h>
#include "cpu/matmul.h"
#include "cpu/matmul_few_avx512.h"
#include "cpu/matmul_few_int_avx512.h"
#include "cpu/transpose_avx512.h"

enum { ROWS = 14, COLS = 32 };

#include "cpu/matmul_rows.h"

/* 16 rows of W at a time are dequantized, then transposed. */
static void stream_rows(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp) {
  _Alignas(64) float rows[16 * GK_SBLOCK];
  float *to = (float *)panel;
  (void)type, (void)tmp;
  for (int32_t half = 0; half < 2; half++) {
    const int32_t padded = (count + 15) / 16 * 16;
    for (int32_t r = 0; r < 16; r++) {
      float *row = rows + r * GK_SBLOCK;
      if (16 * half + r < n) {
        dequantize(w + (16 * half + r) * row_bytes, row, count);
        for (int32_t s = count; s < padded; s++) row[s] = 0;
      } else {
        memset(row, 0, (size_t)padded * 4);
      }
    }
    for (int32_t s = 0; s < count; s += 16) {
      __m512i v[16];
      for (int r = 0; r < 16; r++) v[r] = _mm512_load_si512(rows + r * GK_SBLOCK + s);
      transpose16(v);
      for (int r = 0; r < 16; r++) _mm512_store_si512(to + (s + r) * COLS + 16 * half, v[r]);
    }
  }
}

/* A row of W is one s: its columns go to the panels. */
static void stream_columns(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp) {
  (void)type;
  const int32_t columns = (n + COLS - 1) / COLS * COLS;
  for (int32_t c = n; c < columns; c++) tmp[c] = 0;
  for (int32_t s = 0; s < count; s++) {
    dequantize(w + s * row_bytes, tmp, n);
    float *to = (float *)panel + s * COLS;
    for (int32_t c = 0; c < columns; c += COLS, to += GK_SBLOCK * COLS) {
      _mm512_store_ps(to, _mm512_load_ps(tmp + c));
      _mm512_store_ps(to + 16, _mm512_load_ps(tmp + c + 16));
    }
  }
}

static void multiply(const char *resident, const char *stream, int32_t count, float *c, int32_t first, int32_t narrow) {
  (void)narrow;
  const float *r = (const float *)resident, *p = (const float *)stream;
  __m512 acc[ROWS][2];
GK_MM_UNROLL
  for (int i = 0; i < ROWS; i++) {
    acc[i][0] = first ? _mm512_setzero_ps() : _mm512_load_ps(c + COLS * i);
    acc[i][1] = first ? _mm512_setzero_ps() : _mm512_load_ps(c + COLS * i + 16);
  }
  for (int32_t s = 0; s < count; s++, r++, p += COLS) {
    const __m512 p0 = _mm512_load_ps(p), p1 = _mm512_load_ps(p + 16);
GK_MM_UNROLL
    for (int i = 0; i < ROWS; i++) {
      const __m512 x = _mm512_set1_ps(r[i * GK_SBLOCK]);
      acc[i][0] = _mm512_fmadd_ps(x, p0, acc[i][0]);
      acc[i][1] = _mm512_fmadd_ps(x, p1, acc[i][1]);
    }
  }
GK_MM_UNROLL
  for (int i = 0; i < ROWS; i++) {
    _mm512_store_ps(c + COLS * i, acc[i][0]);
    _mm512_store_ps(c + COLS * i + 16, acc[i][1]);
  }
}

static void store(const float *c, float *out, int64_t li, int64_t lj, int32_t ni, int32_t nj, float scale, int32_t accumulate) {
  if (lj != 1) {
    for (int32_t j = 0; j < nj; j++)
      for (int32_t i = 0; i < ni; i++) {
        float *to = out + i * li + j * lj;
        *to = (accumulate ? *to : 0) + scale * c[COLS * i + j];
      }
    return;
  }
  const __m512 factor = _mm512_set1_ps(scale);
  for (int32_t i = 0; i < ni; i++) {
    for (int32_t j = 0; j < nj; j += 16) {
      const __mmask16 mask = nj - j >= 16 ? 0xFFFF : (__mmask16)((1u << (nj - j)) - 1);
      float *to = out + i * li + j;
      __m512 v = _mm512_mul_ps(factor, _mm512_load_ps(c + COLS * i + j));
      if (accumulate) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, to));
      _mm512_mask_storeu_ps(to, mask, v);
    }
  }
}

const gk_mm_kernel gk_mm_kernel_avx512 = {
  .rows = ROWS,
  .cols = COLS,
  .tile = ROWS * COLS,
  .resident = {resident_rows, resident_rows, resident_columns},
  .stream = {stream_rows, stream_columns, stream_columns},
  .multiply = {multiply, multiply, multiply},
  .store = {store, store, store},
  .few_rows = 32,
  .few_packed = 3,
  .splits = gk_mm_splits_avx512,
  .digit_bytes = GK_DIGITS_AVX512,
  .split = gk_mm_split_avx512,
  .few_digits = gk_mm_few_int_avx512,
  .few = gk_mm_few_avx512,
};
