/* Attention: the choice of kernels, and the lists of tiles that they work through. docs/attention.md */
#include "attention.h"

#include <algorithm>
#include <vector>

static gk_status check_shape(const gk_attention *a) {
  if (a->head_width < 1 || a->head_width > 256) return gk_cuda_fail(GK_UNSUPPORTED, "cuda: attention has heads of width 1 to 256, not %d", (int)a->head_width);
  return GK_OK;
}
template <typename... A> static bool on_tensor_cores(const gk_attention *a, A... acts) {
  return gk_acts_are(GK_BF16, acts...) && gk_cuda_attention_has_bf16(a->head_width) && a->scale > 0 && (gk_aligned(acts.data, 16) && ...);
}
template <typename... A> static bool of_one_type(gk_act first, A... others) { return gk_acts_are(first.type, others...); }

gk_status gk_attention_fwd_cuda(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, float *lse) {
  GK_TRY(check_shape(a));
  if (!of_one_type(q, k, v, out)) return gk_acts_mixed("attention_fwd");
  return (on_tensor_cores(a, q, k, v, out) ? gk_cuda_attention_fwd_bf16 : gk_cuda_attention_fwd_f32)(b, a, q, k, v, out, lse);
}

gk_status gk_attention_bwd_cuda(gk_backend *b, const gk_attention *a, gk_act q, gk_act k, gk_act v, gk_act out, const float *lse, gk_act dout, gk_act dq, gk_act dk, gk_act dv) {
  GK_TRY(check_shape(a));
  if (!of_one_type(q, k, v, out, dout, dq, dk, dv)) return gk_acts_mixed("attention_bwd");
  return (on_tensor_cores(a, q, k, v, out, dout, dq, dk, dv) ? gk_cuda_attention_bwd_bf16 : gk_cuda_attention_bwd_f32)(b, a, q, k, v, out, lse, dout, dq, dk, dv);
}

/* A run of key rows that one segment sees. */
struct run {
  int32_t begin, end;
  attention_viewer viewer;
};

static std::vector<run> runs_of(const gk_attention *a) {
  std::vector<run> runs;
  for (int32_t i = 0; i < a->n_segments; i++) {
    const gk_segment &s = a->segments[i];
    if (s.q_count <= 0) continue;
    if (s.prefix_count > 0) runs.push_back({s.prefix_begin, s.prefix_begin + s.prefix_count, {s.q_begin, s.q_count, INT32_MAX}});
    if (s.k_count > 0) runs.push_back({s.k_begin, s.k_begin + s.k_count, {s.q_begin, s.q_count, s.k_begin + s.k_count - s.q_count}});
  }
  return runs;
}

/* Heaviest first; equal ones stay in order. */
template <typename T> static void sort_by_weight(std::vector<std::pair<int64_t, T>> &list) {
  std::stable_sort(list.begin(), list.end(), [](const std::pair<int64_t, T> &x, const std::pair<int64_t, T> &y) { return x.first > y.first; });
}

/* Key rows are cut wherever a run begins or ends. Between two cuts all rows have the same viewers, and tiles do not cross cuts, so that each row is in
 * one tile. n segments have at most 4n cuts. */
static void key_tiles_of(const std::vector<run> &runs, int32_t key_rows, std::vector<std::pair<int64_t, attention_key_tile>> &tiles, std::vector<attention_viewer> &viewers) {
  std::vector<int32_t> cuts;
  for (const run &r : runs) cuts.push_back(r.begin), cuts.push_back(r.end);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  const auto place = [&](int32_t row) { return size_t(std::lower_bound(cuts.begin(), cuts.end(), row) - cuts.begin()); };
  std::vector<int32_t> first(cuts.size() + 1, 0);   /* of each piece cuts[c] .. cuts[c + 1] - 1 */
  for (const run &r : runs)
    for (size_t c = place(r.begin), end = place(r.end); c < end; c++) first[c + 1]++;
  for (size_t c = 0; c + 1 < first.size(); c++) first[c + 1] += first[c];
  viewers.resize(size_t(first.back()));
  std::vector<int32_t> next(first);
  for (const run &r : runs)
    for (size_t c = place(r.begin), end = place(r.end); c < end; c++) viewers[size_t(next[c]++)] = r.viewer;
  for (size_t c = 0; c + 1 < cuts.size(); c++) {
    const int32_t count = first[c + 1] - first[c];
    if (count == 0) continue;
    for (int32_t row = cuts[c]; row < cuts[c + 1]; row += key_rows) {
      int64_t weight = 0;
      for (int32_t i = first[c]; i < first[c + 1]; i++) {
        const attention_viewer &seen_by = viewers[size_t(i)];
        const int64_t from = (int64_t)row - seen_by.base;
        weight += seen_by.q_count - (from > 0 ? from : 0);
      }
      tiles.push_back({weight, {row, std::min(key_rows, cuts[c + 1] - row), first[c], count}});
    }
  }
  sort_by_weight(tiles);
}

gk_status gk_cuda_attention_work(gk_backend *b, const gk_attention *a, int32_t query_rows, int32_t key_rows, attention_work *w) {
  *w = attention_work();
  w->q_begin = w->k_begin = INT32_MAX;
  const std::vector<run> runs = runs_of(a);
  for (const run &r : runs) {
    w->k_begin = std::min<int64_t>(w->k_begin, r.begin);
    w->k_end = std::max<int64_t>(w->k_end, r.end);
  }
  std::vector<std::pair<int64_t, attention_query_tile>> queries;
  for (int32_t n = 0; n < a->n_segments; n++) {
    const gk_segment &s = a->segments[n];
    if (s.q_count <= 0) continue;
    w->q_begin = std::min<int64_t>(w->q_begin, s.q_begin);
    w->q_end = std::max<int64_t>(w->q_end, (int64_t)s.q_begin + s.q_count);
    for (int32_t i = 0; i < s.q_count; i += query_rows) {
      const int32_t rows = std::min(query_rows, s.q_count - i), own = s.k_count - s.q_count + 1 + i;
      queries.push_back({(int64_t)s.prefix_count + own + rows, {s.q_begin + i, rows, s.prefix_begin, s.prefix_count, s.k_begin, own}});
    }
  }
  w->q_begin = std::min(w->q_begin, w->q_end);
  w->k_begin = std::min(w->k_begin, w->k_end);
  sort_by_weight(queries);
  std::vector<std::pair<int64_t, attention_key_tile>> keys;
  std::vector<attention_viewer> viewers;
  if (key_rows > 0 && !runs.empty()) key_tiles_of(runs, key_rows, keys, viewers);

  std::vector<int32_t> all;
  const auto put = [&](const auto &item) {
    const int32_t *words = (const int32_t *)&item;
    all.insert(all.end(), words, words + sizeof item / sizeof *words);
  };
  for (const auto &[weight, tile] : queries) put(tile);
  const size_t keys_at = all.size();
  for (const auto &[weight, tile] : keys) put(tile);
  const size_t viewers_at = all.size();
  for (const attention_viewer &viewer : viewers) put(viewer);
  if (all.empty()) return GK_OK;
  const int32_t *device = nullptr;
  GK_TRY(gk_cuda_stage_array(b, all.data(), (int64_t)all.size(), &device));
  w->query_tiles = (const attention_query_tile *)device;
  w->key_tiles = (const attention_key_tile *)(device + keys_at);
  w->viewers = (const attention_viewer *)(device + viewers_at);
  w->n_query_tiles = (int64_t)queries.size(), w->n_key_tiles = (int64_t)keys.size(), w->n_viewers = (int64_t)viewers.size();
  return GK_OK;
}
