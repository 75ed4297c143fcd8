/* Random weights of every type, as bytes: all bit patterns of the quants, block scales of an ordinary size. */
#ifndef GRAFT_TEST_WEIGHTS_H
#define GRAFT_TEST_WEIGHTS_H
#include "harness.h"

static const gk_type all_types[] = {GK_F32,  GK_F16,  GK_BF16, GK_Q4_0, GK_Q4_1, GK_Q5_0,   GK_Q5_1,  GK_Q8_0,
                                    GK_Q2_K, GK_Q3_K, GK_Q4_K, GK_Q5_K, GK_Q6_K, GK_IQ4_NL, GK_IQ4_XS};
enum { ALL_TYPES = sizeof all_types / sizeof all_types[0] };

/* Where the f16 scales lie in a block: byte offsets, -1 for none. */
static inline void scale_offsets(gk_type type, int offset[2]) {
  offset[0] = 0;
  offset[1] = -1;
  switch (type) {
    case GK_F32:
    case GK_F16:
    case GK_BF16: offset[0] = -1; break;
    case GK_Q4_1:
    case GK_Q5_1:
    case GK_Q4_K:
    case GK_Q5_K: offset[1] = 2; break;
    case GK_Q2_K: offset[0] = 80, offset[1] = 82; break;
    case GK_Q3_K: offset[0] = 108; break;
    case GK_Q6_K: offset[0] = 208; break;
    default: break;
  }
}

static inline void put_u16(void *p, uint16_t v) { memcpy(p, &v, 2); }

/* Fills n elements. */
static inline void fill_weight(gk_type type, void *data, int64_t n) {
  const gk_type_info *t = gk_type_get(type);
  unsigned char *bytes = data;
  if (type == GK_F32) {
    for (int64_t i = 0; i < n; i++) {
      const float v = random_normal();
      memcpy(bytes + 4 * i, &v, 4);
    }
    return;
  }
  if (type == GK_F16 || type == GK_BF16) { /* sign, fraction, and an exponent near that of 1 */
    for (int64_t i = 0; i < n; i++) {
      const uint64_t r = random_u64();
      put_u16(bytes + 2 * i, (uint16_t)(type == GK_F16 ? (r & 0x83FF) | (12 + (r >> 16) % 4) << 10 : (r & 0x807F) | (124 + (r >> 16) % 4) << 7));
    }
    return;
  }
  for (int64_t i = 0; i < gk_type_bytes(type, n); i++) bytes[i] = (unsigned char)(random_u64() >> 56);
  int offset[2];
  scale_offsets(type, offset);
  for (int64_t b = 0; b < n / t->block_size; b++)
    for (int o = 0; o < 2; o++)
      if (offset[o] >= 0) put_u16(bytes + b * t->block_bytes + offset[o], (uint16_t)((random_u64() & 0x3FF) | 7 << 10 | (random_u64() & 0x8000)));
}

static inline void *guarded_weight(gk_type type, int64_t n) {
  void *data = guarded(gk_type_bytes(type, n));
  fill_weight(type, data, n);
  return data;
}

#endif
