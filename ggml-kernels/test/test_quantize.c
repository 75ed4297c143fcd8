/* Quantization: every isa against the plain reference, byte for byte, between guard pages; the reference against the size of its steps; rows that cannot be
 * written. That the reference is ggml's is the Java tests' business (bindings, QuantizeOracleTest). */
#define HARNESS_MAIN
#include "weights.h"

#include "quantize.h"

static void fill(float *x, int64_t n, int kind) {
  for (int64_t i = 0; i < n; i++) {
    const float v = random_normal();
    switch (kind) {
      case 0: x[i] = v; break;
      case 1: x[i] = ldexpf(v, (int)(random_u64() % 52) - 42); break;
      case 2: x[i] = i / 32 % 2 ? 0 : v; break;
      case 3: x[i] = fabsf(v) + 1; break;
      case 4: x[i] = (float)((int)(random_u64() % 17) - 8); break;
      default: x[i] = i % 7 ? 0.01f * v : 50 * v; break;
    }
  }
}

/* Rows of one super-block and of several, so that lanes are full, half full and beyond the end of a row. */
static void check_bytes(gk_backend *b, const char *isa) {
  for (int t = 0; t < ALL_TYPES; t++) {
    const gk_type type = all_types[t];
    for (int round = 0; round < 24; round++) {
      const int64_t unit = gk_type_get(type)->block_size < 32 ? 7 : gk_type_get(type)->block_size;
      const int64_t width = unit * (1 + round % 4), rows = 1 + (int64_t)(random_u64() % 40);
      AT("%s %s, %lld x %lld, round %d", isa, gk_type_get(type)->name, (long long)rows, (long long)width, round);
      float *src = guarded_f32(rows * width), *importance = guarded_f32(width);
      fill(src, rows * width, round % 6);
      for (int64_t i = 0; i < width; i++) importance[i] = expf(random_normal());
      const int64_t bytes = gk_type_bytes(type, rows * width);
      char *want = guarded(bytes), *got = guarded(bytes);
      const float *weights = round % 2 ? importance : NULL;
      gk_quantize_table_ref[type](src, rows, width, weights, want);
      CHECK(gk_quantize_rows(b, type, src, rows, width, weights, got) == GK_OK);
      CHECK(memcmp(want, got, (size_t)bytes) == 0);
      int64_t bad = 0;
      memset(got, 0, (size_t)bytes);
      CHECK(gk_convert_rows(b, GK_F32, src, type, rows, width, weights, got, &bad) == GK_OK);
      CHECK(bad == -1 && memcmp(want, got, (size_t)bytes) == 0);
      guarded_free_all();
    }
  }
}

/* No value is farther from its block's than the whole range over the number of steps allows. */
static void check_error(gk_backend *b, const char *isa) {
  static const struct { gk_type type; float steps; } limits[] = {
      {GK_F16, 1024}, {GK_BF16, 128}, {GK_Q8_0, 127}, {GK_Q4_0, 7}, {GK_Q4_1, 7}, {GK_Q5_0, 15}, {GK_Q5_1, 15}, {GK_Q2_K, 1}, {GK_Q3_K, 2},
      {GK_Q4_K, 7}, {GK_Q5_K, 14}, {GK_Q6_K, 25}, {GK_IQ4_NL, 4}, {GK_IQ4_XS, 4}};
  for (size_t t = 0; t < sizeof limits / sizeof limits[0]; t++) {
    float *src = guarded_normal(1024), *back = guarded_f32(1024);
    char *blocks = guarded(gk_type_bytes(limits[t].type, 1024));
    AT("%s %s", isa, gk_type_get(limits[t].type)->name);
    CHECK(gk_quantize_rows(b, limits[t].type, src, 2, 512, NULL, blocks) == GK_OK);
    gk_dequantize_ref(limits[t].type, blocks, back, 1024);
    float largest = 0;
    for (int i = 0; i < 1024; i++) largest = fmaxf(largest, fabsf(src[i]));
    for (int i = 0; i < 1024; i++) NEAR("value", i, back[i], src[i], largest / limits[t].steps);
    guarded_free_all();
  }
}

static void check_bad_rows(gk_backend *b, const char *isa) {
  int64_t bad = 0;
  float *src = guarded_normal(40 * 256);
  char *dst = guarded(gk_type_bytes(GK_F32, 40 * 256));
  AT("%s", isa);
  for (int t = 0; t < ALL_TYPES; t++) {
    src[17 * 256 + 200] = t % 3 == 0 ? NAN : t % 3 == 1 ? INFINITY : -INFINITY;
    src[30 * 256] = NAN;
    CHECK(gk_convert_rows(b, GK_F32, src, all_types[t], 40, 256, NULL, dst, &bad) == GK_OK && bad == 17);
    src[17 * 256 + 200] = 0, src[30 * 256] = 0;
    /* a scale beyond f16 */
    src[5 * 256 + 3] = 3e38f;
    CHECK(gk_convert_rows(b, GK_F32, src, all_types[t], 40, 256, NULL, dst, &bad) == GK_OK);
    CHECK(bad == (all_types[t] == GK_F32 || all_types[t] == GK_BF16 ? -1 : 5));
    src[5 * 256 + 3] = 0;
    CHECK(gk_convert_rows(b, GK_F32, src, all_types[t], 40, 256, NULL, dst, &bad) == GK_OK && bad == -1);
  }
  CHECK(gk_quantize_rows(b, GK_Q4_K, src, 1, 128, NULL, dst) == GK_UNSUPPORTED);
  CHECK(gk_convert_rows(b, GK_Q8_0, src, GK_F32, 1, 48, NULL, dst, &bad) == GK_UNSUPPORTED);
}

int main(void) {
  each_backend(check_bytes);
  each_backend(check_error);
  each_backend(check_bad_rows);
  printf("quantize: every type on %s\n", gk_cpu_isas());
  return 0;
}
