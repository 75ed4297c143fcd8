/* Quantization over the backend's threads. All instruction sets and numbers of threads give the same bytes. */
#include <stdatomic.h>
#include <string.h>

#include "dequantize.h"
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

/* ---- rows of any type ------------------------------------------------------------------------------------------------- */

static int has_exponent(const uint16_t *words, int64_t n, uint16_t exponent) {
  int found = 0;
  for (int64_t i = 0; i < n; i++) found |= (words[i] & exponent) == exponent;
  return found;
}

static int all_finite(const float *x, int64_t n) {
  uint32_t found = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    found |= (bits & 0x7f800000u) == 0x7f800000u;
  }
  return !found;
}

/* Where a block's f16 numbers lie, in bytes; -1 for none. */
static void scale_offsets(gk_type type, int offsets[2]) {
  offsets[0] = 0, offsets[1] = -1;
  switch (type) {
    case GK_Q4_1: case GK_Q5_1: case GK_Q4_K: case GK_Q5_K: offsets[1] = 2; break;
    case GK_Q2_K: offsets[0] = 80, offsets[1] = 82; break;
    case GK_Q3_K: offsets[0] = 108; break;
    case GK_Q6_K: offsets[0] = 208; break;
    default: break;
  }
}

static int row_is_finite(gk_type type, const void *row, int64_t width) {
  if (type == GK_F32) return all_finite(row, width);
  if (type == GK_F16 || type == GK_BF16) return !has_exponent(row, width, type == GK_F16 ? 0x7c00 : 0x7f80);
  const gk_type_info *info = gk_type_get(type);
  int offsets[2];
  scale_offsets(type, offsets);
  for (const char *block = row, *end = block + gk_type_bytes(type, width); block < end; block += info->block_bytes)
    for (int i = 0; i < 2 && offsets[i] >= 0; i++) {
      uint16_t scale;
      memcpy(&scale, block + offsets[i], sizeof scale);
      if (has_exponent(&scale, 1, 0x7c00)) return 0;
    }
  return 1;
}

typedef struct convert_job {
  gk_dequantize_fn from;
  gk_quantize_fn to;
  gk_type type;
  int plain;               /* src is f32 already */
  const char *src;
  int64_t width, src_bytes, dst_bytes, piece;
  const float *importance;
  char *dst;
  float *buffers;          /* piece rows for each thread */
  atomic_llong bad_row;
} convert_job;

static void convert_part(void *arg, int64_t begin, int64_t end, int32_t part) {
  convert_job *j = arg;
  const float *values = (const float *)(const void *)(j->src + begin * j->src_bytes);
  if (!j->plain) {
    float *buffer = j->buffers + part * j->piece * j->width;
    j->from(j->src + begin * j->src_bytes, buffer, (end - begin) * j->width);
    values = buffer;
  }
  j->to(values, end - begin, j->width, j->importance, j->dst + begin * j->dst_bytes);
  for (int64_t r = begin; r < end; r++) {
    if (all_finite(values + (r - begin) * j->width, j->width) && row_is_finite(j->type, j->dst + r * j->dst_bytes, j->width)) continue;
    long long seen = atomic_load(&j->bad_row);
    while ((seen < 0 || seen > r) && !atomic_compare_exchange_weak(&j->bad_row, &seen, r)) {}
    return;
  }
}

gk_status gk_convert_rows(gk_backend *b, gk_type from, const void *src, gk_type to, int64_t rows, int64_t width, const float *importance, void *dst, int64_t *bad_row) {
  *bad_row = -1;
  if (!supported(to, width) || !supported(from, width)) return GK_UNSUPPORTED;
  convert_job j = {.from = gk_dequantize_table(b->isa)[from], .to = gk_quantize_table(b->isa)[to], .type = to, .plain = from == GK_F32, .src = src, .width = width,
                   .src_bytes = gk_type_bytes(from, width), .dst_bytes = gk_type_bytes(to, width), .piece = gk_max_i64(1, 8192 / gk_max_i64(width, 1)),
                   .importance = importance, .dst = dst};
  atomic_init(&j.bad_row, -1);
  if (!j.plain && !(j.buffers = gk_scratch_get(b, GK_SCRATCH_OP, b->threads * j.piece * width * (int64_t)sizeof(float)))) return GK_OUT_OF_MEMORY;
  gk_parallel_for(b, rows, j.piece, convert_part, &j);
  *bad_row = atomic_load(&j.bad_row);
  return GK_OK;
}
