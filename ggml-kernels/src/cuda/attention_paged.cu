/* Generation's attention, over keys and values in pages, computed in f32; q and out in f32 or bf16. docs/attention.md
 *
 * A sequence with one query row is decoded: its keys are cut into runs of 128, a block to each run and kv head, whose results are merged in order.
 * One with more rows goes by tiles of (position, head) pairs, like the CPU's. Which it is, and the cuts, depend on the sequence alone, so a row's result
 * does not depend on what else is in the batch. */
#include <algorithm>
#include <cfloat>
#include <vector>

#include "attention.h"
#include "attention_f32.cuh"
#include "pages.cuh"

/* Without a gap: a graph's arguments are compared by their bytes. */
struct paged_attention {
  gk_pages pages;
  int heads, rep;             /* rep = H / G: the query heads of a kv head */
  float scale;
  int32_t vector;             /* may pages be read by quads? */
  const int32_t *table;
  f32_act q, out;
  const void *k, *v;
};

/* Tokens begin .. begin + keys - 1 of a sequence, for the query row `row`; runs: how many its sequence has. */
struct decode_run {
  int32_t row, begin, keys, first_page, runs;
};
/* A sequence whose runs have to be merged: its results are numbers first .. first + runs - 1. */
struct decode_merge {
  int32_t row, first, runs;
};
/* Pairs first .. first + 8 R - 1 (as far as there are) of a sequence's q_count * rep; pair n is position n / rep and head n % rep of the kv head's. */
struct paged_tile {
  int32_t q_begin, q_count, k_count, first_page, first;
};

enum { DECODE_THREADS = 128, DECODE_KEYS = 128, WARP_KEYS = 32, TABLE_UNIT = 256 };

GK_DEVICE int64_t token_element(const paged_attention &a, int first_page, int token, int g) {
  return page_element(a.pages, a.table[first_page + token / a.pages.page_tokens], g, token % a.pages.page_tokens);
}

/* One run of keys, W of the heads of one kv head. Eight lanes share a key: lane l has quads l, l + 8, .. (U of them); a warp has 32 keys, four at a time.
 * All scores first, then their softmax, then the sums over values, so nothing is ever scaled anew.
 * Several runs: part [run, H, D] gets Σ p v and stats [run, H, 2] the maximum and Σ p; one run: the result itself. */
template <int type, int U, int W> GK_KERNEL(DECODE_THREADS) decode_kernel(paged_attention a, const decode_run *runs, int groups, float *part, float *stats) {
  GK_SHARED float p[W][DECODE_KEYS];
  GK_SHARED float top[W][2];
  GK_SHARED float4 sums[DECODE_THREADS / 32][W][8 * U];
  const int number = (int)(blockIdx.x / (a.pages.kv_heads * groups)), g = (int)(blockIdx.x / groups % a.pages.kv_heads), w0 = (int)(blockIdx.x % groups) * W;
  const decode_run run = runs[number];
  const int thread = (int)threadIdx.x, warp = thread / 32, lane = thread % 32, among = lane % 8, width = a.pages.head_width, quads = (width + 3) / 4;
  const int rows = a.rep - w0 < W ? a.rep - w0 : W;
  const int64_t first_head = (int64_t)run.row * a.heads + g * a.rep + w0;
  const int own = warp * WARP_KEYS + lane;
  const int64_t own_at = own < run.keys ? token_element(a, run.first_page, run.begin + own, g) : 0;

  {
    float4 q[W][U];
#pragma unroll
    for (int w = 0; w < W; w++)
#pragma unroll
      for (int u = 0; u < U; u++) q[w][u] = w < rows ? f32_get_4(a.q, (first_head + w) * width + 4 * (among + 8 * u), width - 4 * (among + 8 * u)) : make_float4(0, 0, 0, 0);
#pragma unroll 2
    for (int n = 0; n < WARP_KEYS; n += 4) {
      const int j = warp * WARP_KEYS + n + lane / 8;
      const int64_t at = shuffle_at(own_at, n + lane / 8);
      float s[W];
#pragma unroll
      for (int w = 0; w < W; w++) s[w] = 0;
      if (j < run.keys) {
#pragma unroll
        for (int u = 0; u < U; u++) {
          const float4 k = page_quad<type>(a.k, at, among + 8 * u, width, a.vector);
#pragma unroll
          for (int w = 0; w < W; w++) s[w] = fmaf(q[w][u].w, k.w, fmaf(q[w][u].z, k.z, fmaf(q[w][u].y, k.y, fmaf(q[w][u].x, k.x, s[w]))));
        }
      }
#pragma unroll
      for (int w = 0; w < W; w++) {
        s[w] += shuffle_xor(s[w], 1);
        s[w] += shuffle_xor(s[w], 2);
        s[w] += shuffle_xor(s[w], 4);
        if (among == w) p[w][j] = j < run.keys ? s[w] * a.scale : -INFINITY;
      }
    }
  }
  block_barrier();
  for (int w = warp; w < W; w += DECODE_THREADS / 32) {
    float s[DECODE_KEYS / 32], most = -FLT_MAX, sum = 0;
#pragma unroll
    for (int i = 0; i < DECODE_KEYS / 32; i++) s[i] = p[w][32 * i + lane], most = fmaxf(most, s[i]);
    for (int mask = 16; mask > 0; mask >>= 1) most = fmaxf(most, shuffle_xor(most, mask));   /* NaN comes back through expf */
#pragma unroll
    for (int i = 0; i < DECODE_KEYS / 32; i++) p[w][32 * i + lane] = s[i] = expf(s[i] - most), sum += s[i];
    sum = warp_sum(sum);
    if (lane == 0) top[w][0] = most, top[w][1] = sum;
  }
  block_barrier();
  float4 o[W][U];
  f32_clear<W, U>(o);
#pragma unroll 2
  for (int n = 0; n < WARP_KEYS; n += 4) {
    const int j = warp * WARP_KEYS + n + lane / 8;
    const int64_t at = shuffle_at(own_at, n + lane / 8);
    if (j >= run.keys) continue;
#pragma unroll
    for (int u = 0; u < U; u++) {
      const float4 v = page_quad<type>(a.v, at, among + 8 * u, width, a.vector);
#pragma unroll
      for (int w = 0; w < W; w++) fma4(o[w][u], p[w][j], v);
    }
  }
#pragma unroll
  for (int w = 0; w < W; w++)
#pragma unroll
    for (int u = 0; u < U; u++) {
      float4 x = o[w][u];
#pragma unroll
      for (int mask = 8; mask <= 16; mask *= 2) x.x += shuffle_xor(x.x, mask), x.y += shuffle_xor(x.y, mask), x.z += shuffle_xor(x.z, mask), x.w += shuffle_xor(x.w, mask);
      if (lane < 8) sums[warp][w][among + 8 * u] = x;
    }
  block_barrier();
  for (int i = thread; i < rows * quads; i += DECODE_THREADS) {
    const int w = i / quads, u = i % quads;
    float4 x = sums[0][w][u];
#pragma unroll
    for (int n = 1; n < DECODE_THREADS / 32; n++) fma4(x, 1.0f, sums[n][w][u]);
    const float inverse = run.runs == 1 ? 1.0f / top[w][1] : 1.0f;
    const f32_act to = run.runs == 1 ? a.out : f32_act{part, 0, 0};
    const int64_t to_at = (run.runs == 1 ? first_head + w : (int64_t)number * a.heads + g * a.rep + w0 + w) * width;
    const float v[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
    for (int c = 0; c < 4; c++)
      if (4 * u + c < width) f32_put(to, to_at + 4 * u + c, v[c] * inverse);
  }
  if (run.runs > 1 && thread < 2 * rows) stats[((int64_t)number * a.heads + g * a.rep + w0) * 2 + thread] = top[thread / 2][thread % 2];
}

/* A block to each sequence and head: out = Σ_runs e^(m - M) o / Σ_runs e^(m - M) l, in order. */
GK_KERNEL(DECODE_THREADS) decode_merge_kernel(const decode_merge *merges, int heads, int width, const float *part, const float *stats, f32_act out) {
  const decode_merge merge = merges[blockIdx.x / heads];
  const int head = (int)(blockIdx.x % heads);
  float most = -FLT_MAX, sum = 0;
  for (int n = 0; n < merge.runs; n++) most = fmaxf(most, stats[((int64_t)(merge.first + n) * heads + head) * 2]);
  for (int n = 0; n < merge.runs; n++) {
    const float *of = stats + ((int64_t)(merge.first + n) * heads + head) * 2;
    sum = fmaf(expf(of[0] - most), of[1], sum);
  }
  for (int d = (int)threadIdx.x; d < width; d += DECODE_THREADS) {
    float o = 0;
    for (int n = 0; n < merge.runs; n++) {
      const int64_t at = (int64_t)(merge.first + n) * heads + head;
      o = fmaf(expf(stats[2 * at] - most), part[at * width + d], o);
    }
    f32_put(out, ((int64_t)merge.row * heads + head) * width + d, o / sum);
  }
}

template <int R, int C, int N> GK_KERNEL(F32_THREADS) paged_tile_kernel(paged_attention a, f32_layout layout, const paged_tile *tiles) {
  GK_DYNAMIC_SHARED(room);
  const paged_tile t = tiles[blockIdx.x / a.pages.kv_heads];
  const int g = (int)(blockIdx.x % a.pages.kv_heads), pairs = t.q_count * a.rep, last = t.first + 8 * R < pairs ? t.first + 8 * R - 1 : pairs - 1;
  const auto seen = [&](int pair) { return t.k_count - t.q_count + pair / a.rep + 1; };
  const auto row_of = [&](int pair) { return (int64_t)(t.q_begin + pair / a.rep) * a.heads + g * a.rep + pair % a.rep; };
  float *q = (float *)room, *k = q + 8 * R * layout.pitch, *v = k + 16 * C * layout.pitch, *weights = v + 16 * C * layout.pitch;
  const int total = seen(last), lane = (int)threadIdx.x % 32;
  float s[R][C], most[R], sum[R];
  float4 o[R][N];
  int sees[R];
  f32_clear<R, N>(o);
#pragma unroll
  for (int r = 0; r < R; r++) {
    const int pair = t.first + f32_group() * R + r;
    most[r] = -FLT_MAX, sum[r] = 0, sees[r] = seen(pair < last ? pair : last);
  }
  f32_load(q, layout, 8 * R, a.q, [&](int r) { return t.first + r <= last ? row_of(t.first + r) * layout.width : (int64_t)-1; });
  for (int j0 = 0; j0 < total; j0 += 16 * C) {
    block_barrier();
    for (int r = (int)threadIdx.x / 32; r < 16 * C; r += F32_THREADS / 32) {
      const bool there = j0 + r < total;
      const int64_t at = there ? token_element(a, t.first_page, j0 + r, g) : 0;
      for (int u = lane; u < layout.quads; u += 32) {
        ((float4 *)(k + r * layout.pitch))[u] = there ? page_quad_of(a.pages.type, a.k, at, u, layout.width, a.vector) : make_float4(0, 0, 0, 0);
        ((float4 *)(v + r * layout.pitch))[u] = there ? page_quad_of(a.pages.type, a.v, at, u, layout.width, a.vector) : make_float4(0, 0, 0, 0);
      }
    }
    block_barrier();
    f32_products<R, C>(q, k, layout, s);
#pragma unroll
    for (int r = 0; r < R; r++)
#pragma unroll
      for (int c = 0; c < C; c++) s[r][c] = j0 + f32_place() + 16 * c < sees[r] ? s[r][c] * a.scale : -INFINITY;
    f32_softmax<R, C, N>(s, most, sum, o);
    warp_barrier();
    f32_put_weights<R, C>(weights, s);
    warp_barrier();
    f32_accumulate<R, C, N>(weights, v, layout, o);
  }
#pragma unroll
  for (int r = 0; r < R; r++) {
    const int pair = t.first + f32_group() * R + r;
    const float all = half_warp_sum(sum[r]);
    if (pair > last) continue;
    const int64_t at = row_of(pair) * layout.width;
    f32_each<N>(o[r], layout.width, [&](int column, float value) { f32_put(a.out, at + column, sees[r] > 0 ? value / all : 0.0f); });
  }
}

/* What the host makes of the segments; all of it, with the table, goes to the device at once. */
struct paged_work {
  std::vector<decode_run> runs;
  std::vector<decode_merge> merges;
  std::vector<paged_tile> tiles;
};

static paged_work work_of(const gk_paged_attention *a, int rows) {
  paged_work w;
  const int32_t rep = a->heads / a->pages.kv_heads;
  for (int32_t i = 0; i < a->n_segments; i++) {
    const gk_paged_segment &s = a->segments[i];
    if (s.q_count == 1 && s.k_count > 0) {
      const int32_t count = (s.k_count + DECODE_KEYS - 1) / DECODE_KEYS;
      if (count > 1) w.merges.push_back({s.q_begin, (int32_t)w.runs.size(), count});
      for (int32_t n = 0; n < count; n++) w.runs.push_back({s.q_begin, n * DECODE_KEYS, std::min<int32_t>(DECODE_KEYS, s.k_count - n * DECODE_KEYS), s.first_page, count});
    } else
      for (int32_t first = 0; first < s.q_count * rep; first += rows) w.tiles.push_back({s.q_begin, s.q_count, s.k_count, s.first_page, first});
  }
  std::stable_sort(w.tiles.begin(), w.tiles.end(),
                   [rep](const paged_tile &x, const paged_tile &y) { return x.k_count - x.q_count + x.first / rep > y.k_count - y.q_count + y.first / rep; });
  return w;
}

template <int type, int U, int W> static gk_status decode_by(gk_backend *b, const paged_attention &a, const decode_run *runs, size_t n, float *part, float *stats) {
  const int groups = (a.rep + W - 1) / W;
  return LAUNCH(b, (decode_kernel<type, U, W>), (unsigned)(n * (size_t)(a.pages.kv_heads * groups)), DECODE_THREADS, 0, a, runs, groups, part, stats);
}
/* Heads of one kv head are taken by fours: blocks of the same keys are neighbours, and find them in the L2 cache. */
template <int type, int U> static gk_status decode_of(gk_backend *b, const paged_attention &a, const decode_run *runs, size_t n, float *part, float *stats) {
  return a.rep == 1 ? decode_by<type, U, 1>(b, a, runs, n, part, stats) : decode_by<type, U, 4>(b, a, runs, n, part, stats);
}
template <int type> static gk_status decode(gk_backend *b, const paged_attention &a, const decode_run *runs, size_t n, float *part, float *stats) {
  const int width = a.pages.head_width;
  return width <= 64 ? decode_of<type, 2>(b, a, runs, n, part, stats) : width <= 128 ? decode_of<type, 4>(b, a, runs, n, part, stats) : decode_of<type, 8>(b, a, runs, n, part, stats);
}

template <int R, int C, int N> static gk_status tiles_by(gk_backend *b, const paged_attention &a, const paged_tile *tiles, size_t n) {
  const f32_layout layout = f32_layout_of(a.pages.head_width);
  const size_t shared = sizeof(float) * (size_t)((8 * R + 32 * C) * layout.pitch + 8 * R * f32_weight_pitch<C>());
  return LAUNCH(b, (paged_tile_kernel<R, C, N>), (unsigned)(n * (size_t)a.pages.kv_heads), F32_THREADS, shared, a, layout, tiles);
}
static gk_status launch_tiles(gk_backend *b, const paged_attention &a, const paged_tile *tiles, size_t n) {
  const int width = a.pages.head_width;
  return width <= 64 ? tiles_by<4, 2, 1>(b, a, tiles, n) : width <= 128 ? tiles_by<4, 2, 2>(b, a, tiles, n) : tiles_by<2, 1, 4>(b, a, tiles, n);
}
static gk_status launch_decode(gk_backend *b, const paged_attention &a, const decode_run *runs, size_t n, float *part, float *stats) {
  GK_BY_PAGE_TYPE(a.pages.type, decode, b, a, runs, n, part, stats)
}

gk_status gk_attention_paged_cuda(gk_backend *b, const gk_paged_attention *a, gk_act q, const void *k, const void *v, gk_act out) {
  GK_TRY(gk_cuda_pages_check(&a->pages));
  if (q.type != out.type) return gk_acts_mixed("attention_paged");
  const int32_t width = a->pages.head_width;
  if (width < 1 || width > 256) return gk_cuda_fail(GK_UNSUPPORTED, "cuda: attention has heads of width 1 to 256, not %d", (int)width);
  const paged_work w = work_of(a, width <= 128 ? 32 : 16);
  int64_t pages = 0;   /* of the table */
  for (int32_t i = 0; i < a->n_segments; i++) pages = std::max(pages, a->segments[i].first_page + gk_ceil_div(a->segments[i].k_count, a->pages.page_tokens));
  std::vector<int32_t> all(a->table, a->table + pages);
  all.resize((size_t)(gk_ceil_div(pages, TABLE_UNIT) * TABLE_UNIT));   /* so that a graph finds its arrays as long as before when a sequence begins a page */
  const auto put = [&](const auto &list) {
    const size_t at = all.size();
    const int32_t *words = (const int32_t *)list.data();
    if (!list.empty()) all.insert(all.end(), words, words + list.size() * sizeof list[0] / sizeof *words);
    return at;
  };
  const size_t runs_at = put(w.runs), merges_at = put(w.merges), tiles_at = put(w.tiles);
  if (w.runs.empty() && w.tiles.empty()) return GK_OK;
  const int32_t *device = nullptr;
  GK_TRY(gk_cuda_stage_array(b, all.data(), (int64_t)all.size(), &device));
  const bool vector = gk_cuda_pages_vector(&a->pages, k) && gk_cuda_pages_vector(&a->pages, v);
  const paged_attention on_device = {a->pages, a->heads, a->heads / a->pages.kv_heads, a->scale, vector, device, f32_act_of(q, width), f32_act_of(out, width), k, v};

  float *part = nullptr, *stats = nullptr;
  if (!w.merges.empty()) {
    const int64_t results = (int64_t)w.runs.size() * a->heads;
    part = (float *)gk_cuda_scratch_get(b, GK_CUDA_SCRATCH_PARTIAL, results * (width + 2) * (int64_t)sizeof(float));
    if (!part) return GK_OUT_OF_MEMORY;
    stats = part + results * width;
  }
  if (!w.tiles.empty()) GK_TRY(launch_tiles(b, on_device, (const paged_tile *)(device + tiles_at), w.tiles.size()));
  if (!w.runs.empty()) GK_TRY(launch_decode(b, on_device, (const decode_run *)(device + runs_at), w.runs.size(), part, stats));
  return LAUNCH(b, decode_merge_kernel, (unsigned)(w.merges.size() * (size_t)a->heads), DECODE_THREADS, 0, (const decode_merge *)(device + merges_at), a->heads, width, part, stats, on_device.out);
}
