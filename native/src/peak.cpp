#include "peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace graft {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Until all that was queued is done: the first float is read back.
void wait(Runtime &runtime, const float *p) {
  float first;
  check(runtime.ops().download(runtime.backend(), &first, p, sizeof first), "download");
}

// Seconds of the fastest of some calls.
template <typename F> double fastest(Runtime &runtime, const float *result, int calls, F call) {
  double best = 1e30;
  for (int i = 0; i < calls; i++) {
    wait(runtime, result);
    const double begin = now();
    call();
    wait(runtime, result);
    best = std::min(best, now() - begin);
  }
  return best;
}

// A product of matrices of size x size, all in bf16 where activations are: seconds.
double product_seconds(Runtime &runtime, int64_t size) {
  Workspace workspace;
  const gk_type type = runtime.ops().activation_type(runtime.backend(), GK_FAST);
  gk_act x, y;
  workspace.add(&x, size * size, type);
  workspace.add(&y, size * size, type);
  workspace.allocate(runtime, "measuring products");
  std::vector<uint16_t> bf16(size_t(size * size));
  std::vector<float> values(size_t(type == GK_F32 ? size * size : 0));
  uint32_t state = 1;
  const auto random = [&state] {
    state = state * 1664525u + 1013904223u;
    return uint16_t(0x3c00 | (state >> 24 & 0x7f) | (state >> 8 & 0x8000));
  };
  for (uint16_t &v : bf16) v = random();
  for (float &v : values) {
    state = state * 1664525u + 1013904223u;
    v = float(int32_t(state)) * 0x1p-31f;
  }
  check(runtime.ops().upload(runtime.backend(), x.data, type == GK_F32 ? static_cast<void *>(values.data()) : bf16.data(), gk_type_bytes(type, size * size)), "upload");
  for (uint16_t &v : bf16) v = random();
  gk_product product{{GK_BF16, nullptr, size, size}, y, size, 1.0f, 0};
  check(runtime.ops().import_weight(runtime.backend(), bf16.data(), size * size * 2, &product.w.data), "import_weight");
  runtime.ops().set_precision(runtime.backend(), GK_FAST);
  double seconds = 0;
  try {
    seconds = fastest(runtime, static_cast<const float *>(y.data), 6, [&] { check(runtime.ops().matmul_fwd(runtime.backend(), 1, &product, x, size, size, size), "matmul"); });
  } catch (...) {
    runtime.ops().release_weight(runtime.backend(), product.w.data);
    throw;
  }
  runtime.ops().release_weight(runtime.backend(), product.w.data);
  return seconds;
}

// So large that nothing but the arithmetic counts: 8192, or less on a device that takes long.
double product_flops(Runtime &runtime) {
  double flops = 0;
  for (int64_t size = 512; size <= 8192; size *= 2) {
    const double seconds = product_seconds(runtime, size);
    flops = std::max(flops, 2.0 * double(size) * double(size) * double(size) / seconds);
    if (seconds > 0.1) break;
  }
  return flops;
}

}  // namespace

Peak measure_peak(Runtime &runtime) {
  Peak peak{0, 0, 0};
  if (runtime.on_gpu()) peak.fma_flops = product_flops(runtime);
  else peak.fma_flops = gk_cpu_fma_peak(runtime.host(), 0.4);
  const int64_t bytes = int64_t(!runtime.on_gpu() ? 128 : peak.fma_flops > 1e12 ? 1024 : 16) << 20;
  {
    Workspace workspace;
    float *from, *to;
    workspace.add(&from, bytes / 4);
    workspace.add(&to, bytes / 4);
    workspace.allocate(runtime, "measuring bandwidth");
    check(runtime.ops().zero(runtime.backend(), from, bytes), "zero");
    peak.copy_bytes = 2.0 * double(bytes) / fastest(runtime, to, 4, [&] { check(runtime.ops().copy(runtime.backend(), to, from, bytes), "copy"); });
    if (runtime.on_gpu()) {
      double squares;
      peak.read_bytes = double(bytes) / fastest(runtime, from, 4, [&] { check(runtime.ops().sum_squares(runtime.backend(), from, bytes / 4, &squares), "sum_squares"); });
    } else {
      for (int round = 0; round < 4; round++) {
        const double seconds = gk_cpu_read_seconds(runtime.host(), from, bytes) + gk_cpu_read_seconds(runtime.host(), to, bytes);
        peak.read_bytes = std::max(peak.read_bytes, 2.0 * double(bytes) / seconds);
      }
    }
  }
  return peak;
}

}  // namespace graft
