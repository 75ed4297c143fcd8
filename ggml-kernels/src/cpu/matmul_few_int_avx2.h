/* gk_mm_kernel.splits, split and few_digits of avx2. */
#ifndef GK_MATMUL_FEW_INT_AVX2_H
#define GK_MATMUL_FEW_INT_AVX2_H
#include "cpu/matmul.h"

enum { GK_DIGITS_AVX2 = 1280 };

int gk_mm_splits_avx2(gk_type type);
void gk_mm_split_avx2(const float *x, void *digits);
void gk_mm_few_int_avx2(const gk_mm_few *f, int64_t begin, int64_t end);

#endif
