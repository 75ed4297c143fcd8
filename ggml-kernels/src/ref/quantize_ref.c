/* Values into weights, plain: one sub-block at a time, in ggml's order of float operations. Method: docs/quantize.md, formats: docs/formats.md */
#include "quantize_blocks.h"

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

uint16_t gk_f32_to_f16(float x) {
  uint32_t bits = bits_of(x) & 0x7fffffffu;
  const uint32_t sign = bits_of(x) >> 16 & 0x8000u;
  if (bits > 0x7f800000u) return (gk_f16)(sign | 0x7e00u | (bits >> 13 & 0x3ffu));
  if (bits >= 0x477ff000u) return (gk_f16)(sign | 0x7c00u);                             /* 65520 and more */
  if (bits < 0x38800000u) return (gk_f16)(sign | (uint32_t)lrintf(fabsf(x) * 0x1p24f)); /* subnormal */
  bits += 0xfffu + (bits >> 13 & 1u);
  return (gk_f16)(sign | (bits - (112u << 23)) >> 13);
}

uint16_t gk_f32_to_bf16(float x) {
  const uint32_t bits = bits_of(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 64u);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* ---- searches ------------------------------------------------------------------------------------------------------ */

typedef struct fit {
  float scale, min, inverse, origin;
} fit;

/* Nineteen scales around the one that puts the largest magnitude on the outermost level; the best, by least squares, wins. */
static fit fit_symmetric(const float *x, const float *w, int n, int peak) {
  fit f = {0, 0, 0, 0};
  const float top = gk_signed_peak(x, n);
  if (fabsf(top) < 1e-15f) return f;
  float best = 0;
  for (int turn = 0; turn < 19; turn++) {
    const int step = turn == 0 ? 0 : turn <= 9 ? turn - 10 : turn - 9;   /* 0 first, then -9 to 9 */
    const float inverse = step == 0 ? (float)-peak / top : -((float)peak + 0.1f * (float)step) / top;
    float xl = 0, ll = 0;
    for (int i = 0; i < n; i++) {
      const float level = (float)gk_clamp(gk_nearest(inverse * x[i]), -peak, peak - 1);
      xl += w[i] * x[i] * level;
      ll += w[i] * level * level;
    }
    if (turn == 0 || (ll > 0 && xl * xl > best * ll)) {
      f.scale = ll != 0 ? xl / ll : 0;
      f.inverse = inverse;
      best = f.scale * xl;
    }
  }
  return f;
}

static float fit_symmetric_levels(const float *x, const float *w, int n, int peak, uint8_t *levels) {
  const fit f = fit_symmetric(x, w, n, peak);
  gk_fit_levels_symmetric(x, n, f.inverse, peak, levels);
  return f.scale;
}

/* Starts from the same scale; then levels move one at a time while the fit improves, at most five rounds. Errors weigh x². */
static float fit_descent(const float *x, int n, int peak, uint8_t *levels) {
  const float top = gk_signed_peak(x, n);
  memset(levels, 0, (size_t)n);
  if (fabsf(top) < 1e-15f) return 0;
  const float inverse = (float)-peak / top;
  int32_t level[32];
  float xl = 0, ll = 0;
  for (int i = 0; i < n; i++) {
    level[i] = gk_clamp(gk_nearest(inverse * x[i]), -peak, peak - 1);
    const float w = x[i] * x[i];
    xl += w * x[i] * (float)level[i];
    ll += w * (float)level[i] * (float)level[i];
  }
  for (int round = 0; round < 5; round++) {
    int moved = 0;
    for (int i = 0; i < n; i++) {
      const float w = x[i] * x[i];
      float xl_less = xl - w * x[i] * (float)level[i];
      if (!(xl_less > 0)) continue;
      float ll_less = ll - w * (float)level[i] * (float)level[i];
      const int32_t now = gk_clamp(gk_nearest(x[i] * ll_less / xl_less), -peak, peak - 1);
      if (now == level[i]) continue;
      xl_less += w * x[i] * (float)now;
      ll_less += w * (float)now * (float)now;
      if (ll_less > 0 && xl_less * xl_less * ll > xl * xl * ll_less) {
        level[i] = now;
        xl = xl_less;
        ll = ll_less;
        moved++;
      }
    }
    if (!moved) break;
  }
  for (int i = 0; i < n; i++) levels[i] = (uint8_t)(level[i] + peak);
  return ll > 0 ? xl / ll : 0;
}

/* Scale and min: level = nearest(inverse * (x - min)) for steps + 1 inverses around high / range, each time with the best line through
 * (level, x) under the weights; min <= 0. absolute: errors are magnitudes, not squares. */
static fit fit_with_min(const float *x, const float *w, int n, int high, float first, float delta, int steps, int absolute) {
  float min = x[0], max = x[0], w_sum = w[0], x_sum = w[0] * x[0];
  for (int i = 1; i < n; i++) {
    min = x[i] < min ? x[i] : min;
    max = x[i] > max ? x[i] : max;
    w_sum += w[i];
    x_sum += w[i] * x[i];
  }
  if (min > 0) min = 0;
  if (max == min) return (fit){0, -min, 0, 0};
  fit f = {.inverse = (float)high / (max - min), .origin = min};
  f.scale = 1 / f.inverse;
  float best = 0;
  for (int i = 0; i < n; i++) {
    float off = f.scale * (float)gk_clamp(gk_nearest(f.inverse * (x[i] - min)), 0, high) + min - x[i];
    off = absolute ? fabsf(off) : off * off;
    best += w[i] * off;
  }
  for (int step = 0; step <= steps; step++) {
    const float inverse = (first + delta * (float)step + (float)high) / (max - min);
    float level[32], l = 0, ll = 0, xl = 0;
    for (int i = 0; i < n; i++) {
      level[i] = (float)gk_clamp(gk_nearest(inverse * (x[i] - min)), 0, high);
      l += w[i] * level[i];
      ll += w[i] * level[i] * level[i];
      xl += w[i] * level[i] * x[i];
    }
    const float determinant = w_sum * ll - l * l;
    if (!(determinant > 0)) continue;
    float scale = (w_sum * xl - x_sum * l) / determinant, low = (ll * x_sum - l * xl) / determinant;
    if (low > 0) {
      low = 0;
      scale = xl / ll;
    }
    float error = 0;
    for (int i = 0; i < n; i++) {
      float off = scale * level[i] + low - x[i];
      off = absolute ? fabsf(off) : off * off;
      error += w[i] * off;
    }
    if (error < best) {
      best = error;
      f = (fit){scale, 0, inverse, min};
      min = low;
    }
  }
  f.min = -min;
  return f;
}

/* iq4: the scale for which the nearest table values fit best, of sixteen. */
static float fit_table(const float *x, const float *w) {
  const float top = gk_signed_peak(x, 32);
  if (fabsf(top) < 1e-15f) return 0;
  float scale = 0, best = 0;
  for (int turn = 0; turn < 16; turn++) {
    const float inverse = turn == 0 ? 1 / (-top / (float)gk_iq4_values[0]) : (float)(turn - 8 + gk_iq4_values[0]) / top;
    float xq = 0, qq = 0;
    for (int i = 0; i < 32; i++) {
      const float q = gk_iq4_values[gk_iq4_index(inverse * x[i])];
      xq += w[i] * q * x[i];
      qq += w[i] * q * q;
    }
    if (turn == 0 || (qq > 0 && xq * xq > best * qq)) {
      scale = qq > 0 ? xq / qq : 0;
      best = scale * xq;
    }
  }
  return scale;
}

/* ---- weights of the errors ----------------------------------------------------------------------------------------------- */

static float sum_of_squares(const float *x, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
  return sum;
}

static float weigh(gk_weighting how, const float *x, int n, float spread, const float *importance, float *w) {
  if (how == GK_WEIGH_ROOT_PLUS) spread = sqrtf(sum_of_squares(x, n) / (float)n);
  float sum = 0;
  for (int i = 0; i < n; i++) {
    switch (how) {
      case GK_WEIGH_SQUARE: w[i] = x[i] * x[i]; break;
      case GK_WEIGH_MAGNITUDE: w[i] = fabsf(x[i]); break;
      case GK_WEIGH_ROOT_PLUS: w[i] = spread + fabsf(x[i]); break;
      case GK_WEIGH_IMPORTANCE: w[i] = importance[i]; break;
      default: w[i] = importance[i] * sqrtf(spread + x[i] * x[i]); break;
    }
    sum += w[i];
  }
  return sum;
}

/* ---- types ------------------------------------------------------------------------------------------------------------ */

static void to_f32(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  memcpy(dst, src, (size_t)(rows * width) * sizeof *src);
}

static void to_f16(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  for (int64_t i = 0; i < rows * width; i++) ((uint16_t *)dst)[i] = gk_f32_to_f16(src[i]);
}

static void to_bf16(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  for (int64_t i = 0; i < rows * width; i++) ((uint16_t *)dst)[i] = gk_f32_to_bf16(src[i]);
}

static void to_q8_0(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  for (int64_t i = 0; i < rows * width / GK_BLOCK; i++) gk_block_to_q8_0(src + i * GK_BLOCK, (gk_block_q8_0 *)dst + i);
}

/* Plain blocks of 32: without importance from the extremes; with it by search, errors weighing qw * sqrt(row's mean square + x²). */
#define PLAIN_SYMMETRIC(name, bits)                                                                                              \
  static void to_##name(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {                     \
    gk_block_##name *block = dst;                                                                                                \
    uint8_t levels[32];                                                                                                          \
    float w[32];                                                                                                                 \
    for (int64_t r = 0; r < rows; r++, src += width) {                                                                           \
      const float spread = importance ? sum_of_squares(src, width) / (float)width : 0;                                           \
      for (int64_t i = 0; i < width; i += 32, block++) {                                                                         \
        if (importance) weigh(GK_WEIGH_SPREAD, src + i, 32, spread, importance + i, w);                                          \
        const float d = importance ? fit_symmetric_levels(src + i, w, 32, 1 << (bits - 1), levels) : gk_plain_symmetric(src + i, bits, levels); \
        gk_put_##name(levels, d, block);                                                                                         \
      }                                                                                                                          \
    }                                                                                                                            \
  }
PLAIN_SYMMETRIC(q4_0, 4)
PLAIN_SYMMETRIC(q5_0, 5)

#define PLAIN_WITH_MIN(name, bits)                                                                                               \
  static void to_##name(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {                     \
    gk_block_##name *block = dst;                                                                                                \
    uint8_t levels[32];                                                                                                          \
    float w[32];                                                                                                                 \
    for (int64_t r = 0; r < rows; r++, src += width) {                                                                           \
      const float spread = importance ? sum_of_squares(src, width) / (float)width : 0;                                           \
      for (int64_t i = 0; i < width; i += 32, block++) {                                                                         \
        float min;                                                                                                               \
        if (!importance) {                                                                                                       \
          const float d = gk_plain_with_min(src + i, bits, &min, levels);                                                        \
          gk_put_##name(levels, d, min, block);                                                                                  \
          continue;                                                                                                              \
        }                                                                                                                        \
        weigh(GK_WEIGH_SPREAD, src + i, 32, spread, importance + i, w);                                                          \
        const fit f = fit_with_min(src + i, w, 32, (1 << bits) - 1, -0.9f, 0.05f, 36, 0);                                        \
        gk_fit_levels(src + i, 32, f.inverse, f.origin, (1 << bits) - 1, levels);                                                \
        gk_put_##name(levels, f.scale, -f.min, block);                                                                           \
      }                                                                                                                          \
    }                                                                                                                            \
  }
PLAIN_WITH_MIN(q4_1, 4)
PLAIN_WITH_MIN(q5_1, 5)

/* A super-block's fits with mins. */
static void fits_with_min(const float *x, const float *importance, int sub_block, int high, gk_weighting plain, float spread_factor, float first, float delta, int steps, int absolute, gk_fits *fits) {
  const float spread = importance ? spread_factor * sum_of_squares(x, GK_SUPER) / GK_SUPER : 0;
  float w[32];
  for (int s = 0; s < GK_SUPER / sub_block; s++) {
    const float *values = x + s * sub_block;
    fits->weight[s] = weigh(importance ? GK_WEIGH_SPREAD : plain, values, sub_block, spread, importance ? importance + s * sub_block : NULL, w);
    const fit f = importance ? fit_with_min(values, w, sub_block, high, -0.9f, 0.05f, 36, 0) : fit_with_min(values, w, sub_block, high, first, delta, steps, absolute);
    fits->scale[s] = f.scale;
    fits->min[s] = f.min;
    fits->inverse[s] = f.inverse;
    fits->origin[s] = f.origin;
  }
}

static void fits_symmetric(const float *x, const float *importance, int sub_block, int peak, gk_weighting how, gk_fits *fits) {
  const float spread = how == GK_WEIGH_SPREAD ? 2 * sum_of_squares(x, GK_SUPER) / GK_SUPER : 0;
  float w[32];
  for (int s = 0; s < GK_SUPER / sub_block; s++) {
    fits->weight[s] = weigh(how, x + s * sub_block, sub_block, spread, importance ? importance + s * sub_block : NULL, w);
    const fit f = fit_symmetric(x + s * sub_block, w, sub_block, peak);
    fits->scale[s] = f.scale;
    fits->inverse[s] = f.inverse;
  }
}

#define SUPER_BLOCKS(name, ...)                                                                              \
  static void to_##name(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) { \
    gk_block_##name *block = dst;                                                                            \
    gk_fits fits = {.scale = {0}};                                                                           \
    for (int64_t r = 0; r < rows; r++)                                                                       \
      for (int64_t i = 0; i < width; i += GK_SUPER, src += GK_SUPER, block++) {                              \
        const float *qw = importance ? importance + i : NULL;                                                \
        __VA_ARGS__                                                                                          \
      }                                                                                                      \
  }
SUPER_BLOCKS(q2_K, {
  fits_with_min(src, qw, 16, 3, GK_WEIGH_MAGNITUDE, 1, -0.5f, 0.1f, 15, 1, &fits);
  gk_finish_q2_K(src, &fits, qw != NULL, block);
})
SUPER_BLOCKS(q3_K, {
  if (qw) fits_symmetric(src, qw, 16, 4, GK_WEIGH_SPREAD, &fits);
  for (int s = 0; !qw && s < 16; s++) fits.scale[s] = fit_descent(src + 16 * s, 16, 4, fits.levels + 16 * s);
  gk_finish_q3_K(src, &fits, qw ? fit_symmetric_levels : NULL, block);
})
SUPER_BLOCKS(q4_K, {
  fits_with_min(src, qw, 32, 15, GK_WEIGH_ROOT_PLUS, 2, -1.0f, 0.1f, 20, 0, &fits);
  gk_finish_q4_K(src, &fits, qw != NULL, block);
})
SUPER_BLOCKS(q5_K, {
  fits_with_min(src, qw, 32, 31, GK_WEIGH_ROOT_PLUS, 2, -0.5f, 0.1f, 15, 0, &fits);
  gk_finish_q5_K(src, &fits, qw != NULL, block);
})
SUPER_BLOCKS(q6_K, {
  fits_symmetric(src, qw, 16, 32, qw ? GK_WEIGH_IMPORTANCE : GK_WEIGH_SQUARE, &fits);
  gk_finish_q6_K(src, &fits, block);
})
SUPER_BLOCKS(iq4_xs, {
  const float spread = qw ? sum_of_squares(src, GK_SUPER) * (2.0f / GK_SUPER) : 0;
  for (int s = 0; s < 8; s++) {
    float w[32];
    weigh(qw ? GK_WEIGH_SPREAD : GK_WEIGH_SQUARE, src + 32 * s, 32, spread, qw ? qw + 32 * s : NULL, w);
    fits.scale[s] = fit_table(src + 32 * s, w);
  }
  gk_finish_iq4_xs(src, &fits, block);
})

static void to_iq4_nl(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  gk_block_iq4_nl *block = dst;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < width; i += 32, src += 32, block++) {
      float w[32];
      weigh(importance ? GK_WEIGH_SPREAD : GK_WEIGH_SQUARE, src, 32, sum_of_squares(src, 32) * (2.0f / 32), importance ? importance + i : NULL, w);
      gk_finish_iq4_nl(src, fit_table(src, w), block);
    }
}

const gk_quantize_fn gk_quantize_table_ref[GK_TYPE_LIMIT] = {
    [GK_F32] = to_f32,   [GK_F16] = to_f16,   [GK_BF16] = to_bf16, [GK_Q8_0] = to_q8_0, [GK_Q4_0] = to_q4_0,
    [GK_Q4_1] = to_q4_1, [GK_Q5_0] = to_q5_0, [GK_Q5_1] = to_q5_1, [GK_Q2_K] = to_q2_K, [GK_Q3_K] = to_q3_K,
    [GK_Q4_K] = to_q4_K, [GK_Q5_K] = to_q5_K, [GK_Q6_K] = to_q6_K, [GK_IQ4_NL] = to_iq4_nl, [GK_IQ4_XS] = to_iq4_xs,
};
