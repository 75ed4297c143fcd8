/* gk_mm_kernel.split, splits and few of avx512 for weights that are taken as integers. */
#ifndef GK_MATMUL_FEW_INT_AVX512_H
#define GK_MATMUL_FEW_INT_AVX512_H
#include "cpu/matmul.h"

int gk_mm_splits_avx512(gk_type type);
void gk_mm_split_avx512(const float *x, gk_mm_digits *to);
void gk_mm_few_int_avx512(const gk_mm_few *f, int64_t begin, int64_t end);

#endif
