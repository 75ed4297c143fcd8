// Linear layers that share an input, with their LoRA: the base products and the low-rank ones go into one grouped op.
#pragma once
#include "block.h"

namespace graft {

struct GroupMember {
  Target target;
  float *y;            // forward: [T,n]; backward: dy [T,n]
  float *hidden;       // [T,R]; may be NULL when no adapter touches the target
  float *dhidden;      // backward only, [T,R]
};

// y = x·Wᵀ + bias + LoRA for each member (y += ... when accumulate). dropped: scratch [T,k], used with dropout only.
void linear_group_forward(const Pass &pass, int32_t layer, const GroupMember *members, int count, const float *x, int64_t k, bool accumulate, float *dropped);
// Adds the gradients of each member's LoRA, or of its weight and bias where all weights are trained, to parameter_gradient and, when dx is not NULL, overwrites dx [T,k] with the sum over members.
void linear_group_backward(const Pass &pass, int32_t layer, const GroupMember *members, int count, const float *x, int64_t k, float *dropped,
                           float *parameter_gradient, float *dx);

}  // namespace graft
