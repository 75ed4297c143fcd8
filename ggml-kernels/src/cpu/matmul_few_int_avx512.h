/* gk_mm_kernel.splits, split and few_digits of avx512. */
#ifndef GK_MATMUL_FEW_INT_AVX512_H
#define GK_MATMUL_FEW_INT_AVX512_H
#include "cpu/matmul.h"

enum { GK_DIGITS_AVX512 = 1088 };

int gk_mm_splits_avx512(gk_type type);
void gk_mm_split_avx512(const float *x, void *digits);
void gk_mm_few_int_avx512(const gk_mm_few *f, int64_t begin, int64_t end);

#endif
