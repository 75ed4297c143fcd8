/* gk_mm_kernel.few of avx512, and of amx. */
#ifndef GK_MATMUL_FEW_AVX512_H
#define GK_MATMUL_FEW_AVX512_H
#include "cpu/matmul.h"

void gk_mm_few_avx512(const gk_mm_few *f, int64_t begin, int64_t end);

#endif
