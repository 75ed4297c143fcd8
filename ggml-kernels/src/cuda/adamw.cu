/* AdamW: seven floats of traffic a parameter, one launch. docs/adamw.md */
#include <cmath>

#include "packs.cuh"

struct AdamwJob {
  float decay;                                   /* lr * weight_decay */
  float b1, b2, one_less_b1, one_less_b2, grad_scale;
  float rate;                                    /* lr / (1 - b1^t) */
  float root;                                    /* 1 / sqrt(1 - b2^t) */
  float eps;
};

/* d = grad_scale * g;  m = b1 m + (1-b1) d;  v = b2 v + (1-b2) d²;  p -= decay p + rate m / (root sqrt(v) + eps) */
template <int W> GK_KERNEL(GK_PACK_THREADS) adamw_kernel(AdamwJob j, const float *g, float *p, float *m, float *v, int64_t n) {
  each_pack<W>(n, [=](auto width, int64_t i) {
    constexpr int w = decltype(width)::n;
    const Pack<w> grad = load_pack<w>(g + i);
    Pack<w> at = load_pack<w>(p + i), mean = load_pack<w>(m + i), square = load_pack<w>(v + i);
    for (int k = 0; k < w; k++) {
      const float d = grad.v[k] * j.grad_scale;
      mean.v[k] = fmaf(j.one_less_b1, d, j.b1 * mean.v[k]);
      square.v[k] = fmaf(j.one_less_b2 * d, d, j.b2 * square.v[k]);
      at.v[k] -= fmaf(j.rate, mean.v[k] / fmaf(j.root, sqrtf(square.v[k]), j.eps), at.v[k] * j.decay);
    }
    store_pack<w>(p + i, at);
    store_pack<w>(m + i, mean);
    store_pack<w>(v + i, square);
  });
}

gk_status gk_adamw_cuda(gk_backend *b, const gk_adamw *o, const float *g, float *p, float *m, float *v, int64_t n) {
  const double b1 = o->beta1, b2 = o->beta2, lr = o->learning_rate, step = (double)o->step;
  AdamwJob j;
  j.decay = (float)(lr * o->weight_decay);
  j.b1 = o->beta1, j.b2 = o->beta2, j.one_less_b1 = (float)(1 - b1), j.one_less_b2 = (float)(1 - b2);
  j.grad_scale = o->grad_scale;
  j.rate = (float)(lr / (1 - std::pow(b1, step)));
  j.root = (float)(1 / std::sqrt(1 - std::pow(b2, step)));
  j.eps = o->eps;
  const bool wide = gk_aligned(g, p, m, v);
  return LAUNCH_PACKS(b, wide, adamw_kernel, gk_pack_grid(b, n, wide), GK_PACK_THREADS, 0, j, g, p, m, v, n);
}
