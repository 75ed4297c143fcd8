/* Ops that are not written yet. */
#include "backend.h"
#define NOT(op, params) gk_status gk_##op##_cuda params { return gk_cuda_fail(GK_UNSUPPORTED, "cuda: " #op " is not written yet"); }
NOT(pages_write, (gk_backend *, const gk_pages *, const float *, const int32_t *, int64_t, void *))
NOT(attention_paged, (gk_backend *, const gk_paged_attention *, const float *, const void *, const void *, float *))
