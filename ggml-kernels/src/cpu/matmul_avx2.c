/* Products in f32 with AVX2: C tiles of 6 x 16 in 12 registers. docs/matmul.md
 *
 * Resident panel: 6 rows of i, GK_SBLOCK floats each, as they come. Stream panel: for each s the 16 columns of j.
 * C tile: 6 rows of 16.
 */
#include <immintrin.h>
#include "cpu/matmul.h"
#include "cpu/matmul_few_int_avx2.h"

enum { ROWS = 6, COLS = 16 };

#include "cpu/matmul_rows.h"

static inline __attribute__((always_inline)) void transpose8(__m256 r[8]) {
  __m256 t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) { /* r[i+c]: column c (low lane) and 4 + c (high lane) of rows i..i+3 */
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
  for (int c = 0; c < 4; c++) {
    const __m256 low = r[c], high = r[4 + c];
    r[c] = _mm256_permute2f128_ps(low, high, 0x20);
    r[4 + c] = _mm256_permute2f128_ps(low, high, 0x31);
  }
}

/* Eight rows of W at a time are dequantized, then transposed. */
static void stream_rows(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp) {
  _Alignas(64) float rows[8 * GK_SBLOCK];
  float *to = (float *)panel;
  (void)type, (void)tmp;
  for (int32_t half = 0; half < 2; half++) {
    const int32_t padded = (count + 7) / 8 * 8;
    for (int32_t r = 0; r < 8; r++) {
      float *row = rows + r * GK_SBLOCK;
      if (8 * half + r < n) {
        dequantize(w + (8 * half + r) * row_bytes, row, count);
        for (int32_t s = count; s < padded; s++) row[s] = 0;
      } else {
        memset(row, 0, (size_t)padded * 4);
      }
    }
    for (int32_t s = 0; s < count; s += 8) {
      __m256 v[8];
      for (int r = 0; r < 8; r++) v[r] = _mm256_load_ps(rows + r * GK_SBLOCK + s);
      transpose8(v);
      for (int r = 0; r < 8; r++) _mm256_store_ps(to + (s + r) * COLS + 8 * half, v[r]);
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
      _mm256_store_ps(to, _mm256_load_ps(tmp + c));
      _mm256_store_ps(to + 8, _mm256_load_ps(tmp + c + 8));
    }
  }
}

static void multiply(const char *resident, const char *stream, int32_t count, float *c, int32_t first, int32_t narrow) {
  (void)narrow;
  const float *r = (const float *)resident, *p = (const float *)stream;
  __m256 acc[ROWS][2];
GK_MM_UNROLL
  for (int i = 0; i < ROWS; i++) {
    acc[i][0] = first ? _mm256_setzero_ps() : _mm256_load_ps(c + COLS * i);
    acc[i][1] = first ? _mm256_setzero_ps() : _mm256_load_ps(c + COLS * i + 8);
  }
  for (int32_t s = 0; s < count; s++, r++, p += COLS) {
    const __m256 p0 = _mm256_load_ps(p), p1 = _mm256_load_ps(p + 8);
GK_MM_UNROLL
    for (int i = 0; i < ROWS; i++) {
      const __m256 x = _mm256_set1_ps(r[i * GK_SBLOCK]);
      acc[i][0] = _mm256_fmadd_ps(x, p0, acc[i][0]);
      acc[i][1] = _mm256_fmadd_ps(x, p1, acc[i][1]);
    }
  }
GK_MM_UNROLL
  for (int i = 0; i < ROWS; i++) {
    _mm256_store_ps(c + COLS * i, acc[i][0]);
    _mm256_store_ps(c + COLS * i + 8, acc[i][1]);
  }
}

static void store(const float *c, float *out, int64_t li, int64_t lj, int32_t ni, int32_t nj, float scale, int32_t accumulate) {
  for (int32_t i = 0; i < ni; i++) {
    int32_t j = 0;
    if (lj == 1) {
      const __m256 factor = _mm256_set1_ps(scale);
      for (; j + 8 <= nj; j += 8) {
        float *to = out + i * li + j;
        __m256 v = _mm256_mul_ps(factor, _mm256_load_ps(c + COLS * i + j));
        if (accumulate) v = _mm256_add_ps(v, _mm256_loadu_ps(to));
        _mm256_storeu_ps(to, v);
      }
    }
    for (; j < nj; j++) {
      float *to = out + i * li + j * lj;
      *to = (accumulate ? *to : 0) + scale * c[COLS * i + j];
    }
  }
}

/* gk_mm_kernel.dot: a stretch of W at a time through tmp, eight partial sums to a row of x. */
static void dot(gk_type type, gk_dequantize_fn dequantize, const char *w, const float *x, int64_t ldx, int32_t m, int64_t k, float *y, float *tmp) {
  const int64_t bytes = gk_type_bytes(type, GK_SBLOCK);
  __m256 acc[GK_DOT];
  float rest[GK_DOT];
  for (int32_t r = 0; r < m; r++) {
    acc[r] = _mm256_setzero_ps();
    rest[r] = 0;
  }
  for (; k > 0; k -= GK_SBLOCK, w += bytes, x += GK_SBLOCK) {
    const int64_t n = gk_min_i64(k, GK_SBLOCK);
    const float *v = tmp;
    if (type == GK_F32)
      v = (const float *)w;
    else
      dequantize(w, tmp, n);
    for (int32_t r = 0; r < m; r++) {
      const float *p = x + r * ldx;
      __m256 a = acc[r], b = _mm256_setzero_ps(), c = b, d = b;
      int64_t i = 0;
      for (; i + 32 <= n; i += 32) {
        a = _mm256_fmadd_ps(_mm256_loadu_ps(v + i), _mm256_loadu_ps(p + i), a);
        b = _mm256_fmadd_ps(_mm256_loadu_ps(v + i + 8), _mm256_loadu_ps(p + i + 8), b);
        c = _mm256_fmadd_ps(_mm256_loadu_ps(v + i + 16), _mm256_loadu_ps(p + i + 16), c);
        d = _mm256_fmadd_ps(_mm256_loadu_ps(v + i + 24), _mm256_loadu_ps(p + i + 24), d);
      }
      for (; i < n; i++) rest[r] += v[i] * p[i];
      acc[r] = _mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d));
    }
  }
  for (int32_t r = 0; r < m; r++) {
    _Alignas(32) float lanes[8];
    _mm256_store_ps(lanes, acc[r]);
    y[r] = rest[r] + ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
  }
}

const gk_mm_kernel gk_mm_kernel_avx2 = {
  .rows = ROWS,
  .cols = COLS,
  .tile = ROWS * COLS,
  .resident = {resident_rows, resident_rows, resident_columns},
  .stream = {stream_rows, stream_columns, stream_columns},
  .multiply = {multiply, multiply, multiply},
  .store = {store, store, store},
  .few_rows = 32,
  .few_packed = 33,
  .splits = gk_mm_splits_avx2,
  .digit_bytes = GK_DIGITS_AVX2,
  .split = gk_mm_split_avx2,
  .few_digits = gk_mm_few_int_avx2,
  .dot = dot,
};
