/* Products on AMX tiles: f32 as the sum of two bf16. docs/matmul.md
 *
 * w = wh + wl + e, x = xh + xl + e', high and low parts rounded to nearest, |e| <= 2^-17 |w| (2^-16 in the worst case of a
 * rounding carry). w·x is taken as wh·xl + wh·xh + wl·xh, three tile products summed in f32; wl·xl, below 2^-16 of
 * the product and of random sign, is left out. A value beyond bf16's largest (3.39e38) becomes infinity; values and
 * parts below 2^-126 count as zero.
 *
 * A step is 32 elements of s. In both panels a step is four tiles of 16 rows x 64 bytes:
 *   high of half 0, high of half 1, low of half 0, low of half 1
 * Role A: tile row = a row of i (or j), its 32 elements of s. Role B: tile row = a pair of s, for each of 16 columns
 * the two elements side by side. FWD multiplies S (A) by R (B), so its C tile is transposed; DX and DW R (A) by S (B).
 * C: tiles (0,0) (0,1) (1,0) (1,1), first index the half of A.
 */
#include "cpu/matmul_few_avx512.h"
#include "cpu/matmul_few_int_avx512.h"
#include "cpu/pack_amx.h"
#include "cpu/transpose_avx512.h"

/* Palette 1; all eight tiles 16 rows of 64 bytes. In memory for good: the intrinsic does not tell the compiler that all of it is read. */
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tiles = {.palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

static void begin(void) { _tile_loadconfig(&tiles); }

static void end(void) { _tile_release(); }

static inline __mmask16 first(int64_t n) { return n >= 16 ? 0xFFFF : n <= 0 ? 0 : (__mmask16)((1u << n) - 1); }

static inline __m512 load_some(const float *p, int64_t n) {
  return n >= 16 ? _mm512_loadu_ps(p) : n <= 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(first(n), p);
}

static inline int32_t steps_of(int32_t count) { return (count + STEP - 1) / STEP; }

/* Role B from rows: 16 rows are split, then pairs are transposed as 32-bit elements. */
static void resident_fwd(char *panel, const float *src, int64_t ld, int32_t rows, int32_t count, float scale) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (int32_t t = 0; t < steps_of(count); t++, panel += STEP_BYTES) {
    for (int32_t half = 0; half < 2; half++) {
      __m512i high[16], low[16];
      for (int32_t r = 0; r < 16; r++) {
        const float *p = src + (16 * half + r) * ld + STEP * t;
        const int32_t n = 16 * half + r < rows ? count - STEP * t : 0;
        split_row(_mm512_mul_ps(factor, load_some(p, n)), _mm512_mul_ps(factor, load_some(p + 16, n - 16)), &high[r], &low[r]);
      }
      transpose16(high);
      transpose16(low);
      for (int32_t r = 0; r < 16; r++) {
        _mm512_store_si512(panel + TILE_BYTES * half + 64 * r, high[r]);
        _mm512_store_si512(panel + LOW + TILE_BYTES * half + 64 * r, low[r]);
      }
    }
  }
}

/* Role A from rows: as they are. */
static void resident_dx(char *panel, const float *src, int64_t ld, int32_t rows, int32_t count, float scale) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (int32_t r = 0; r < 32; r++) {
    for (int32_t t = 0; t < steps_of(count); t++) {
      const float *p = src + r * ld + STEP * t;
      const int32_t n = r < rows ? count - STEP * t : 0;
      __m512i high, low;
      split_row(_mm512_mul_ps(factor, load_some(p, n)), _mm512_mul_ps(factor, load_some(p + 16, n - 16)), &high, &low);
      char *to = panel + STEP_BYTES * t + 64 * r; /* tile r / 16, row r % 16 */
      _mm512_store_si512(to, high);
      _mm512_store_si512(to + LOW, low);
    }
  }
}

/* Role A from columns: pairs of s, transposed. */
static void resident_dw(char *panel, const float *src, int64_t ld, int32_t rows, int32_t count, float scale) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (int32_t t = 0; t < steps_of(count); t++, panel += STEP_BYTES) {
    for (int32_t half = 0; half < 2; half++) {
      __m512i high[16], low[16];
      for (int32_t r = 0; r < 16; r++) {
        const int32_t s = STEP * t + 2 * r, n = rows - 16 * half;
        const float *p = src + s * ld + 16 * half;
        split_pair(_mm512_mul_ps(factor, load_some(p, s < count ? n : 0)),
                   _mm512_mul_ps(factor, load_some(p + ld, s + 1 < count ? n : 0)), &high[r], &low[r]);
      }
      transpose16(high);
      transpose16(low);
      for (int32_t r = 0; r < 16; r++) {
        _mm512_store_si512(panel + TILE_BYTES * half + 64 * r, high[r]);
        _mm512_store_si512(panel + LOW + TILE_BYTES * half + 64 * r, low[r]);
      }
    }
  }
}

/* Role A from rows of W. */
static void stream_fwd(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp) {
  const int32_t steps = steps_of(count);
  for (int32_t c = count; c < steps * STEP; c++) tmp[c] = 0;
  for (int32_t r = 0; r < 32; r++) {
    char *to = panel + 64 * r;
    if (r < n && type == GK_Q4_K) {
      row_q4_K(to, (const gk_block_q4_K *)(w + r * row_bytes));
    } else if (r < n) {
      dequantize(w + r * row_bytes, tmp, count);
      for (int32_t t = 0; t < steps; t++) {
        __m512i high, low;
        split_row(_mm512_load_ps(tmp + STEP * t), _mm512_load_ps(tmp + STEP * t + 16), &high, &low);
        _mm512_store_si512(to + STEP_BYTES * t, high);
        _mm512_store_si512(to + STEP_BYTES * t + LOW, low);
      }
    } else {
      for (int32_t t = 0; t < steps; t++) {
        _mm512_store_si512(to + STEP_BYTES * t, _mm512_setzero_si512());
        _mm512_store_si512(to + STEP_BYTES * t + LOW, _mm512_setzero_si512());
      }
    }
  }
}

/* Role B from pairs of rows of W. */
static void stream_dx(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp) {
  const int32_t columns = (n + 31) / 32 * 32;
  float *a = tmp, *b = tmp + GK_SBLOCK;
  for (int32_t c = n; c < columns; c++) a[c] = b[c] = 0;
  for (int32_t s = 0; s < steps_of(count) * STEP; s += 2) {
    char *to = panel + s / STEP * STEP_BYTES + s % STEP / 2 * 64;
    if (type == GK_Q4_K && n == GK_SUPER && s + 1 < count) {
      pair_q4_K(to, (const gk_block_q4_K *)(w + s * row_bytes), (const gk_block_q4_K *)(w + (s + 1) * row_bytes));
      continue;
    }
    if (s < count)
      dequantize(w + s * row_bytes, a, n);
    else if (s < count + 2)
      memset(a, 0, (size_t)n * 4);
    if (s + 1 < count)
      dequantize(w + (s + 1) * row_bytes, b, n);
    else if (s < count + 2)
      memset(b, 0, (size_t)n * 4);
    for (int32_t c = 0; c < columns; c += 16) {
      __m512i high, low;
      split_pair(_mm512_load_ps(a + c), _mm512_load_ps(b + c), &high, &low);
      char *at = to + c / 32 * PANEL_BYTES + c % 32 / 16 * TILE_BYTES;
      _mm512_store_si512(at, high);
      _mm512_store_si512(at + LOW, low);
    }
  }
}

static inline void load_tiles(float *c, int32_t fresh) {
  if (fresh) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, c, 64);
    _tile_loadd(1, c + 256, 64);
    _tile_loadd(2, c + 512, 64);
    _tile_loadd(3, c + 768, 64);
  }
}

static inline void store_tiles(float *c) {
  _tile_stored(0, c, 64);
  _tile_stored(1, c + 256, 64);
  _tile_stored(2, c + 512, 64);
  _tile_stored(3, c + 768, 64);
}

/* C tiles 0..3 += Ah Bl + Ah Bh + Al Bh: twelve products on eight tile loads. */
static void multiply_full(const char *a, const char *b, int32_t steps, float *c, int32_t fresh) {
  load_tiles(c, fresh);
  for (int32_t t = 0; t < steps; t++, a += STEP_BYTES, b += STEP_BYTES) {
    _tile_loadd(6, b + LOW, 64);
    _tile_loadd(4, a, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, a + TILE_BYTES, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(7, b + LOW + TILE_BYTES, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(7, b + TILE_BYTES, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(4, a + LOW, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + LOW + TILE_BYTES, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  store_tiles(c);
}

/* The same without Al Bh: A holds bf16 weights. */
static void multiply_narrow_a(const char *a, const char *b, int32_t steps, float *c, int32_t fresh) {
  load_tiles(c, fresh);
  for (int32_t t = 0; t < steps; t++, a += STEP_BYTES, b += STEP_BYTES) {
    _tile_loadd(6, b + LOW, 64);
    _tile_loadd(4, a, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, a + TILE_BYTES, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(7, b + LOW + TILE_BYTES, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(2, 5, 6);
    _tile_loadd(7, b + TILE_BYTES, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
  store_tiles(c);
}

/* Without Ah Bl: B holds bf16 weights. */
static void multiply_narrow_b(const char *a, const char *b, int32_t steps, float *c, int32_t fresh) {
  load_tiles(c, fresh);
  for (int32_t t = 0; t < steps; t++, a += STEP_BYTES, b += STEP_BYTES) {
    _tile_loadd(4, a + LOW, 64);
    _tile_loadd(6, b, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + TILE_BYTES, 64);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + LOW + TILE_BYTES, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
    _tile_loadd(4, a, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + TILE_BYTES, 64);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  store_tiles(c);
}

static void multiply_fwd(const char *resident, const char *stream, int32_t count, float *c, int32_t fresh, int32_t narrow) {
  (narrow ? multiply_narrow_a : multiply_full)(stream, resident, steps_of(count), c, fresh);
}

static void multiply_dx(const char *resident, const char *stream, int32_t count, float *c, int32_t fresh, int32_t narrow) {
  (narrow ? multiply_narrow_b : multiply_full)(resident, stream, steps_of(count), c, fresh);
}

/* Tiles as 32 rows with stride `across`, columns contiguous; na rows, nb columns. */
static void store_straight(const float *c, float *out, int64_t across, int32_t na, int32_t nb, float scale, int32_t accumulate) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (int32_t a = 0; a < na; a++) {
    for (int32_t h = 0; h < 2 && 16 * h < nb; h++) {
      const __mmask16 mask = first(nb - 16 * h);
      float *to = out + a * across + 16 * h;
      __m512 v = _mm512_mul_ps(factor, _mm512_load_ps(c + (a / 16 * 2 + h) * 256 + a % 16 * 16));
      if (accumulate) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, to));
      _mm512_mask_storeu_ps(to, mask, v);
    }
  }
}

/* Tiles transposed: column b of C is a row of out with stride `across`. */
static void store_transposed(const float *c, float *out, int64_t across, int32_t na, int32_t nb, float scale, int32_t accumulate) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (int32_t hb = 0; hb < 2 && 16 * hb < nb; hb++) {
    for (int32_t ha = 0; ha < 2 && 16 * ha < na; ha++) {
      __m512i r[16];
      for (int32_t i = 0; i < 16; i++) r[i] = _mm512_load_si512(c + (2 * ha + hb) * 256 + 16 * i);
      transpose16(r);
      const __mmask16 mask = first(na - 16 * ha);
      for (int32_t b = 0; b < 16 && 16 * hb + b < nb; b++) {
        float *to = out + (16 * hb + b) * across + 16 * ha;
        __m512 v = _mm512_mul_ps(factor, _mm512_castsi512_ps(r[b]));
        if (accumulate) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, to));
        _mm512_mask_storeu_ps(to, mask, v);
      }
    }
  }
}

/* A holds j, B holds i. */
static void store_fwd(const float *c, float *out, int64_t li, int64_t lj, int32_t ni, int32_t nj, float scale, int32_t accumulate) {
  (void)lj;
  store_transposed(c, out, li, nj, ni, scale, accumulate);
}

/* A holds i, B holds j. */
static void store_dx(const float *c, float *out, int64_t li, int64_t lj, int32_t ni, int32_t nj, float scale, int32_t accumulate) {
  if (lj == 1)
    store_straight(c, out, li, ni, nj, scale, accumulate);
  else
    store_transposed(c, out, lj, ni, nj, scale, accumulate);
}

const gk_mm_kernel gk_mm_kernel_amx = {
  .rows = 32,
  .cols = 32,
  .tile = 1024,
  .begin = begin,
  .end = end,
  .resident = {resident_fwd, resident_dx, resident_dw},
  .stream = {stream_fwd, stream_dx, stream_dx},
  .multiply = {multiply_fwd, multiply_dx, multiply_dx},
  .store = {store_fwd, store_dx, store_dx},
  .few_rows = 8,
  .few_packed = 3,
  .splits = gk_mm_splits_avx512,
  .digit_bytes = GK_DIGITS_AVX512,
  .split = gk_mm_split_avx512,
  .few_digits = gk_mm_few_int_avx512,
  .few = gk_mm_few_avx512,
};
