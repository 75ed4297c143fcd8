/* Inverted dropout: a thread makes one Philox block, four elements. The masks are those of every other backend, bit for bit. docs/dropout.md */
#include "packs.cuh"
#include "philox.h"

struct DropoutJob {
  uint64_t seed, stream, threshold;
  float keep_scale;
  int32_t accumulate;
};

template <int W, typename X, typename Y> GK_KERNEL(GK_PACK_THREADS) dropout_kernel(const X *x, int64_t n, DropoutJob job, Y *y) {
  const int64_t step = (int64_t)gridDim.x * blockDim.x;
  for (int64_t q = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; q * 4 < n; q += step) {
    const int64_t i = q * 4;
    uint32_t word[4];
    float v[4], before[4] = {0, 0, 0, 0};
    load_quad<W>(v, x + i, n - i, 0);
    if (job.accumulate) load_quad<W>(before, y + i, n - i, 0);
    gk_philox(job.seed, job.stream, (uint64_t)q, word);
    for (int k = 0; k < 4; k++) {
      const float d = word[k] >= job.threshold ? v[k] * job.keep_scale : 0.0f;
      v[k] = job.accumulate ? before[k] + d : d;
    }
    store_quad<W>(y + i, v, n - i);
  }
}

template <typename X, typename Y> static gk_status dropout(gk_backend *b, gk_act x, int64_t n, const DropoutJob &job, gk_act y) {
  const auto kernel = gk_aligned(x.data, y.data) ? dropout_kernel<4, X, Y> : dropout_kernel<1, X, Y>;
  return gk_cuda_launch(b, "dropout_kernel", kernel, gk_pack_grid(b, n, true), GK_PACK_THREADS, 0, (const X *)x.data, n, job, (Y *)y.data);
}

gk_status gk_dropout_cuda(gk_backend *b, gk_act x, float p, uint64_t seed, uint64_t stream, int64_t n, gk_act y, int32_t accumulate) {
  const DropoutJob job = {seed, stream, gk_dropout_threshold(p), gk_dropout_scale(p), accumulate};
  if (gk_acts_are(GK_F32, x, y)) return dropout<float, float>(b, x, n, job, y);
  if (gk_acts_are(GK_BF16, x, y)) return dropout<gk_bf16, gk_bf16>(b, x, n, job, y);
  return gk_acts_mixed("dropout");
}
