/* Inside the cpu products: what an isa brings, and what the driver (matmul_panel.c) does with it. docs/matmul.md
 *
 * All three products are C[i,j] = Σ_s R[i,s] * S[s,j]. R, the resident operand, is made of activations, packed once and
 * shared by all threads. S, the streamed operand, is made of weights, dequantized into panels as it is used.
 *
 *          i   j   s    R              S                      C
 *   FWD    M   N   K    x[i,s]         W[j,s]  (s contiguous) y[i,j]
 *   DX     M   K   N    dy[i,s]        W[s,j]  (j contiguous) dx[i,j]
 *   DW     N   K   M    dy[s,i]        x[s,j]  (j contiguous) dw[i,j]
 *
 * s is cut into blocks of GK_SBLOCK. A resident panel is `rows` of i by one block, a stream panel `cols` of j by one
 * block; a panel takes GK_SBLOCK * 4 bytes a row whatever the isa (f32, or two bf16), whole panels lie end to end, and what is
 * outside the matrix is zero.
 */
#ifndef GK_MATMUL_H
#define GK_MATMUL_H
#include "dequantize.h"

typedef enum gk_mm_mode { GK_MM_FWD, GK_MM_DX, GK_MM_DW } gk_mm_mode;
enum { GK_SBLOCK = 256, GK_CHUNK = 256, GK_CHUNK_FWD = 512 };

/* Loops over registers. */
#if defined(__clang__)
#define GK_MM_UNROLL _Pragma("clang loop unroll(full)")
#else
#define GK_MM_UNROLL _Pragma("GCC unroll 16")
#endif

/* y = scale * x · Wᵀ (or +=) with few rows of x, of one member of a group. */
typedef struct gk_mm_few {
  gk_type type;
  gk_dequantize_fn dequantize;
  const char *w;
  int64_t row_bytes, n, k;
  const float *x;       /* element (i,s) is x[s / GK_SBLOCK * block + i * ld + s % GK_SBLOCK] */
  int64_t ld, block;
  const void *digits;   /* in place of x: blocks of s, in each the rows, as the isa splits them; NULL when the type takes x */
  int32_t m;
  float *y;
  int64_t ldy;
  float scale;
  int32_t accumulate;
} gk_mm_few;

/* Most rows of x of dot; rows of W of one task of few at a time. */
enum { GK_DOT = 8, GK_FEW_TASK = 32 };

/* Multiply-adds in whose time an element of x is split or packed. */
enum { GK_COPY = 32 };

typedef struct gk_mm_kernel {
  int32_t rows, cols;   /* of a resident and of a stream panel */
  int32_t tile;         /* floats of one C tile, rows * cols in an order of the isa's own */
  void (*begin)(void);  /* on each thread, around multiply; may be NULL */
  void (*end)(void);
  /* panel = scale * R[0..rows, 0..count]; src is element (0,0). FWD, DX: ld from i to i+1. DW: ld from s to s+1. */
  void (*resident[3])(char *panel, const float *src, int64_t ld, int32_t rows, int32_t count, float scale);
  /* FWD: one panel from `n` rows of W, `count` elements of each, starting at w.
   * DX, DW: ceil(n / cols) panels from `count` rows of W, n elements (columns) of each. tmp: GK_SBLOCK * 2 floats. */
  void (*stream[3])(char *panel, gk_type type, gk_dequantize_fn dequantize, const char *w, int64_t row_bytes, int32_t n, int32_t count, float *tmp);
  /* tile (+)= R panel · S panel over s < count. narrow: S came from bf16, so its low halves are zero. */
  void (*multiply[3])(const char *resident, const char *stream, int32_t count, float *tile, int32_t first, int32_t narrow);
  /* out[i * li + j * lj] = scale * tile (or +=) for i < ni, j < nj; one of li, lj is 1. */
  void (*store[3])(const float *tile, float *out, int64_t li, int64_t lj, int32_t ni, int32_t nj, float scale, int32_t accumulate);
  /* The few rows of x up to which the following is used instead of panels, and from how many rows on x is packed for it. */
  int32_t few_rows, few_packed;
  /* The types of which few_digits takes x as integers, the bytes of GK_SBLOCK elements of x as integers (aligned to 64), and these. NULL: none. */
  int (*splits)(gk_type type);
  int32_t digit_bytes;
  void (*split)(const float *x, void *to);
  void (*few_digits)(const gk_mm_few *f, int64_t begin, int64_t end);
  /* Rows begin .. end-1 of W, or NULL: dot for each. */
  void (*few)(const gk_mm_few *f, int64_t begin, int64_t end);
  /* y[r] = x_r · w, r < m <= GK_DOT: one row w of k elements. tmp: GK_SBLOCK floats. NULL where there is few. */
  void (*dot)(gk_type type, gk_dequantize_fn dequantize, const char *w, const float *x, int64_t ldx, int32_t m, int64_t k, float *y, float *tmp);
} gk_mm_kernel;

#if defined(__x86_64__)
extern const gk_mm_kernel gk_mm_kernel_avx2, gk_mm_kernel_avx512, gk_mm_kernel_amx;
#elif defined(__aarch64__)
extern const gk_mm_kernel gk_mm_kernel_neon;
#endif

gk_status gk_matmul_fwd_panel(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k);
gk_status gk_matmul_dx_panel(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, float *dx, int64_t lddx, int64_t m, int64_t k, int32_t accumulate);
gk_status gk_matmul_dw_panel(const gk_mm_kernel *kernel, gk_backend *b, const float *dy, int64_t ldy, const float *x, int64_t ldx, int64_t m, int64_t n, int64_t k, float scale, float *dw);
/* m <= kernel->few_rows */
gk_status gk_matmul_fwd_few(const gk_mm_kernel *kernel, gk_backend *b, int32_t group, const gk_product *p, const float *x, int64_t ldx, int64_t m, int64_t k);

#endif
