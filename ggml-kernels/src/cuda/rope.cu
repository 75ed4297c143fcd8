/* Rotary position embedding: one block a token, whose sines serve all heads. docs/rope.md */
#include "packs.cuh"

enum { THREADS = 128 };

/* Cosine and sine within 1.5 units of 2^-24. The angle is exact (a position times an f32), so it is brought into [-π/4, π/4] in double, where the
 * series of f32 end with what is below 2^-26. */
GK_DEVICE void cosine_and_sine(double angle, float *cosine, float *sine) {
  const double quarters = rint(angle * 0.63661977236758134);                                             /* 2/π */
  const float x = (float)fma(quarters, -6.123233995736766e-17, fma(quarters, -1.5707963267948966, angle)); /* π/2 in two parts */
  const float x2 = x * x;
  const float s = fmaf(x * x2, fmaf(x2, fmaf(x2, fmaf(x2, 1.0f / 362880, -1.0f / 5040), 1.0f / 120), -1.0f / 6), x);
  const float c = fmaf(x2, fmaf(x2, fmaf(x2, fmaf(x2, fmaf(x2, -1.0f / 3628800, 1.0f / 40320), -1.0f / 720), 1.0f / 24), -0.5f), 1.0f);
  const int quarter = (int)((int64_t)quarters & 3);
  *cosine = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
  *sine = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
}

/* Pairs (a, b) of a head: u = a c - b s, v = b c + a s. A thread turns W pairs: NEOX p .. p+W-1 with their partners half a rotation on, NORM 2W
 * neighbours. cosine and sine [half] (rounded up to 4) in shared memory; W == 4: half % 4 == 0 and all rows aligned. */
template <int W, typename T>
GK_KERNEL(THREADS) rope_kernel(T *x, const int32_t *positions, const float *inv_freq, int half, float magnitude, int heads, int64_t head_width, int neox, float sign) {
  GK_DYNAMIC_SHARED(bytes);
  float *cosine = (float *)bytes, *sine = cosine + (half + 3) / 4 * 4;
  const int64_t t = blockIdx.x;
  for (int p = (int)threadIdx.x; p < half; p += THREADS) {
    float c, s;
    cosine_and_sine((double)positions[t] * (double)inv_freq[p], &c, &s);
    cosine[p] = c * magnitude, sine[p] = s * magnitude * sign;
  }
  block_barrier();
  const int units = half / W;
  for (int i = (int)threadIdx.x; i < units * heads; i += THREADS) {
    const int p = i % units * W;
    T *head = x + (t * heads + i / units) * head_width, *first = head + (neox ? p : 2 * p), *second = neox ? first + half : first + W;
    const Pack<W> c = load_pack<W>(cosine + p), s = load_pack<W>(sine + p), a = load_pack<W>(first), d = load_pack<W>(second);
    Pack<W> u, v;
    for (int k = 0; k < W; k++) {
      if (neox || W == 1) {
        u.v[k] = fmaf(-d.v[k], s.v[k], a.v[k] * c.v[k]);
        v.v[k] = fmaf(a.v[k], s.v[k], d.v[k] * c.v[k]);
      } else {   /* pair k / 2 of the first four floats, 2 + k / 2 of the second; k ^ 1 is the partner */
        const int l = k / 2, h = W / 2 + k / 2;
        u.v[k] = fmaf(k % 2 ? a.v[k ^ 1] : -a.v[k ^ 1], s.v[l], a.v[k] * c.v[l]);
        v.v[k] = fmaf(k % 2 ? d.v[k ^ 1] : -d.v[k ^ 1], s.v[h], d.v[k] * c.v[h]);
      }
    }
    store_pack<W>(first, u);
    store_pack<W>(second, v);
  }
}

gk_status gk_rope_cuda(gk_backend *b, const gk_rope *r, gk_act x, const int32_t *positions, int64_t t, int64_t heads, int64_t head_width, int32_t direction) {
  const int half = r->rotary / 2;
  const int32_t *at = nullptr;
  const float *inv_freq = nullptr;
  GK_TRY(gk_cuda_stage_array(b, positions, t, &at));
  GK_TRY(gk_cuda_stage_array(b, r->inv_freq, half, &inv_freq));
  const bool wide = half % 4 == 0 && head_width % 4 == 0 && gk_aligned(x.data);
  const size_t shared = (size_t)(half + 3) / 4 * 4 * 2 * sizeof(float);
  const auto rotate = [&](auto *data, auto kernel) {
    return gk_cuda_launch(b, "rope_kernel", kernel, (unsigned)t, THREADS, shared, data, at, inv_freq, half, r->magnitude, (int)heads, head_width, (int)(r->layout == GK_ROPE_NEOX), (float)direction);
  };
  if (gk_is_bf16(x)) return rotate((gk_bf16 *)x.data, wide ? rope_kernel<4, gk_bf16> : rope_kernel<1, gk_bf16>);
  return rotate((float *)x.data, wide ? rope_kernel<4, float> : rope_kernel<1, float>);
}
