#include "trainable.h"

#include <algorithm>

#include "model.h"

namespace graft {

Trainable::~Trainable() { model_.ops().release(model_.backend(), parameters_); }

int64_t Trainable::reserve(int64_t floats) {
  const int64_t begin = floats_;
  floats_ += aligned(floats);
  return begin;
}

void Trainable::allocate(const char *what) {
  parameters_ = model_.ops().alloc(model_.backend(), std::max<int64_t>(floats_, 16) * int64_t(sizeof(float)));
  if (!parameters_) fail(GRAFT_OUT_OF_MEMORY, "%s needs %.1f MiB that could not be had", what, double(floats_) * 4 / (1 << 20));
}

}  // namespace graft
