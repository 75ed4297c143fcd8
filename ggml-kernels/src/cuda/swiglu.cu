/* Gated linear unit with SiLU. docs/swiglu.md */
#include "packs.cuh"

GK_DEVICE float sigmoid(float g) { return 1.0f / (1.0f + expf(-g)); }

template <int W, typename T> GK_KERNEL(GK_PACK_THREADS) swiglu_fwd_kernel(const T *gate, const T *up, int64_t n, T *y) {
  each_pack<W>(n, [=](auto width, int64_t i) {
    constexpr int w = decltype(width)::n;
    const Pack<w> g = load_pack<w>(gate + i), u = load_pack<w>(up + i);
    Pack<w> r;
    for (int k = 0; k < w; k++) r.v[k] = g.v[k] * sigmoid(g.v[k]) * u.v[k];
    store_pack<w>(y + i, r);
  });
}

template <int W, typename T> static gk_status forward(gk_backend *b, gk_act gate, gk_act up, int64_t n, gk_act y) {
  return LAUNCH(b, (swiglu_fwd_kernel<W, T>), gk_act_grid<W>(b, n), GK_PACK_THREADS, 0, (const T *)gate.data, (const T *)up.data, n, (T *)y.data);
}

gk_status gk_swiglu_fwd_cuda(gk_backend *b, gk_act gate, gk_act up, int64_t n, gk_act y) {
  const bool wide = gk_aligned(gate.data, up.data, y.data);
  if (gk_acts_are(GK_F32, gate, up, y)) return (wide ? forward<4, float> : forward<1, float>)(b, gate, up, n, y);
  if (gk_acts_are(GK_BF16, gate, up, y)) return (wide ? forward<8, gk_bf16> : forward<1, gk_bf16>)(b, gate, up, n, y);
  return gk_acts_mixed("swiglu_fwd");
}

/* fwd: y = silu(g) * u, silu(g) = g * s, s = 1/(1+exp(-g))
 * du = dy * g * s,  dg = dy * u * s * (1 + g * (1 - s)); dgate may be gate, dup may be up. */
template <int W, typename T> GK_KERNEL(GK_PACK_THREADS) swiglu_bwd_kernel(const T *dy, const T *gate, const T *up, int64_t n, T *dgate, T *dup) {
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

template <int W, typename T> static gk_status backward(gk_backend *b, gk_act dy, gk_act gate, gk_act up, int64_t n, gk_act dgate, gk_act dup) {
  return LAUNCH(b, (swiglu_bwd_kernel<W, T>), gk_act_grid<W>(b, n), GK_PACK_THREADS, 0, (const T *)dy.data, (const T *)gate.data, (const T *)up.data, n, (T *)dgate.data, (T *)dup.data);
}

gk_status gk_swiglu_bwd_cuda(gk_backend *b, gk_act dy, gk_act gate, gk_act up, int64_t n, gk_act dgate, gk_act dup) {
  const bool wide = gk_aligned(dy.data, gate.data, up.data, dgate.data, dup.data);
  if (gk_acts_are(GK_F32, dy, gate, up, dgate, dup)) return (wide ? backward<4, float> : backward<1, float>)(b, dy, gate, up, n, dgate, dup);
  if (gk_acts_are(GK_BF16, dy, gate, up, dgate, dup)) return (wide ? backward<8, gk_bf16> : backward<1, gk_bf16>)(b, dy, gate, up, n, dgate, dup);
  return gk_acts_mixed("swiglu_bwd");
}
