/* Loops of memory-bound kernels over packs of W elements where all pointers allow it, else of 1: 4 floats, or 8 of bf16, are one load of 16 bytes. */
#ifndef GRAFT_CUDA_PACKS_CUH
#define GRAFT_CUDA_PACKS_CUH
#include "acts.cuh"

enum { GK_PACK_THREADS = 256 };

template <int W> struct Pack { float v[W]; };

template <int W, typename T> GK_DEVICE Pack<W> load_pack(const T *p) {
  Pack<W> r;
  if constexpr (W == 8 && sizeof(T) == 2) {
    const uint4 q = *(const uint4 *)p;
    const uint32_t pairs[4] = {q.x, q.y, q.z, q.w};
    for (int k = 0; k < 4; k++) r.v[2 * k] = low_bf16(pairs[k]), r.v[2 * k + 1] = high_bf16(pairs[k]);
  } else if constexpr (W % 4 == 0) {
    for (int k = 0; k < W; k += 4) {
      const float4 f = act_load_4(p + k);
      r.v[k] = f.x, r.v[k + 1] = f.y, r.v[k + 2] = f.z, r.v[k + 3] = f.w;
    }
  } else {
    for (int k = 0; k < W; k++) r.v[k] = act_to_f32(p[k]);
  }
  return r;
}
template <int W, typename T> GK_DEVICE void store_pack(T *p, const Pack<W> &r) {
  if constexpr (W == 8 && sizeof(T) == 2) *(uint4 *)p = make_uint4(bf16_pair(r.v[0], r.v[1]), bf16_pair(r.v[2], r.v[3]), bf16_pair(r.v[4], r.v[5]), bf16_pair(r.v[6], r.v[7]));
  else if constexpr (W % 4 == 0)
    for (int k = 0; k < W; k += 4) act_store_4(p + k, make_float4(r.v[k], r.v[k + 1], r.v[k + 2], r.v[k + 3]));
  else for (int k = 0; k < W; k++) act_store(p + k, r.v[k]);
}

/* Four elements at p, of which `left` are there; others are `none` and not read. W as above: the same floats to the same thread either way,
 * so that the order of a sum does not depend on where a tensor lies. */
template <int W, typename T> GK_DEVICE void load_quad(float v[4], const T *p, int64_t left, float none) {
  if (W == 4 && left >= 4) {
    const Pack<4> r = load_pack<4>(p);
    for (int k = 0; k < 4; k++) v[k] = r.v[k];
  } else {
    for (int k = 0; k < 4; k++) v[k] = k < left ? act_to_f32(p[k]) : none;
  }
}
template <int W, typename T> GK_DEVICE void store_quad(T *p, const float v[4], int64_t left) {
  if (W == 4 && left >= 4) act_store_4(p, make_float4(v[0], v[1], v[2], v[3]));
  else for (int k = 0; k < 4; k++)
    if (k < left) act_store(p + k, v[k]);
}

template <int W> struct Width { static constexpr int n = W; };

/* f(Width<W>, i) for every pack i .. i + W - 1 of n elements, over the whole grid; the last n % W with Width<1>. */
template <int W, typename F> GK_DEVICE void each_pack(int64_t n, F f) {
  const int64_t first = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, step = (int64_t)gridDim.x * blockDim.x;
  for (int64_t i = first; i < n / W; i += step) f(Width<W>(), i * W);
  if (W > 1 && first < n % W) f(Width<1>(), n / W * W + first);
}

/* f(row, column) for every pack of a [rows, width] matrix, width % W == 0, in a grid of RowsGrid: `lanes` threads lie along a row. */
template <int W, typename F> GK_DEVICE void each_row_pack(int64_t rows, int64_t width, int lanes, F f) {
  const int64_t at_once = blockDim.x / (unsigned)lanes;
  for (int64_t r = blockIdx.x * at_once + threadIdx.x / (unsigned)lanes; r < rows; r += gridDim.x * at_once)
    for (int64_t c = ((int64_t)blockIdx.y * lanes + threadIdx.x % (unsigned)lanes) * W; c < width; c += (int64_t)gridDim.y * lanes * W) f(r, c);
}

/* Every pointer is a multiple of 16. */
template <typename... P> static inline bool gk_aligned(const P *...p) { return (((uintptr_t)p | ...) % 16) == 0; }

static inline unsigned gk_pack_grid(const gk_backend *b, int64_t n, bool wide) { return gk_cuda_grid(b, n, (wide ? 4 : 1) * GK_PACK_THREADS); }
/* Blocks for packs of W. */
template <int W> static inline unsigned gk_act_grid(const gk_backend *b, int64_t n) { return gk_cuda_grid(b, n, W * GK_PACK_THREADS); }

struct RowsGrid {
  dim3 grid;
  int lanes;
};
static inline RowsGrid gk_rows_grid(const gk_backend *b, int64_t rows, int64_t width, bool wide) {
  const int64_t packs = wide ? width / 4 : width;
  int lanes = 1;
  while (lanes < GK_PACK_THREADS && lanes < packs) lanes *= 2;
  const unsigned x = gk_cuda_grid(b, rows, GK_PACK_THREADS / lanes);
  const int64_t along = gk_ceil_div(packs, lanes), most = x ? gk_ceil_div((int64_t)b->multiprocessors * 16, x) : 1;
  return {dim3(x, (unsigned)(along < most ? along : most)), lanes};
}

/* LAUNCH of kernel<4> or kernel<1>. */
#define LAUNCH_PACKS(b, wide, kernel, ...) ((wide) ? gk_cuda_launch(b, #kernel, kernel<4>, __VA_ARGS__) : gk_cuda_launch(b, #kernel, kernel<1>, __VA_ARGS__))
#endif
