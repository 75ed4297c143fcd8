#include "peak.h"

#include <algorithm>
#include <chrono>

namespace graft {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Peak measure_peak(Runtime &runtime) {
  constexpr int64_t kBytes = int64_t(128) << 20;
  Workspace workspace;
  float *from, *to;
  workspace.add(&from, kBytes / 4);
  workspace.add(&to, kBytes / 4);
  workspace.allocate(runtime, "measuring bandwidth");
  Peak peak{gk_cpu_fma_peak(runtime.backend(), 0.4), 0, 0};
  check(runtime.ops().zero(runtime.backend(), from, kBytes), "zero");
  for (int round = 0; round < 4; round++) {
    const double begin = now();
    check(runtime.ops().copy(runtime.backend(), to, from, kBytes), "copy");
    peak.copy_bytes = std::max(peak.copy_bytes, 2.0 * double(kBytes) / (now() - begin));
    const double seconds = gk_cpu_read_seconds(runtime.backend(), from, kBytes) + gk_cpu_read_seconds(runtime.backend(), to, kBytes);
    peak.read_bytes = std::max(peak.read_bytes, 2.0 * double(kBytes) / seconds);
  }
  return peak;
}

}  // namespace graft
