/* Dequantization, dispatched on the backend's isa. All tables give the same bits. */
#include "dequantize.h"

const gk_dequantize_fn *gk_dequantize_table(gk_isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case GK_ISA_AVX2: return gk_dequantize_table_avx2;
    case GK_ISA_AVX512:
    case GK_ISA_AMX: return gk_dequantize_table_avx512;
#endif
    default: return gk_dequantize_table_ref;
  }
}

void gk_dequantize(const gk_backend *b, gk_type type, const void *src, float *dst, int64_t n) {
  gk_dequantize_table(b->isa)[type](src, dst, n);
}
