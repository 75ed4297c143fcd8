/* One row of W by up to GK_FEW rows of x, in AVX-512; see gk_mm_kernel.dot. */
#ifndef GK_MATMUL_DOT_AVX512_H
#define GK_MATMUL_DOT_AVX512_H
#include "cpu/matmul.h"

void gk_mm_dot_avx512(gk_type type, gk_dequantize_fn dequantize, const char *w, const float *x, int64_t ldx, int32_t m, int64_t k, float *y, float *tmp);

#endif
