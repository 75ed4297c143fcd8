/* Ops that are not written yet. */
#include "backend.h"
#define NOT(op, params) gk_status gk_##op##_cuda params { return gk_cuda_fail(GK_UNSUPPORTED, "cuda: " #op " is not written yet"); }
NOT(embed, (gk_backend *, const gk_weight *, const int32_t *, int64_t, float *))
NOT(gather_rows, (gk_backend *, const float *, const int32_t *, int64_t, int64_t, float *))
NOT(scatter_add_rows, (gk_backend *, const float *, const int32_t *, int64_t, int64_t, float *))
NOT(matmul_fwd, (gk_backend *, int32_t, const gk_product *, const float *, int64_t, int64_t, int64_t))
NOT(matmul_dx, (gk_backend *, int32_t, const gk_product *, float *, int64_t, int64_t, int64_t, int32_t))
NOT(matmul_dw, (gk_backend *, const float *, int64_t, const float *, int64_t, int64_t, int64_t, int64_t, float, float *))
NOT(rope, (gk_backend *, const gk_rope *, float *, const int32_t *, int64_t, int64_t, int64_t, int32_t))
NOT(swiglu_fwd, (gk_backend *, const float *, const float *, int64_t, float *))
NOT(swiglu_bwd, (gk_backend *, const float *, const float *, const float *, int64_t, float *, float *))
NOT(dropout, (gk_backend *, const float *, float, uint64_t, uint64_t, int64_t, float *, int32_t))
NOT(cross_entropy, (gk_backend *, float *, int64_t, const int32_t *, int64_t, int64_t, float *, float *, float *, int32_t))
NOT(adamw, (gk_backend *, const gk_adamw *, const float *, float *, float *, float *, int64_t))
#include "cublas.h"
gk_cublas *gk_cublas_open(gk_backend *, const char **) { return nullptr; }
void gk_cublas_close(gk_cublas *) {}
