/* The weight types: name, elements and bytes of a block. */
#include "graft/blocks.h"
#include "graft/ops.h"

#define ROW(id, text, elements, bytes) [id] = {id, text, elements, bytes}

static const gk_type_info types[GK_TYPE_LIMIT] = {
  ROW(GK_F32, "f32", 1, 4),
  ROW(GK_F16, "f16", 1, 2),
  ROW(GK_BF16, "bf16", 1, 2),
  ROW(GK_Q4_0, "q4_0", GK_BLOCK, sizeof(gk_block_q4_0)),
  ROW(GK_Q4_1, "q4_1", GK_BLOCK, sizeof(gk_block_q4_1)),
  ROW(GK_Q5_0, "q5_0", GK_BLOCK, sizeof(gk_block_q5_0)),
  ROW(GK_Q5_1, "q5_1", GK_BLOCK, sizeof(gk_block_q5_1)),
  ROW(GK_Q8_0, "q8_0", GK_BLOCK, sizeof(gk_block_q8_0)),
  ROW(GK_Q2_K, "q2_K", GK_SUPER, sizeof(gk_block_q2_K)),
  ROW(GK_Q3_K, "q3_K", GK_SUPER, sizeof(gk_block_q3_K)),
  ROW(GK_Q4_K, "q4_K", GK_SUPER, sizeof(gk_block_q4_K)),
  ROW(GK_Q5_K, "q5_K", GK_SUPER, sizeof(gk_block_q5_K)),
  ROW(GK_Q6_K, "q6_K", GK_SUPER, sizeof(gk_block_q6_K)),
  ROW(GK_IQ4_NL, "iq4_nl", GK_BLOCK, sizeof(gk_block_iq4_nl)),
  ROW(GK_IQ4_XS, "iq4_xs", GK_SUPER, sizeof(gk_block_iq4_xs)),
};

const gk_type_info *gk_type_get(int32_t type) {
  if (type < 0 || type >= GK_TYPE_LIMIT || types[type].name == NULL) return NULL;
  return &types[type];
}

int64_t gk_type_bytes(gk_type type, int64_t n) {
  const gk_type_info *t = gk_type_get(type);
  return t ? n / t->block_size * t->block_bytes : 0;
}
