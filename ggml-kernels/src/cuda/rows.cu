/* Moving rows of f32: gather and scatter. */
#include <algorithm>
#include <new>
#include <vector>

#include "packs.cuh"

template <int W> GK_KERNEL(GK_PACK_THREADS) gather_rows_kernel(const float *src, const int32_t *rows, int64_t n, int64_t width, int lanes, float *dst) {
  each_row_pack<W>(n, width, lanes, [=](int64_t i, int64_t c) { store_pack<W>(dst + i * width + c, load_pack<W>(src + rows[i] * width + c)); });
}

gk_status gk_gather_rows_cuda(gk_backend *b, const float *src, const int32_t *rows, int64_t n, int64_t width, float *dst) {
  const int32_t *at = nullptr;
  GK_TRY(gk_cuda_stage_array(b, rows, n, &at));
  const bool wide = width % 4 == 0 && gk_aligned(src, dst);
  const RowsGrid g = gk_rows_grid(b, n, width, wide);
  return LAUNCH_PACKS(b, wide, gather_rows_kernel, g.grid, GK_PACK_THREADS, 0, src, at, n, width, g.lanes, dst);
}

/* Row d of the `distinct` destinations is row into[d] of dst; what is added to it are rows order[first[d]] .. order[first[d + 1] - 1] of src,
 * one after the other: each sum has one owner and the order of the caller's list. */
template <int W>
GK_KERNEL(GK_PACK_THREADS) scatter_add_rows_kernel(const float *src, const int32_t *order, const int32_t *first, const int32_t *into, int64_t distinct, int64_t width, int lanes, float *dst) {
  each_row_pack<W>(distinct, width, lanes, [=](int64_t d, int64_t c) {
    float *to = dst + into[d] * width + c;
    Pack<W> sum = load_pack<W>(to);
    for (int32_t j = first[d]; j < first[d + 1]; j++) {
      const Pack<W> more = load_pack<W>(src + order[j] * width + c);
      for (int k = 0; k < W; k++) sum.v[k] += more.v[k];
    }
    store_pack<W>(to, sum);
  });
}

gk_status gk_scatter_add_rows_cuda(gk_backend *b, const float *src, const int32_t *rows, int64_t n, int64_t width, float *dst) {
  std::vector<int32_t> lists;   /* order [n], first [distinct + 1], into [distinct] */
  int64_t distinct = 0;
  try {
    std::vector<uint64_t> keys((size_t)n);
    for (int64_t i = 0; i < n; i++) keys[(size_t)i] = (uint64_t)(uint32_t)rows[i] << 32 | (uint32_t)i;
    if (!std::is_sorted(keys.begin(), keys.end())) std::sort(keys.begin(), keys.end());
    lists.resize((size_t)(3 * n + 1));
    int32_t *first = lists.data() + n, *into = first + n + 1;
    for (int64_t i = 0; i < n; i++) {
      const int32_t row = (int32_t)(keys[(size_t)i] >> 32);
      lists[(size_t)i] = (int32_t)(uint32_t)keys[(size_t)i];
      if (distinct && into[distinct - 1] == row) continue;
      into[distinct] = row;
      first[distinct++] = (int32_t)i;
    }
    first[distinct] = (int32_t)n;
  } catch (const std::bad_alloc &) {
    return gk_cuda_fail(GK_OUT_OF_MEMORY, "cuda: scatter_add_rows: no host memory for the order of %lld rows", (long long)n);
  }
  const int32_t *at = nullptr;
  GK_TRY(gk_cuda_stage_array(b, lists.data(), 3 * n + 1, &at));
  const bool wide = width % 4 == 0 && gk_aligned(src, dst);
  const RowsGrid g = gk_rows_grid(b, distinct, width, wide);
  return LAUNCH_PACKS(b, wide, scatter_add_rows_kernel, g.grid, GK_PACK_THREADS, 0, src, at, at + n, at + 2 * n + 1, distinct, width, g.lanes, dst);
}
