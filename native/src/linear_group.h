// Linear layers that share an input, with their LoRA: the base products and the low-rank ones go into one grouped op.
#pragma once
#include "block.h"

namespace graft {

struct GroupMember {
  Target target;
  gk_act y;            // forward: [T,n]; backward: dy [T,n]
};

// y = x·Wᵀ + bias + LoRA for each member (y += ... when accumulate). hidden: overwritten where an adapter touches the target. dropped: scratch [T,k], used with dropout only.
void linear_group_forward(const Pass &pass, int32_t layer, const GroupMember *members, int count, gk_act x, int64_t k, bool accumulate, const LowRank &hidden,
                          gk_act dropped);
// Only the hidden rows of one member, as the above leaves them.
void linear_hidden_forward(const Pass &pass, int32_t layer, Target target, gk_act x, int64_t k, const LowRank &hidden, gk_act dropped);
// Adds the gradients of each member's LoRA, or of its weight and bias where all weights are trained, to parameter_gradient and, when dx.data is not NULL, overwrites dx [T,k] with the sum over members.
void linear_group_backward(const Pass &pass, int32_t layer, const GroupMember *members, int count, gk_act x, int64_t k, const LowRank &hidden,
                           const LowRank &dhidden, gk_act dropped, float *parameter_gradient, gk_act dx);

}  // namespace graft
