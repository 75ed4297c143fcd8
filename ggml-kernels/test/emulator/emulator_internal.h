#ifndef GRAFT_EMULATOR_INTERNAL_H
#define GRAFT_EMULATOR_INTERNAL_H
#include <functional>

#include "emulator.h"

namespace emulator {
bool run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()> &run);
}
#endif
