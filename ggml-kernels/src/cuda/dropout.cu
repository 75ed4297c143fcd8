/* Inverted dropout: a thread makes one Philox block, four elements. The masks are those of every other backend, bit for bit. docs/dropout.md */
#include "packs.cuh"
#include "philox.h"

struct DropoutJob {
  uint64_t seed, stream, threshold;
  float keep_scale;
  int32_t accumulate;
};

template <int W> GK_KERNEL(GK_PACK_THREADS) dropout_kernel(const float *x, int64_t n, DropoutJob job, float *y) {
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

gk_status gk_dropout_cuda(gk_backend *b, const float *x, float p, uint64_t seed, uint64_t stream, int64_t n, float *y, int32_t accumulate) {
  const DropoutJob job = {seed, stream, gk_dropout_threshold(p), gk_dropout_scale(p), accumulate};
  return LAUNCH_PACKS(b, gk_aligned(x, y), dropout_kernel, gk_pack_grid(b, n, true), GK_PACK_THREADS, 0, x, n, job, y);
}
