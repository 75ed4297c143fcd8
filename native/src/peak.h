// What this machine can do at most, measured on the spot: the yardstick of every speed that Graft reports.
#pragma once
#include "runtime.h"

namespace graft {

struct Peak {
  double fma_flops;   // f32 multiply-adds counted twice, all threads, widest vectors, operands in registers
  double copy_bytes;  // bytes read plus bytes written a second, large buffers
  double read_bytes;  // bytes read a second, large buffers
};

// Takes about a second.
Peak measure_peak(Runtime &runtime);

}  // namespace graft
