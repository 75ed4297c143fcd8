/* Gated linear unit with SiLU. docs/swiglu.md */
#include "packs.cuh"

GK_DEVICE float sigmoid(float g) { return 1.0f / (1.0f + expf(-g)); }

template <int W> GK_KERNEL(GK_PACK_THREADS) swiglu_fwd_kernel(const float *gate, const float *up, int64_t n, float *y) {
  each_pack<W>(n, [=](auto width, int64_t i) {
    constexpr int w = decltype(width)::n;
    const Pack<w> g = load_pack<w>(gate + i), u = load_pack<w>(up + i);
    Pack<w> r;
    for (int k = 0; k < w; k++) r.v[k] = g.v[k] * sigmoid(g.v[k]) * u.v[k];
    store_pack<w>(y + i, r);
  });
}

gk_status gk_swiglu_fwd_cuda(gk_backend *b, const float *gate, const float *up, int64_t n, float *y) {
  const bool wide = gk_aligned(gate, up, y);
  return LAUNCH_PACKS(b, wide, swiglu_fwd_kernel, gk_pack_grid(b, n, wide), GK_PACK_THREADS, 0, gate, up, n, y);
}

/* fwd: y = silu(g) * u, silu(g) = g * s, s = 1/(1+exp(-g))
 * du = dy * g * s,  dg = dy * u * s * (1 + g * (1 - s)); dgate may be gate, dup may be up. */
template <int W> GK_KERNEL(GK_PACK_THREADS) swiglu_bwd_kernel(const float *dy, const float *gate, const float *up, int64_t n, float *dgate, float *dup) {
  each_pack<W>(n, [=](auto width, int64_t i) {
    constexpr int w = decltype(width)::n;
    const Pack<w> d = load_pack<w>(dy + i), g = load_pack<w>(gate + i), u = load_pack<w>(up + i);
    Pack<w> dg, du;
    for (int k = 0; k < w; k++) {
      const float s = sigmoid(g.v[k]);
      du.v[k] = d.v[k] * (g.v[k] * s);
      dg.v[k] = d.v[k] * u.v[k] * (s * fmaf(g.v[k], 1.0f - s, 1.0f));
    }
    store_pack<w>(dgate + i, dg);
    store_pack<w>(dup + i, du);
  });
}

gk_status gk_swiglu_bwd_cuda(gk_backend *b, const float *dy, const float *gate, const float *up, int64_t n, float *dgate, float *dup) {
  const bool wide = gk_aligned(dy, gate, up, dgate, dup);
  return LAUNCH_PACKS(b, wide, swiglu_bwd_kernel, gk_pack_grid(b, n, wide), GK_PACK_THREADS, 0, dy, gate, up, n, dgate, dup);
}
