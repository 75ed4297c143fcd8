/* y = x · Wᵀ for up to FEW rows of x, in AVX-512. docs/matmul.md, "few rows"
 *
 * Whatever m is, y[i,j] is the same sum: 16 lanes, lane l adds up the elements s = l (mod 16) in the order of s by fused
 * multiply-adds, then the lanes are added in one fixed order. So the bits of a row do not depend on the rows beside it.
 */
#include "cpu/matmul_few_avx512.h"
#include "cpu/matmul_lanes_avx512.h"

enum { FEW = 32, UNIT = 4, UNITS = 2, STREAMS = 8 };

/* ---- one or two rows of x: weights go from registers into the sums, STREAMS rows of W side by side ------------------------- */

INLINE void direct(const gk_type type, const int m, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t chunk = gk_type_bytes(type, GK_SBLOCK);
  for (int64_t j = begin; j < end; j += STREAMS) {
    const char *w[STREAMS];
    for (int r = 0; r < STREAMS; r++) w[r] = f->w + gk_min_i64(j + r, end - 1) * f->row_bytes;
    const int64_t ahead = j + STREAMS < end ? STREAMS * f->row_bytes : 0;
    __m512 acc[STREAMS][2];
GK_MM_UNROLL
    for (int r = 0; r < STREAMS; r++) acc[r][0] = acc[r][1] = _mm512_setzero_ps();
    const float *x = f->x;
    for (int64_t s = 0; s < f->k; s += GK_SBLOCK, x += f->block) {
      const int quads = (int)(gk_min_i64(GK_SBLOCK, f->k - s) / 64);
      for (int r = 0; ahead && r < STREAMS; r++) prefetch(w[r] + ahead, chunk);
      for (int p = 0; p < quads; p++) {
        __m512 xs[2][4];
GK_MM_UNROLL
        for (int i = 0; i < m; i++)
          for (int c = 0; c < 4; c++) xs[i][c] = _mm512_loadu_ps(x + i * f->ld + 64 * p + 16 * c);
GK_MM_UNROLL
        for (int r = 0; r < STREAMS; r++) {
          __m512 v[4];
          quad(type, w[r], p, v);
GK_MM_UNROLL
          for (int c = 0; c < 4; c++)
            for (int i = 0; i < m; i++) acc[r][i] = _mm512_fmadd_ps(v[c], xs[i][c], acc[r][i]);
        }
      }
      for (int r = 0; r < STREAMS; r++) w[r] += chunk;
    }
    for (int i = 0; i < m; i++) {
      put(f, i, j, end, lane_sums(acc[0][i], acc[1][i], acc[2][i], acc[3][i]));
      if (j + 4 < end) put(f, i, j + 4, end, lane_sums(acc[4][i], acc[5][i], acc[6][i], acc[7][i]));
    }
  }
}

/* ---- more rows of x: UNIT rows of W are unpacked into L1, then tiles of UNIT by up to 6 sums in registers -------------------- */

/* c[i][r] (+)= w_r · x_i over n elements, for mb rows of x */
INLINE void tile(const int mb, const float *w, int64_t ldw, const float *x, int64_t ldx, int32_t n, __m512 *c, int first) {
  __m512 acc[6][UNIT];
GK_MM_UNROLL
  for (int i = 0; i < mb; i++)
    for (int r = 0; r < UNIT; r++) acc[i][r] = first ? _mm512_setzero_ps() : c[i * UNIT + r];
  int32_t s = 0;
  for (; s + 16 <= n; s += 16) {
    __m512 v[UNIT];
GK_MM_UNROLL
    for (int r = 0; r < UNIT; r++) v[r] = _mm512_loadu_ps(w + r * ldw + s);
GK_MM_UNROLL
    for (int i = 0; i < mb; i++) {
      const __m512 u = _mm512_loadu_ps(x + i * ldx + s);
GK_MM_UNROLL
      for (int r = 0; r < UNIT; r++) acc[i][r] = _mm512_fmadd_ps(v[r], u, acc[i][r]);
    }
  }
  if (s < n) {
    const __mmask16 mask = (__mmask16)((1u << (n - s)) - 1);
GK_MM_UNROLL
    for (int i = 0; i < mb; i++) {
      const __m512 u = _mm512_maskz_loadu_ps(mask, x + i * ldx + s);
GK_MM_UNROLL
      for (int r = 0; r < UNIT; r++) acc[i][r] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, w + r * ldw + s), u, acc[i][r]);
    }
  }
GK_MM_UNROLL
  for (int i = 0; i < mb; i++)
    for (int r = 0; r < UNIT; r++) c[i * UNIT + r] = acc[i][r];
}

static void tiles(const float *w, int64_t ldw, const float *x, int64_t ldx, int32_t m, int32_t n, __m512 *c, int first) {
  for (int32_t left = m, parts = (m + 5) / 6; left > 0; parts--) {
    const int32_t mb = (left + parts - 1) / parts;
    switch (mb) {
      case 1: tile(1, w, ldw, x, ldx, n, c, first); break;
      case 2: tile(2, w, ldw, x, ldx, n, c, first); break;
      case 3: tile(3, w, ldw, x, ldx, n, c, first); break;
      case 4: tile(4, w, ldw, x, ldx, n, c, first); break;
      case 5: tile(5, w, ldw, x, ldx, n, c, first); break;
      default: tile(6, w, ldw, x, ldx, n, c, first);
    }
    left -= mb;
    x += mb * ldx;
    c += mb * UNIT;
  }
}

/* n weights of a row, from a chunk's beginning on */
INLINE void unpack(const gk_type type, gk_dequantize_fn dequantize, const char *w, int32_t n, float *to) {
  if (!unpacks(type) || n % 64) {
    dequantize(w, to, n);
    return;
  }
  for (int p = 0; p < n / 64; p++) {
    __m512 v[4];
    quad(type, w, p, v);
    for (int c = 0; c < 4; c++) _mm512_store_ps(to + 64 * p + 16 * c, v[c]);
  }
}

/* Rows of W are walked a few at a time from end to end, so that few pages are in use; x stays in L2. */
INLINE void tiled(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  const int64_t chunk = gk_type_bytes(f->type, GK_SBLOCK);
  for (int64_t j = begin; j < end; j += UNITS * UNIT) {
    __m512 c[UNITS][FEW * UNIT];
    _Alignas(64) float w[UNIT][GK_SBLOCK];
    const int64_t ahead = j + UNITS * UNIT < end ? UNITS * UNIT * f->row_bytes : 0;
    const int32_t units = (int32_t)gk_min_i64(UNITS, (end - j + UNIT - 1) / UNIT);
    const float *x = f->x;
    for (int64_t s = 0, at = 0; s < f->k; s += GK_SBLOCK, at += chunk, x += f->block) {
      const int32_t n = (int32_t)gk_min_i64(GK_SBLOCK, f->k - s);
      for (int32_t u = 0; u < units; u++) {
        const int64_t first = j + u * UNIT;
        const int whole = end - first >= UNIT;
        for (int r = 0; r < UNIT; r++) {
          const char *row = f->w + gk_min_i64(first + r, end - 1) * f->row_bytes + at;
          if (ahead) prefetch(row + ahead, gk_min_i64(chunk, f->row_bytes - at));
          if (type != GK_F32)
            unpack(type, f->dequantize, row, n, w[r]);
          else if (!whole)
            memcpy(w[r], row, (size_t)n * sizeof(float));
        }
        if (type == GK_F32 && whole)
          tiles((const float *)(f->w + first * f->row_bytes + at), f->k, x, f->ld, f->m, n, c[u], s == 0);
        else
          tiles(w[0], GK_SBLOCK, x, f->ld, f->m, n, c[u], s == 0);
      }
    }
    for (int32_t u = 0; u < units; u++)
      for (int32_t i = 0; i < f->m; i++) {
        const __m512 *sum = &c[u][i * UNIT];
        put(f, i, j + u * UNIT, end, lane_sums(sum[0], sum[1], sum[2], sum[3]));
      }
  }
}

INLINE void rows(const gk_type type, const gk_mm_few *f, int64_t begin, int64_t end) {
  if (!unpacks(type) || f->m > 2 || f->k % 64) {
    tiled(type, f, begin, end);
  } else if (f->m == 1) {
    direct(type, 1, f, begin, end);
  } else {
    direct(type, 2, f, begin, end);
  }
}

void gk_mm_few_avx512(const gk_mm_few *f, int64_t begin, int64_t end) {
  switch (f->type) {
    case GK_F32: rows(GK_F32, f, begin, end); break;
    case GK_F16: rows(GK_F16, f, begin, end); break;
    case GK_BF16: rows(GK_BF16, f, begin, end); break;
    case GK_Q8_0: rows(GK_Q8_0, f, begin, end); break;
    case GK_Q4_0: rows(GK_Q4_0, f, begin, end); break;
    default: rows(GK_TYPE_LIMIT, f, begin, end);
  }
}
