// One transformer block, forward and backward, for training, scoring and generation alike.
//
//   n = rmsnorm(x);  q,k,v = n·Wᵀ (+ bias);  [qwen3: q,k = rmsnorm per head];  q,k = rope
//   mid = x + attention(q,k,v)·Woᵀ
//   n = rmsnorm(mid);  y = mid + (silu(n·Wgᵀ) * (n·Wuᵀ))·Wdᵀ
//
// Every W may carry LoRA: + scale · dropout(input)·Aᵀ·Bᵀ. Trained are either the LoRA matrices or, where the model computes with a Weights, all weights.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "lora.h"
#include "model.h"
#include "runtime.h"

namespace graft {

// Rows [begin, begin + count) of a batch go through this adapter, its own scale multiplied; rows that no span covers see the bare base, in rows that
// several cover they add up.
struct AdapterSpan {
  const Adapter *adapter;
  int64_t begin, count;
  float scale = 1;
};

class Importance;

// What one pass through the blocks has in common. Borrowed pointers live for the pass.
struct Pass {
  const Model &model;
  int64_t rows = 0;                    // T
  const int32_t *positions = nullptr;  // [T], host
  std::vector<AdapterSpan> adapters;
  float dropout = 0;                   // 0 outside training
  uint64_t dropout_seed = 0;
  uint64_t pass_number = 0;            // different for each training pass: another mask
  Importance *importance = nullptr;    // unless NULL, gets the squares of every linear layer's input
  // One span more, or a longer one.
  void add(const Adapter *adapter, float scale, int64_t begin, int64_t count) {
    for (AdapterSpan &span : adapters) {
      if (span.adapter != adapter || span.scale != scale || span.begin + span.count != begin) continue;
      span.count += count;
      return;
    }
    adapters.push_back({adapter, begin, count, scale});
  }
};

// The low-rank rows of a block's targets. Those of targets that share an input are neighbouring columns of one matrix, so that a backend may compute them as one.
class LowRank {
 public:
  // ranks[t]: largest rank of target t, 0 for none.
  void declare(Workspace *workspace, int64_t rows, const int32_t *ranks, gk_type type);
  void set_type(gk_type type);
  // [T,R], rows stride() elements apart, of a target that has a rank.
  gk_act of(Target target) const { return gk_act_at(groups_[size_t(kGroup[target])], offset_[size_t(target)]); }
  int64_t stride(Target target) const { return stride_[size_t(kGroup[target])]; }

 private:
  static constexpr int kGroups = 4;
  static constexpr int kGroup[kTargets] = {0, 0, 0, 1, 2, 2, 3};
  std::array<gk_act, kGroups> groups_{};
  std::array<int64_t, kGroups> stride_{};
  std::array<int64_t, kTargets> offset_{};
};

// A block's activations that its backward reads. hidden is the low-rank x·Aᵀ of each target, [T,R].
struct BlockTensors {
  gk_act query, key, value;                // [T,H*D], [T,G*D]; after per-head norm and rope
  gk_act query_raw, key_raw;               // before the per-head norm (qwen3), else NULL
  float *query_rstd, *key_rstd;            // [T*H], [T*G] (qwen3)
  gk_act attended;                         // [T,H*D]
  float *lse;                              // [T,H]
  float *mid;                              // [T,C]; like all of the residual stream in f32
  gk_act gate, up;                         // [T,F]
  float *attention_rstd, *feed_forward_rstd;  // [T]
  LowRank hidden;
  // ranks: as LowRank's. T = rows. type: of the activations; f32 has room for bf16 too.
  void declare(Workspace *workspace, const Model &model, int64_t rows, const int32_t *ranks, gk_type type);
  // From now on they are of this type.
  void set_type(gk_type type);
};

// Buffers used within one block and then free again.
struct BlockScratch {
  gk_act normed;    // [T,C]
  gk_act activated; // [T,F]
  gk_act dropped;   // [T,max(C,H*D,F)], with dropout only
  void declare(Workspace *workspace, const Model &model, int64_t rows, bool dropout, gk_type type);
  void set_type(gk_type type) { normed.type = activated.type = dropped.type = type; }
};

struct BlockGradients {
  gk_act dnormed;              // [T,C]
  gk_act dactivated;           // [T,F]
  gk_act dquery, dkey, dvalue, dattended;
  LowRank dhidden;             // [T,R]
  void declare(Workspace *workspace, const Model &model, int64_t rows, const int32_t *ranks, gk_type type);
};

// First half: fills query, key, value (and what their backward needs) from x [T,C].
void block_project(const Pass &pass, int32_t layer, const float *x, const BlockTensors &tensors, const BlockScratch &scratch);
// Second half: from tensors.attended to y [T,C], overwritten. y may not be x; NULL when only what a backward reads is wanted.
void block_finish(const Pass &pass, int32_t layer, const float *x, const BlockTensors &tensors, const BlockScratch &scratch, float *y);
// Both, with attention among the rows of the batch itself.
void block_forward(const Pass &pass, const std::vector<gk_segment> &segments, int32_t layer, const float *x, const BlockTensors &tensors,
                   const BlockScratch &scratch, float *y);

// dx [T,C]: gradient at the block's output on entry, at its input on return (left incomplete when `last`: nothing below needs it).
// x and tensors are the forward's; tensors are used up (gate, up overwritten). parameter_gradient lies like Trainable::parameters() and
// accumulates. An adapter, if any, spans the whole batch.
void block_backward(const Pass &pass, const std::vector<gk_segment> &segments, int32_t layer, const float *x, const BlockTensors &tensors,
                    const BlockScratch &scratch, const BlockGradients &gradients, bool last, float *parameter_gradient, float *dx);

}  // namespace graft
