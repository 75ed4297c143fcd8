/* cuBLAS, found at run time, for large bf16 products. */
#ifndef GRAFT_CUDA_CUBLAS_H
#define GRAFT_CUDA_CUBLAS_H
#include "backend.h"

/* NULL when there is none; *description says what products are computed with. */
gk_cublas *gk_cublas_open(gk_backend *b, const char **description);
void gk_cublas_close(gk_cublas *);   /* NULL is fine */
#endif
