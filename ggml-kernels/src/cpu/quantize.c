/* Quantization over the backend's threads. All instruction sets and numbers of threads give the same bytes. */
#include "quantize.h"

const gk_quantize_fn *gk_quantize_table(gk_isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case GK_ISA_AVX2: return gk_quantize_table_avx2;
    case GK_ISA_AVX512:
    case GK_ISA_AMX: return gk_quantize_table_avx512;
#endif
    default: return gk_quantize_table_ref;
  }
}

typedef struct quantize_job {
  gk_quantize_fn fn;
  const float *src;
  int64_t width, row_bytes;
  const float *importance;
  char *dst;
} quantize_job;

static void quantize_part(void *arg, int64_t begin, int64_t end, int32_t part) {
  (void)part;
  quantize_job *j = arg;
  j->fn(j->src + begin * j->width, end - begin, j->width, j->importance, j->dst + begin * j->row_bytes);
}

static int supported(gk_type type, int64_t width) {
  const gk_type_info *info = gk_type_get(type);
  return info && gk_quantize_table_ref[type] && width % info->block_size == 0;
}

gk_status gk_quantize_rows(gk_backend *b, gk_type type, const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  if (!supported(type, width)) return GK_UNSUPPORTED;
  quantize_job j = {gk_quantize_table(b->isa)[type], src, width, gk_type_bytes(type, width), importance, dst};
  gk_parallel_for(b, rows, gk_max_i64(1, 8192 / gk_max_i64(width, 1)), quantize_part, &j);
  return GK_OK;
}

gk_status gk_quantize(gk_type type, const float *src, void *dst, int64_t n) {
  if (!supported(type, n)) return GK_UNSUPPORTED;
  gk_quantize_table_ref[type](src, 1, n, NULL, dst);
  return GK_OK;
}
