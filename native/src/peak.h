// What this machine can do at most, measured on the spot: the yardstick of every speed that Graft reports.
#pragma once
#include "runtime.h"

namespace graft {

struct Peak {
  double fma_flops;   // on a GPU of a product of bf16 matrices of 8192 x 8192; else f32 multiply-adds counted twice, all threads, widest vectors, operands in registers
  double copy_bytes;  // bytes read plus bytes written a second, large buffers
  double read_bytes;  // bytes read a second, large buffers
};

// Takes about a second.
Peak measure_peak(Runtime &runtime);

}  // namespace graft
