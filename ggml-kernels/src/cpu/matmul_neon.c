/* Products in f32 with NEON: C tiles of 6 x 16 in 24 of 32 registers. docs/matmul.md
 *
 * Resident panel: 6 rows of i, GK_SBLOCK floats each, as they come. Stream panel: for each s the 16 columns of j.
 * C tile: 6 rows of 16. Dequantization is the reference's, which the compiler vectorizes.
 */
#include <arm_neon.h>
#include "cpu/matmul.h"

enum { ROWS = 6, COLS = 16 };

#include "cpu/matmul_rows.h"

/* A row of W goes down a column of the panel. */
static void stream_rows(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp) {
  (void)type;
  for (int32_t r = 0; r < COLS; r++) {
    float *to = (float *)panel + r;
    if (r < n)
      dequantize(w + r * row_bytes, tmp, count);
    else
      memset(tmp, 0, (size_t)count * 4);
    for (int32_t s = 0; s < count; s++) to[s * COLS] = tmp[s];
  }
}

/* A row of W is one s: its columns go to the panels. */
static void stream_columns(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp) {
  const int32_t columns = (n + COLS - 1) / COLS * COLS;
  (void)type;
  for (int32_t c = n; c < columns; c++) tmp[c] = 0;
  for (int32_t s = 0; s < count; s++) {
    dequantize(w + s * row_bytes, tmp, n);
    float *to = (float *)panel + s * COLS;
    for (int32_t c = 0; c < columns; c += COLS, to += GK_SBLOCK * COLS) memcpy(to, tmp + c, COLS * 4);
  }
}

static void multiply(const char *resident, const char *stream, int32_t count, float *c, int32_t first, int32_t narrow) {
  (void)narrow;
  const float *r = (const float *)resident, *p = (const float *)stream;
  float32x4_t acc[ROWS][4];
GK_MM_UNROLL
  for (int i = 0; i < ROWS; i++)
GK_MM_UNROLL
    for (int v = 0; v < 4; v++) acc[i][v] = first ? vdupq_n_f32(0) : vld1q_f32(c + COLS * i + 4 * v);
  for (int32_t s = 0; s < count; s++, r++, p += COLS) {
    const float32x4_t p0 = vld1q_f32(p), p1 = vld1q_f32(p + 4), p2 = vld1q_f32(p + 8), p3 = vld1q_f32(p + 12);
GK_MM_UNROLL
    for (int i = 0; i < ROWS; i++) {
      const float x = r[i * GK_SBLOCK];
      acc[i][0] = vfmaq_n_f32(acc[i][0], p0, x);
      acc[i][1] = vfmaq_n_f32(acc[i][1], p1, x);
      acc[i][2] = vfmaq_n_f32(acc[i][2], p2, x);
      acc[i][3] = vfmaq_n_f32(acc[i][3], p3, x);
    }
  }
GK_MM_UNROLL
  for (int i = 0; i < ROWS; i++)
GK_MM_UNROLL
    for (int v = 0; v < 4; v++) vst1q_f32(c + COLS * i + 4 * v, acc[i][v]);
}

static void store(const float *c, float *out, int64_t li, int64_t lj, int32_t ni, int32_t nj, float scale, int32_t accumulate) {
  for (int32_t i = 0; i < ni; i++)
    for (int32_t j = 0; j < nj; j++) {
      float *to = out + i * li + j * lj;
      *to = (accumulate ? *to : 0) + scale * c[COLS * i + j];
    }
}

/* gk_mm_kernel.dot: a stretch of W at a time through tmp, four partial sums to a row of x. */
static void dot(gk_type type, gk_dequantize_fn dequantize, const char *w, const float *x, int64_t ldx, int32_t m, int64_t k, float *y, float *tmp) {
  const int64_t bytes = gk_type_bytes(type, GK_SBLOCK);
  float32x4_t acc[GK_DOT];
  float rest[GK_DOT];
  for (int32_t r = 0; r < m; r++) {
    acc[r] = vdupq_n_f32(0);
    rest[r] = 0;
  }
  for (; k > 0; k -= GK_SBLOCK, w += bytes, x += GK_SBLOCK) {
    const int64_t n = gk_min_i64(k, GK_SBLOCK);
    dequantize(w, tmp, n);
    for (int32_t r = 0; r < m; r++) {
      const float *p = x + r * ldx;
      float32x4_t a = acc[r], b = vdupq_n_f32(0);
      int64_t i = 0;
      for (; i + 8 <= n; i += 8) {
        a = vfmaq_f32(a, vld1q_f32(tmp + i), vld1q_f32(p + i));
        b = vfmaq_f32(b, vld1q_f32(tmp + i + 4), vld1q_f32(p + i + 4));
      }
      for (; i < n; i++) rest[r] += tmp[i] * p[i];
      acc[r] = vaddq_f32(a, b);
    }
  }
  for (int32_t r = 0; r < m; r++) y[r] = rest[r] + vaddvq_f32(acc[r]);
}

const gk_mm_kernel gk_mm_kernel_neon = {
  .rows = ROWS,
  .cols = COLS,
  .tile = ROWS * COLS,
  .resident = {resident_rows, resident_rows, resident_columns},
  .stream = {stream_rows, stream_columns, stream_columns},
  .multiply = {multiply, multiply, multiply},
  .store = {store, store, store},
  .few_rows = GK_DOT,
  .few_packed = GK_DOT + 1,
  .dot = dot,
};
