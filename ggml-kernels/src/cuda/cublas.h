/* cuBLAS, found at run time, for large bf16 products. */
#ifndef GRAFT_CUDA_CUBLAS_H
#define GRAFT_CUDA_CUBLAS_H
#include "matmul.h"

/* NULL when there is none; *description says what products are computed with. */
gk_cublas *gk_cublas_open(gk_backend *b, const char **description);
void gk_cublas_close(gk_cublas *);   /* NULL is fine */
/* b->cublas is not NULL; sizes fit 31 bits. */
gk_status gk_cublas_gemm_bf16(gk_backend *b, const gk_cuda_gemm &g);
#endif
