/* Dequantization: the type table, the reference against bit positions written down a second time, and every isa
 * against the reference, bit for bit, between guard pages. */
#define HARNESS_MAIN
#include "weights.h"

/* count bits from bit `at` of a block, little endian. */
static int bits(const unsigned char *block, int at, int count) {
  int v = 0;
  for (int i = 0; i < count; i++) v |= (block[(at + i) / 8] >> (at + i) % 8 & 1) << i;
  return v;
}

/* The value of an f16 at a byte offset: sign, exponent, fraction. */
static double half_at(const unsigned char *block, int byte) {
  const int fraction = bits(block, 8 * byte, 10), exponent = bits(block, 8 * byte + 10, 5), sign = bits(block, 8 * byte + 15, 1);
  const double v = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
  return sign ? -v : v;
}

/* Nibble i of 32 elements in 16 bytes: low halves first. */
static int nibble(const unsigned char *b, int byte, int i) { return bits(b, 8 * (byte + i % 16) + 4 * (i / 16), 4); }

static int k_scale(const unsigned char *b, int byte, int s, int min) {
  if (s < 4) return bits(b, 8 * (byte + s + 4 * min), 6);
  return bits(b, 8 * (byte + 4 + s) + 4 * min, 4) | bits(b, 8 * (byte + s - 4 + 4 * min) + 6, 2) << 4;
}

/* Element i of a block in double: exact where the scales are powers of two. */
static double element(gk_type type, const unsigned char *b, int i) {
  static const int levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
  const int s32 = i / 32, s16 = i / 16, h = i / 128, r = i % 128 / 32, l = i % 32;
  switch (type) {
    case GK_Q4_0: return (nibble(b, 2, i) - 8) * half_at(b, 0);
    case GK_Q4_1: return nibble(b, 4, i) * half_at(b, 0) + half_at(b, 2);
    case GK_Q5_0: return (nibble(b, 6, i) + 16 * bits(b, 16 + i, 1) - 16) * half_at(b, 0);
    case GK_Q5_1: return (nibble(b, 8, i) + 16 * bits(b, 32 + i, 1)) * half_at(b, 0) + half_at(b, 2);
    case GK_Q8_0: return (bits(b, 16 + 8 * i, 7) - 128 * bits(b, 16 + 8 * i + 7, 1)) * half_at(b, 0);
    case GK_IQ4_NL: return levels[nibble(b, 2, i)] * half_at(b, 0);
    case GK_Q2_K:
      return bits(b, 8 * s16, 4) * half_at(b, 80) * bits(b, 8 * (16 + 32 * h + l) + 2 * r, 2) - bits(b, 8 * s16 + 4, 4) * half_at(b, 82);
    case GK_Q3_K: {
      const int scale = bits(b, 8 * (96 + s16 % 8) + 4 * (s16 / 8), 4) | bits(b, 8 * (104 + s16 % 4) + 2 * (s16 / 4), 2) << 4;
      const int q = bits(b, 8 * (32 + 32 * h + l) + 2 * r, 2) - 4 * (1 - bits(b, 8 * l + s32, 1));
      return (scale - 32) * half_at(b, 108) * q;
    }
    case GK_Q4_K:
      return k_scale(b, 4, s32, 0) * half_at(b, 0) * bits(b, 8 * (16 + 32 * (s32 / 2) + l) + 4 * (s32 % 2), 4) - k_scale(b, 4, s32, 1) * half_at(b, 2);
    case GK_Q5_K: {
      const int q = bits(b, 8 * (48 + 32 * (s32 / 2) + l) + 4 * (s32 % 2), 4) | bits(b, 8 * (16 + l) + s32, 1) << 4;
      return k_scale(b, 4, s32, 0) * half_at(b, 0) * q - k_scale(b, 4, s32, 1) * half_at(b, 2);
    }
    case GK_Q6_K: {
      const int q = bits(b, 8 * (64 * h + 32 * (r % 2) + l) + 4 * (r / 2), 4) | bits(b, 8 * (128 + 32 * h + l) + 2 * r, 2) << 4;
      const int scale = bits(b, 8 * (192 + s16), 7) - 128 * bits(b, 8 * (192 + s16) + 7, 1);
      return scale * half_at(b, 208) * (q - 32);
    }
    case GK_IQ4_XS: {
      const int scale = bits(b, 32 + 4 * s32, 4) | bits(b, 16 + 2 * s32, 2) << 4;
      return (scale - 32) * half_at(b, 0) * levels[nibble(b, 8 + 16 * s32, l)];
    }
    default: return half_at(b, 2 * i); /* f16 */
  }
}

static void check_types(void) {
  static const struct { gk_type type; const char *name; int size, bytes; } want[] = {
    {GK_F32, "f32", 1, 4}, {GK_F16, "f16", 1, 2}, {GK_BF16, "bf16", 1, 2}, {GK_Q4_0, "q4_0", 32, 18}, {GK_Q4_1, "q4_1", 32, 20},
    {GK_Q5_0, "q5_0", 32, 22}, {GK_Q5_1, "q5_1", 32, 24}, {GK_Q8_0, "q8_0", 32, 34}, {GK_Q2_K, "q2_K", 256, 84}, {GK_Q3_K, "q3_K", 256, 110},
    {GK_Q4_K, "q4_K", 256, 144}, {GK_Q5_K, "q5_K", 256, 176}, {GK_Q6_K, "q6_K", 256, 210}, {GK_IQ4_NL, "iq4_nl", 32, 18}, {GK_IQ4_XS, "iq4_xs", 256, 136}};
  int known = 0;
  for (int32_t t = -2; t < 1000; t++) known += gk_type_get(t) != NULL;
  CHECK(known == sizeof want / sizeof want[0]);
  CHECK(gk_type_get(INT32_MIN) == NULL && gk_type_get(INT32_MAX) == NULL);
  for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
    const gk_type_info *t = gk_type_get(want[i].type);
    AT("%s", want[i].name);
    CHECK(t && t->type == want[i].type && strcmp(t->name, want[i].name) == 0 && t->block_size == want[i].size && t->block_bytes == want[i].bytes);
    CHECK(gk_type_bytes(want[i].type, 512) == 512 / want[i].size * want[i].bytes);
  }
}

/* Random quants, scales powers of two: then every step is exact and the result has one right value. */
static void check_formulas(void) {
  for (int t = 0; t < ALL_TYPES; t++) {
    const gk_type type = all_types[t];
    const gk_type_info *info = gk_type_get(type);
    if (type == GK_F32 || type == GK_BF16) continue;
    AT("%s against the bit positions", info->name);
    unsigned char block[256];
    float got[256];
    for (int round = 0; round < 200; round++) {
      fill_weight(type, block, info->block_size);
      int offset[2];
      scale_offsets(type, offset);
      for (int o = 0; o < 2; o++)
        if (offset[o] >= 0) put_u16(block + offset[o], (uint16_t)((random_u64() & 0x8000) | (10 + random_u64() % 8) << 10));
      gk_dequantize_ref(type, block, got, info->block_size);
      for (int i = 0; i < info->block_size; i++) NEAR("element", i, got[i], element(type, block, i), 0.0);
    }
  }
  /* Values told by hand. */
  unsigned char q4_0[18] = {0x00, 0x40, 0x0F}, q6[210] = {0};
  float v[256];
  AT("by hand");
  gk_dequantize_ref(GK_Q4_0, q4_0, v, 32); /* d = 2; first byte: 15 low, 0 high */
  CHECK(v[0] == 14 && v[16] == -16 && v[1] == -16 && v[31] == -16);
  q6[209] = 0x3C; /* d = 1 */
  q6[192] = 0xFF; /* scale -1 of the first 16 */
  q6[0] = 0x05, q6[128] = 0x03; /* element 0: 5 + 48 - 32 = 21 */
  gk_dequantize_ref(GK_Q6_K, q6, v, 256);
  CHECK(v[0] == -21 && v[1] == 32 && v[16] == 0);
  const uint16_t bf16[2] = {0x3FC0, 0xFF80};
  gk_dequantize_ref(GK_BF16, bf16, v, 2);
  CHECK(v[0] == 1.5f && v[1] == -INFINITY);
}

/* Everything an f16 can be. */
static uint16_t any_half(void) {
  static const uint16_t special[] = {0, 0x8000, 1, 0x8001, 0x03FF, 0x7C00, 0xFC00, 0x7E00, 0x7C01, 0xFFFF, 0x7BFF, 0xFBFF, 0x0400};
  const uint64_t r = random_u64();
  return (uint16_t)(r % 3 ? r >> 16 : special[(r >> 8) % (sizeof special / sizeof special[0])]);
}

/* The backend's own kernel. CUDA's is seen through embed: rows of one or three blocks, from the last to the first. */
static void decode(gk_backend *b, gk_type type, const void *src, float *dst, int64_t n) {
  if (!is_cuda(b)) {
    gk_dequantize(b, type, src, dst, n);
    return;
  }
  const gk_ops *ops = gk_backend_ops(b);
  const int64_t width = gk_type_get(type)->block_size * (random_u64() % 2 && n / gk_type_get(type)->block_size % 3 == 0 ? 3 : 1), rows = n / width;
  const gk_weight w = {type, src, rows, width};
  int32_t *ids = guarded_i32(rows);
  float *some = guarded_f32(n);
  for (int64_t i = 0; i < rows; i++) ids[i] = (int32_t)(rows - 1 - i);
  if (ops->embed(b, &w, ids, rows, some) != GK_OK) FAIL("embed");
  for (int64_t i = 0; i < rows; i++) memcpy(dst + i * width, some + (rows - 1 - i) * width, (size_t)width * sizeof(float));
}

static void check_bits(gk_backend *b, const char *isa) {
  for (int t = 0; t < ALL_TYPES; t++) {
    const gk_type type = all_types[t];
    const gk_type_info *info = gk_type_get(type);
    for (int round = 0; round < 40; round++) {
      const int64_t n = info->block_size * (round < 33 ? round + 1 : (int64_t)(1 + random_u64() % 100));
      AT("%s %s, %lld elements", isa, info->name, (long long)n);
      unsigned char *src = guarded(gk_type_bytes(type, n));
      for (int64_t i = 0; i < gk_type_bytes(type, n); i++) src[i] = (unsigned char)(random_u64() >> 56);
      int offset[2];
      scale_offsets(type, offset);
      for (int64_t k = 0; k < n / info->block_size; k++)
        for (int o = 0; o < 2; o++)
          if (offset[o] >= 0) put_u16(src + k * info->block_bytes + offset[o], any_half());
      if (type == GK_F16)
        for (int64_t k = 0; k < n; k++) put_u16(src + 2 * k, any_half());
      float *want = guarded_f32(n), *got = guarded_f32(n);
      gk_dequantize_ref(type, src, want, n);
      decode(b, type, src, got, n);
      for (int64_t i = 0; i < n; i++) {
        uint32_t w, g;
        memcpy(&w, want + i, 4);
        memcpy(&g, got + i, 4);
        if (w != g && !(isnan(want[i]) && isnan(got[i]))) FAIL("element %lld: bits %08x, should be %08x", (long long)i, g, w);
      }
      guarded_free_all();
    }
  }
}

int main(void) {
  check_types();
  check_formulas();
  each_backend(check_bits);
  printf("dequantize: every type on %s\n", getenv("GRAFT_TEST_CUDA") ? "cuda" : gk_cpu_isas());
  return 0;
}
