/* Quantization with a sub-block in each lane of a vector: VW searches at once, each in the order of float operations of
 * src/ref/quantize_ref.c, so that the bytes are the same. Where the plain search branches, lanes that do not follow keep what they have.
 * Included by quantize_avx2.c and quantize_avx512.c, which define LANES and a few operations that C has no name for:
 *   vi_clamp(x, low, high)     vf_root(x)     vf_where(mask, yes, no)     vf_most(x): the largest     vi_bits(mask): a bit for each lane     vi_any(mask)
 *   vi_first(mask): its first lane
 *   vf_iq4(x): the nearest table value     to_f16_row(src, n, dst)
 */
#include "quantize_blocks.h"

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int32_t vi __attribute__((vector_size(4 * LANES)));

#define LANE_INLINE static inline __attribute__((always_inline, unused))

LANE_INLINE vi vi_clamp(vi x, int low, int high);
LANE_INLINE vf vf_root(vf x);
LANE_INLINE uint32_t vi_bits(vi mask);
LANE_INLINE int vi_any(vi mask);
LANE_INLINE vf vf_iq4(vf x);
LANE_INLINE vf vf_where(vi mask, vf yes, vf no);
LANE_INLINE float vf_most(vf x);
LANE_INLINE int vi_first(vi mask);
static void to_f16_row(const float *src, int64_t n, uint16_t *dst);

LANE_INLINE vf vf_of(float x) { return x - (vf){0}; }
LANE_INLINE vf vf_float(vi x) { return __builtin_convertvector(x, vf); }
LANE_INLINE vf vf_magnitude(vf x) { return (vf)((vi)x & 0x7fffffff); }
LANE_INLINE vi vi_where(vi mask, vi yes, vi no) { return (vi)vf_where(mask, (vf)yes, (vf)no); }
LANE_INLINE vi vi_nearest(vf x) { return ((vi)(x + 12582912.0f) & 0x007fffff) - 0x00400000; }
LANE_INLINE vf vf_level(vf x, int low, int high) { return vf_float(vi_clamp(vi_nearest(x), low, high)); }

/* Value i of each lane's sub-block, its weight, and the sums of the weights. */
typedef struct lanes {
  vf x[32], w[32], w_sum;
} lanes;

/* ---- into lanes ------------------------------------------------------------------------------------------------------ */

/* Sub-blocks first .. first + LANES of the n values each at src; past the last the last one again. */
LANE_INLINE void lanes_load(const float *src, int64_t first, int64_t count, int n, vf *x) {
  float *out = (float *)x;
  for (int lane = 0; lane < LANES; lane++) {
    const int64_t block = first + lane < count ? first + lane : count - 1;
    for (int i = 0; i < n; i++) out[i * LANES + lane] = src[block * n + i];
  }
}
/* The same of a row's importance, which all rows share. */
LANE_INLINE void lanes_load_importance(const float *importance, int64_t width, int64_t first, int64_t count, int n, vf *x) {
  float *out = (float *)x;
  for (int lane = 0; lane < LANES; lane++) {
    const int64_t block = first + lane < count ? first + lane : count - 1;
    const float *row = importance + block * n % width;
    for (int i = 0; i < n; i++) out[i * LANES + lane] = row[i];
  }
}

/* spread: of each lane, GK_WEIGH_SPREAD only. w holds the importance where the weighting needs it. */
LANE_INLINE void lanes_weigh(lanes *l, gk_weighting how, int n, vf spread) {
  if (how == GK_WEIGH_ROOT_PLUS) {
    vf sum = {0};
    for (int i = 0; i < n; i++) sum += l->x[i] * l->x[i];
    spread = vf_root(sum / (float)n);
  }
  vf sum = {0};
  for (int i = 0; i < n; i++) {
    const vf x = l->x[i];
    switch (how) {
      case GK_WEIGH_SQUARE: l->w[i] = x * x; break;
      case GK_WEIGH_MAGNITUDE: l->w[i] = vf_magnitude(x); break;
      case GK_WEIGH_ROOT_PLUS: l->w[i] = spread + vf_magnitude(x); break;
      case GK_WEIGH_IMPORTANCE: break;
      default: l->w[i] = l->w[i] * vf_root(spread + x * x); break;
    }
    sum += l->w[i];
  }
  l->w_sum = sum;
}

LANE_INLINE vf lanes_signed_peak(const vf *x, int n) {
  vf magnitude = {0}, peak = {0};
  for (int i = 0; i < n; i++) {
    const vf m = vf_magnitude(x[i]);
    const vi more = m > magnitude;
    magnitude = vf_where(more, m, magnitude);
    peak = vf_where(more, x[i], peak);
  }
  return peak;
}

/* ---- searches: fit_* of quantize_ref.c, which has the comments --------------------------------------------------------- */

typedef struct lanes_fit {
  vf scale, min, inverse, origin;
} lanes_fit;

LANE_INLINE lanes_fit lanes_fit_symmetric(const lanes *l, int n, int peak) {
  const vf top = lanes_signed_peak(l->x, n);
  const vi live = vf_magnitude(top) >= 1e-15f;
  lanes_fit f = {{0}, {0}, {0}, {0}};
  vf best = {0};
  for (int turn = 0; turn < 19; turn++) {
    const int step = turn == 0 ? 0 : turn <= 9 ? turn - 10 : turn - 9;
    const float numerator = step == 0 ? (float)-peak : -((float)peak + 0.1f * (float)step);
    const vf inverse = numerator / top;
    vf xl = {0}, ll = {0};
    for (int i = 0; i < n; i++) {
      const vf level = vf_level(inverse * l->x[i], -peak, peak - 1);
      xl += l->w[i] * l->x[i] * level;
      ll += l->w[i] * level * level;
    }
    const vi better = turn == 0 ? live : live & (ll > 0) & (xl * xl > best * ll);
    const vf scale = vf_where(ll != 0, xl / ll, (vf){0});
    f.scale = vf_where(better, scale, f.scale);
    f.inverse = vf_where(better, inverse, f.inverse);
    best = vf_where(better, scale * xl, best);
  }
  return f;
}

/* levels [n] out. */
LANE_INLINE vf lanes_fit_descent(const lanes *l, int n, int peak, vi *levels) {
  const vf top = lanes_signed_peak(l->x, n);
  const vi live = vf_magnitude(top) >= 1e-15f;
  const vf inverse = (float)-peak / top;
  vf level[32], xl = {0}, ll = {0};
  for (int i = 0; i < n; i++) {
    level[i] = vf_level(inverse * l->x[i], -peak, peak - 1);
    xl += l->w[i] * l->x[i] * level[i];
    ll += l->w[i] * level[i] * level[i];
  }
  vi active = live;
  for (int round = 0; round < 5 && vi_any(active); round++) {
    vi moved = {0};
    for (int i = 0; i < n; i++) {
      const vf w = l->w[i], x = l->x[i];
      vf xl_less = xl - w * x * level[i], ll_less = ll - w * level[i] * level[i];
      const vf now = vf_level(x * ll_less / xl_less, -peak, peak - 1);
      vi better = active & (xl_less > 0) & (now != level[i]);
      xl_less += w * x * now;
      ll_less += w * now * now;
      better &= (ll_less > 0) & (xl_less * xl_less * ll > xl * xl * ll_less);
      level[i] = vf_where(better, now, level[i]);
      xl = vf_where(better, xl_less, xl);
      ll = vf_where(better, ll_less, ll);
      moved |= better;
    }
    active &= moved;   /* a lane without a move is done */
  }
  for (int i = 0; i < n; i++) levels[i] = live & (__builtin_convertvector(level[i], vi) + peak);
  return vf_where(live & (ll > 0), xl / ll, (vf){0});
}

LANE_INLINE lanes_fit lanes_fit_with_min(const lanes *l, int n, int high, float first, float delta, int steps, int absolute) {
  vf min = l->x[0], max = l->x[0], x_sum = l->w[0] * l->x[0], w_sum = l->w[0];
  for (int i = 1; i < n; i++) {
    min = vf_where(l->x[i] < min, l->x[i], min);
    max = vf_where(l->x[i] > max, l->x[i], max);
    w_sum += l->w[i];
    x_sum += l->w[i] * l->x[i];
  }
  min = vf_where(min > 0, (vf){0}, min);
  const vi live = max != min;
  lanes_fit f;
  f.inverse = vf_where(live, (float)high / (max - min), (vf){0});
  f.origin = vf_where(live, min, (vf){0});
  f.scale = vf_where(live, 1 / f.inverse, (vf){0});
  vf best = {0};
  for (int i = 0; i < n; i++) {
    vf off = f.scale * vf_level(f.inverse * (l->x[i] - min), 0, high) + min - l->x[i];
    off = absolute ? vf_magnitude(off) : off * off;
    best += l->w[i] * off;
  }
  for (int step = 0; step <= steps; step++) {
    const vf inverse = (first + delta * (float)step + (float)high) / (max - min);
    vf level[32], s = {0}, ss = {0}, xs = {0};
    for (int i = 0; i < n; i++) {
      level[i] = vf_level(inverse * (l->x[i] - min), 0, high);
      const vf weighted = l->w[i] * level[i];
      s += weighted;
      ss += weighted * level[i];
      xs += weighted * l->x[i];
    }
    const vf determinant = w_sum * ss - s * s;
    const vi possible = live & (determinant > 0);
    if (!vi_any(possible)) continue;
    vf scale = (w_sum * xs - x_sum * s) / determinant, low = (ss * x_sum - s * xs) / determinant;
    const vi above = low > 0;
    scale = vf_where(above, xs / ss, scale);
    low = vf_where(above, (vf){0}, low);
    vf error = {0};
    for (int i = 0; i < n; i++) {
      vf off = scale * level[i] + low - l->x[i];
      off = absolute ? vf_magnitude(off) : off * off;
      error += l->w[i] * off;
    }
    const vi better = possible & (error < best);
    best = vf_where(better, error, best);
    f.scale = vf_where(better, scale, f.scale);
    f.inverse = vf_where(better, inverse, f.inverse);
    f.origin = vf_where(better, min, f.origin);
    min = vf_where(better, low, min);
  }
  f.min = -min;
  return f;
}

LANE_INLINE vf lanes_fit_table(const lanes *l) {
  const vf top = lanes_signed_peak(l->x, 32);
  const vi live = vf_magnitude(top) >= 1e-15f;
  vf scale = {0}, best = {0};
  for (int turn = 0; turn < 16; turn++) {
    const vf inverse = turn == 0 ? 1 / (-top / (float)gk_iq4_values[0]) : (float)(turn - 8 + gk_iq4_values[0]) / top;
    vf xq = {0}, qq = {0};
    for (int i = 0; i < 32; i++) {
      const vf q = vf_iq4(inverse * l->x[i]), weighted = l->w[i] * q;
      xq += weighted * l->x[i];
      qq += weighted * q;
    }
    const vi better = turn == 0 ? live : live & (qq > 0) & (xq * xq > best * qq);
    const vf fitted = vf_where(qq > 0, xq / qq, (vf){0});
    scale = vf_where(better, fitted, scale);
    best = vf_where(better, fitted * xq, best);
  }
  return scale;
}

/* ---- out of lanes ------------------------------------------------------------------------------------------------------ */

/* Lane by lane into the fits of the super-blocks, per of them in each. */
LANE_INLINE void lanes_put(vf value, int64_t first, int64_t count, int per, gk_fits *fits, size_t member) {
  for (int lane = 0; lane < LANES && first + lane < count; lane++) {
    float *of = (float *)((char *)&fits[(first + lane) / per] + member);
    of[(first + lane) % per] = value[lane];
  }
}
#define LANES_PUT(value, name) lanes_put(value, first, count, per, fits, offsetof(gk_fits, name))

/* ---- types ------------------------------------------------------------------------------------------------------------ */

/* Mean squares of runs of n values times factor, in the plain order of addition; four runs at a time, since each sum waits for itself. */
static void spreads(const float *src, int64_t runs, int64_t n, float factor, int divide, float *out) {
  for (int64_t r = 0; r < runs; r += 4) {
    float sum[4] = {0, 0, 0, 0};
    const float *at[4];
    for (int k = 0; k < 4; k++) at[k] = src + (r + k < runs ? r + k : runs - 1) * n;
    for (int64_t i = 0; i < n; i++)
      for (int k = 0; k < 4; k++) sum[k] += at[k][i] * at[k][i];
    for (int k = 0; k < 4 && r + k < runs; k++) out[r + k] = divide ? factor * sum[k] / (float)n : sum[k] * factor;
  }
}

enum { SUPERS_AT_ONCE = 16 };

typedef enum search_kind { SEARCH_MIN, SEARCH_SYMMETRIC, SEARCH_DESCENT, SEARCH_TABLE } search_kind;
typedef struct search {
  search_kind kind;
  int sub_block, high;               /* high: levels to, or half of them */
  gk_weighting plain, weighted;
  float first, delta;
  int steps, absolute;
  float spread_factor;
  int spread_divides;                /* factor * sum / n, or sum * (factor / n) */
} search;

/* Fits of `supers` super-blocks that follow each other in memory, the first of them at column `column` of a row. */
LANE_INLINE void fit_supers(const search how, const float *src, int64_t supers, const float *importance, int64_t width, int64_t column, gk_fits *fits) {
  const int per = GK_SUPER / how.sub_block;
  const int64_t count = supers * per;
  float spread[SUPERS_AT_ONCE];
  if (importance && how.weighted == GK_WEIGH_SPREAD) spreads(src, supers, GK_SUPER, how.spread_divides ? how.spread_factor : how.spread_factor / GK_SUPER, how.spread_divides, spread);
  for (int64_t first = 0; first < count; first += LANES) {
    lanes l;
    vf of_lane = {0};
    lanes_load(src, first, count, how.sub_block, l.x);
    if (importance) {
      const int64_t skipped = column / how.sub_block;
      lanes_load_importance(importance, width, first + skipped, count + skipped, how.sub_block, l.w);
      for (int lane = 0; how.weighted == GK_WEIGH_SPREAD && lane < LANES; lane++) of_lane[lane] = spread[gk_min_i64(first + lane, count - 1) / per];
    }
    lanes_weigh(&l, importance ? how.weighted : how.plain, how.sub_block, of_lane);
    if (how.kind == SEARCH_MIN) {
      const lanes_fit f = importance ? lanes_fit_with_min(&l, how.sub_block, how.high, -0.9f, 0.05f, 36, 0)
                                     : lanes_fit_with_min(&l, how.sub_block, how.high, how.first, how.delta, how.steps, how.absolute);
      LANES_PUT(f.scale, scale);
      LANES_PUT(f.min, min);
      LANES_PUT(f.inverse, inverse);
      LANES_PUT(f.origin, origin);
      LANES_PUT(l.w_sum, weight);
    } else if (how.kind == SEARCH_TABLE) {
      const vf scale = lanes_fit_table(&l);
      LANES_PUT(scale, scale);
    } else if (how.kind == SEARCH_DESCENT && !importance) {
      vi levels[32];
      const vf scale = lanes_fit_descent(&l, how.sub_block, how.high, levels);
      LANES_PUT(scale, scale);
      for (int lane = 0; lane < LANES && first + lane < count; lane++)
        for (int i = 0; i < how.sub_block; i++) fits[(first + lane) / per].levels[(first + lane) % per * how.sub_block + i] = (uint8_t)levels[i][lane];
    } else {
      const lanes_fit f = lanes_fit_symmetric(&l, how.sub_block, how.high);
      LANES_PUT(f.scale, scale);
      LANES_PUT(f.inverse, inverse);
      LANES_PUT(l.w_sum, weight);
    }
  }
}

/* The symmetric search over a super-block's 16 scales, one lane after the other of one vector's worth; plain. */
static float fit_scales(const float *x, const float *w, int n, int peak, uint8_t *levels);

#define SUPER_BLOCKS(name, how_, finish)                                                                                          \
  static void to_##name(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {                     \
    static const search how = how_;                                                                                              \
    gk_block_##name *blocks = dst;                                                                                               \
    gk_fits fits[SUPERS_AT_ONCE];                                                                                                \
    const int64_t all = rows * width / GK_SUPER;                                                                                 \
    for (int64_t at = 0; at < all; at += SUPERS_AT_ONCE) {                                                                       \
      const int64_t supers = gk_min_i64(SUPERS_AT_ONCE, all - at);                                                               \
      fit_supers(how, src + at * GK_SUPER, supers, importance, width, at * GK_SUPER % width, fits);                              \
      for (int64_t i = 0; i < supers; i++) {                                                                                     \
        const float *x = src + (at + i) * GK_SUPER;                                                                              \
        gk_block_##name *block = blocks + at + i;                                                                                \
        const gk_fits *fit = fits + i;                                                                                           \
        finish;                                                                                                                  \
      }                                                                                                                          \
    }                                                                                                                            \
  }
#define ARGS(...) {__VA_ARGS__}

SUPER_BLOCKS(q2_K, ARGS(SEARCH_MIN, 16, 3, GK_WEIGH_MAGNITUDE, GK_WEIGH_SPREAD, -0.5f, 0.1f, 15, 1, 1, 1), gk_finish_q2_K(x, fit, importance != NULL, block))
SUPER_BLOCKS(q3_K, ARGS(SEARCH_DESCENT, 16, 4, GK_WEIGH_SQUARE, GK_WEIGH_SPREAD, 0, 0, 0, 0, 2, 1), gk_finish_q3_K(x, fit, importance ? fit_scales : NULL, block))
SUPER_BLOCKS(q4_K, ARGS(SEARCH_MIN, 32, 15, GK_WEIGH_ROOT_PLUS, GK_WEIGH_SPREAD, -1.0f, 0.1f, 20, 0, 2, 1), gk_finish_q4_K(x, fit, importance != NULL, block))
SUPER_BLOCKS(q5_K, ARGS(SEARCH_MIN, 32, 31, GK_WEIGH_ROOT_PLUS, GK_WEIGH_SPREAD, -0.5f, 0.1f, 15, 0, 2, 1), gk_finish_q5_K(x, fit, importance != NULL, block))
SUPER_BLOCKS(q6_K, ARGS(SEARCH_SYMMETRIC, 16, 32, GK_WEIGH_SQUARE, GK_WEIGH_IMPORTANCE, 0, 0, 0, 0, 0, 0), gk_finish_q6_K(x, fit, block))
SUPER_BLOCKS(iq4_xs, ARGS(SEARCH_TABLE, 32, 0, GK_WEIGH_SQUARE, GK_WEIGH_SPREAD, 0, 0, 0, 0, 2, 0), gk_finish_iq4_xs(x, fit, block))

/* Lanes are steps of the search here, not sub-blocks: the first one, then all others at once, then the best of them in their order. */
static float fit_scales(const float *x, const float *w, int n, int peak, uint8_t *levels) {
  const float top = gk_signed_peak(x, n);
  float scale = 0, inverse = 0, best = 0;
  for (int begin = 0; fabsf(top) >= 1e-15f && begin < 19; begin += LANES) {
    vf tried = {0}, xl = {0}, ll = {0};
    for (int lane = 0; lane < LANES; lane++) {
      const int turn = gk_clamp(begin + lane, 0, 18), step = turn == 0 ? 0 : turn <= 9 ? turn - 10 : turn - 9;
      tried[lane] = (step == 0 ? (float)-peak : -((float)peak + 0.1f * (float)step)) / top;
    }
    for (int i = 0; i < n; i++) {
      const vf level = vf_level(tried * x[i], -peak, peak - 1);
      xl += w[i] * x[i] * level;
      ll += w[i] * level * level;
    }
    for (int lane = 0; lane < LANES && begin + lane < 19; lane++) {
      if (begin + lane != 0 && !(ll[lane] > 0 && xl[lane] * xl[lane] > best * ll[lane])) continue;
      scale = ll[lane] != 0 ? xl[lane] / ll[lane] : 0;
      inverse = tried[lane];
      best = scale * xl[lane];
    }
  }
  gk_fit_levels_symmetric(x, n, inverse, peak, levels);
  return scale;
}

/* ---- blocks of 32 whose values lie along a vector: no search ------------------------------------------------------------- */

enum { RUN = 32 / LANES };
typedef int8_t vb __attribute__((vector_size(LANES)));

LANE_INLINE vf vf_load(const float *x) {
  vf value;
  memcpy(&value, x, sizeof value);
  return value;
}
LANE_INLINE void vi_put_bytes(vi x, void *bytes) {
  const vb narrow = __builtin_convertvector(x, vb);
  memcpy(bytes, &narrow, sizeof narrow);
}
/* The value of largest magnitude, the first of them where several are. */
LANE_INLINE float block_peak(const float *x) {
  vf most = vf_magnitude(vf_load(x));
  for (int r = 1; r < RUN; r++) {
    const vf value = vf_magnitude(vf_load(x + r * LANES));
    most = vf_where(value > most, value, most);
  }
  const vf peak = vf_of(vf_most(most));
  uint32_t equal = 0;
  for (int r = 0; r < RUN; r++) equal |= vi_bits(vf_magnitude(vf_load(x + r * LANES)) == peak) << r * LANES;
  return x[__builtin_ctz(equal | 1u << 31)];
}
/* The largest value times sign; where that is a zero, the one of both zeros that a loop meets first. */
LANE_INLINE float block_extreme(const float *x, float sign) {
  vf most = vf_load(x) * sign;
  for (int r = 1; r < RUN; r++) {
    const vf value = vf_load(x + r * LANES) * sign;
    most = vf_where(value > most, value, most);
  }
  const float extreme = vf_most(most) * sign;
  for (int i = 0; extreme == 0 && i < 32; i++)
    if (x[i] == 0) return x[i];
  return extreme;
}

LANE_INLINE float plain_symmetric(const float *x, int bits, vi *levels) {
  const int peak = 1 << (bits - 1);
  const float top = block_peak(x), d = top / (float)-peak, inverse = d != 0 ? 1 / d : 0;
  for (int r = 0; r < RUN; r++) {
    const vi level = __builtin_convertvector(vf_load(x + r * LANES) * inverse + ((float)peak + 0.5f), vi);
    levels[r] = vi_clamp(level << 24 >> 24, -128, 2 * peak - 1);
  }
  return d;
}
LANE_INLINE float plain_with_min(const float *x, int bits, float *min, vi *levels) {
  const int high = (1 << bits) - 1;
  const float low = block_extreme(x, -1), top = block_extreme(x, 1), d = (top - low) / (float)high, inverse = d != 0 ? 1 / d : 0;
  for (int r = 0; r < RUN; r++) levels[r] = vi_clamp(__builtin_convertvector((vf_load(x + r * LANES) - low) * inverse + 0.5f, vi), INT32_MIN, high);
  *min = low;
  return d;
}
LANE_INLINE void put_nibbles(const vi *levels, uint8_t *qs) {
  for (int r = 0; r < RUN / 2; r++) vi_put_bytes((levels[r] & 15) | levels[r + RUN / 2] << 4, qs + r * LANES);
}
LANE_INLINE void put_fifth(const vi *levels, uint8_t *qh) {
  uint32_t bits = 0;
  for (int r = 0; r < RUN; r++) bits |= vi_bits((levels[r] & 16) != 0) << r * LANES;
  memcpy(qh, &bits, sizeof bits);
}
/* Halves away from zero: the largest float below a half is added, then cut. */
LANE_INLINE void block_to_q8_0(const float *x, gk_block_q8_0 *block) {
  vf most = {0};
  for (int r = 0; r < RUN; r++) {
    const vf value = vf_magnitude(vf_load(x + r * LANES));
    most = vf_where(value > most, value, most);
  }
  const float d = vf_most(most) / 127.0f, inverse = d != 0 ? 1.0f / d : 0.0f;
  block->d = GK_TO_F16(d);
  for (int r = 0; r < RUN; r++) {
    const vf scaled = vf_load(x + r * LANES) * inverse;
    const vf half = (vf)(((vi)scaled & INT32_MIN) | (vi)vf_of(0x1.fffffep-2f));
    vi_put_bytes(__builtin_convertvector(scaled + half, vi), block->qs + r * LANES);
  }
}

/* Blocks of 32 under importance. The mean square is a row's (iq4_nl: a block's). */
LANE_INLINE void fit_blocks(search_kind kind, int high, const float *src, int64_t first, int64_t count, const float *importance, int64_t width, const float *spread, gk_fits *out) {
  lanes l;
  vf of_lane = {0};
  lanes_load(src, first, count, 32, l.x);
  if (importance) {
    lanes_load_importance(importance, width, first, count, 32, l.w);
    for (int lane = 0; lane < LANES; lane++) of_lane[lane] = spread[gk_min_i64(first + lane, count - 1) - first];
  }
  lanes_weigh(&l, importance ? GK_WEIGH_SPREAD : GK_WEIGH_SQUARE, 32, of_lane);
  lanes_fit f = {{0}, {0}, {0}, {0}};
  if (kind == SEARCH_TABLE) f.scale = lanes_fit_table(&l);
  else if (kind == SEARCH_MIN) f = lanes_fit_with_min(&l, 32, high, -0.9f, 0.05f, 36, 0);
  else f = lanes_fit_symmetric(&l, 32, high);
  memcpy(out->scale, &f.scale, sizeof f.scale);
  memcpy(out->min, &f.min, sizeof f.min);
  memcpy(out->inverse, &f.inverse, sizeof f.inverse);
  memcpy(out->origin, &f.origin, sizeof f.origin);
}

#define PLAIN_BLOCKS(name, kind, high, plain, put)                                                                                \
  static void to_##name(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {                     \
    gk_block_##name *block = dst;                                                                                                \
    const int64_t count = rows * width / 32;                                                                                     \
    if (!importance) {                                                                                                           \
      for (int64_t i = 0; i < count; i++, block++) {                                                                             \
        const float *x = src + 32 * i;                                                                                           \
        vi levels[RUN];                                                                                                          \
        plain;                                                                                                                   \
      }                                                                                                                          \
      return;                                                                                                                    \
    }                                                                                                                            \
    int64_t row = -1;                                                                                                            \
    float of_row = 0;                                                                                                            \
    for (int64_t first = 0; first < count; first += LANES) {                                                                     \
      float spread[LANES];                                                                                                       \
      for (int lane = 0; lane < LANES && first + lane < count; lane++) {                                                         \
        if ((first + lane) * 32 / width != row) {                                                                                \
          row = (first + lane) * 32 / width;                                                                                     \
          spreads(src + row * width, 1, width, 1, 1, &of_row);                                                                   \
        }                                                                                                                        \
        spread[lane] = of_row;                                                                                                   \
      }                                                                                                                          \
      gk_fits f;                                                                                                                 \
      fit_blocks(kind, high, src, first, count, importance, width, spread, &f);                                                  \
      for (int lane = 0; lane < LANES && first + lane < count; lane++, block++) {                                                \
        const float *x = src + (first + lane) * 32;                                                                              \
        uint8_t levels[32];                                                                                                      \
        put;                                                                                                                     \
      }                                                                                                                          \
    }                                                                                                                            \
  }
#define SYMMETRIC_BLOCKS(name, bits, high_bits)                                                                                              \
  PLAIN_BLOCKS(name, SEARCH_SYMMETRIC, 1 << (bits - 1), block->d = GK_TO_F16(plain_symmetric(x, bits, levels)); put_nibbles(levels, block->qs); high_bits, \
               gk_fit_levels_symmetric(x, 32, f.inverse[lane], 1 << (bits - 1), levels); gk_put_##name(levels, f.scale[lane], block))
#define BLOCKS_WITH_MIN(name, bits, high_bits)                                                                                               \
  PLAIN_BLOCKS(name, SEARCH_MIN, (1 << bits) - 1, float m; block->d = GK_TO_F16(plain_with_min(x, bits, &m, levels)); block->m = GK_TO_F16(m); put_nibbles(levels, block->qs); high_bits, \
               gk_fit_levels(x, 32, f.inverse[lane], f.origin[lane], (1 << bits) - 1, levels); gk_put_##name(levels, f.scale[lane], -f.min[lane], block))
SYMMETRIC_BLOCKS(q4_0, 4, )
SYMMETRIC_BLOCKS(q5_0, 5, put_fifth(levels, block->qh))
BLOCKS_WITH_MIN(q4_1, 4, )
BLOCKS_WITH_MIN(q5_1, 5, put_fifth(levels, block->qh))

static void to_iq4_nl(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  gk_block_iq4_nl *block = dst;
  const int64_t count = rows * width / 32;
  for (int64_t first = 0; first < count; first += LANES) {
    float spread[LANES];
    const int64_t here = gk_min_i64(LANES, count - first);
    if (importance) spreads(src + first * 32, here, 32, 2.0f / 32, 0, spread);
    gk_fits f;
    fit_blocks(SEARCH_TABLE, 0, src, first, count, importance, width, spread, &f);
    for (int lane = 0; lane < here; lane++, block++) gk_finish_iq4_nl(src + (first + lane) * 32, f.scale[lane], block);
  }
}

static void to_f32(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  memcpy(dst, src, (size_t)(rows * width) * sizeof *src);
}

static void to_f16(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  to_f16_row(src, rows * width, dst);
}

static void to_bf16(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  uint16_t *restrict words = dst;
  for (int64_t i = 0; i < rows * width; i++) {   /* gk_f32_to_bf16, which the compiler can put into vectors here */
    uint32_t bits;
    memcpy(&bits, src + i, sizeof bits);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16, quiet = bits >> 16 | 64u;
    words[i] = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
  }
}

static void to_q8_0(const float *src, int64_t rows, int64_t width, const float *importance, void *dst) {
  (void)importance;
  for (int64_t i = 0; i < rows * width / GK_BLOCK; i++) block_to_q8_0(src + i * GK_BLOCK, (gk_block_q8_0 *)dst + i);
}

const gk_quantize_fn TABLE[GK_TYPE_LIMIT] = {
    [GK_F32] = to_f32,   [GK_F16] = to_f16,   [GK_BF16] = to_bf16, [GK_Q8_0] = to_q8_0, [GK_Q4_0] = to_q4_0,
    [GK_Q4_1] = to_q4_1, [GK_Q5_0] = to_q5_0, [GK_Q5_1] = to_q5_1, [GK_Q2_K] = to_q2_K, [GK_Q3_K] = to_q3_K,
    [GK_Q4_K] = to_q4_K, [GK_Q5_K] = to_q5_K, [GK_Q6_K] = to_q6_K, [GK_IQ4_NL] = to_iq4_nl, [GK_IQ4_XS] = to_iq4_xs,
};
