// The LM head, on rows with a target only and in chunks, so that no [tokens, vocabulary] matrix is ever stored.
//
// With an adapter, d logp / d hidden is found during the forward, with a weight of one: whatever the loss, its gradient at a row is that vector
// times one number, so the logits are computed once and never again (docs: ggml-kernels/docs/cross_entropy.md). Where the head itself is trained
// its gradient needs the losses' weights first: the logits are kept when all targets fit one chunk, and computed again in the backward when not.
#pragma once
#include "batch.h"
#include "model.h"
#include "runtime.h"

namespace graft {

class Head {
 public:
  enum class Gradient { kNone, kHidden, kWeights };  // what a backward will be asked for: nothing, d hidden, or that and the head's own weights
  // Most targets in a batch. sparing: memory matters more than time.
  void declare(Workspace *workspace, const Model &model, int64_t max_targets, Gradient gradient, bool sparing, gk_type type);
  void set_type(gk_type type) { normed_.type = type; }   // as BlockTensors
  int64_t chunk() const { return chunk_; }   // rows of logits held at once
  // x [T,C] is the output of the last block. logps [n] overwritten; so are mean_logits and log_squares [n] (see gk_ops::cross_entropy)
  // unless NULL. for_backward: a backward may follow.
  void forward(const Model &model, const Batch &batch, const float *x, bool for_backward, float *logps, float *mean_logits, float *log_squares);
  // Log-probabilities of the whole vocabulary at the rows of targets begin to begin + n - 1: host [n,V], overwritten.
  void distributions(const Model &model, const Batch &batch, const float *x, int64_t begin, int64_t n, float *host);
  // weights [n] = d loss / d logp. dx [T,C] is overwritten. parameter_gradient as in block_backward.
  void backward(const Model &model, const Batch &batch, const float *weights, float *parameter_gradient, float *dx);

 private:
  void weights_backward(const Model &model, const Batch &batch, const float *weights, float *parameter_gradient);
  int64_t step(int64_t targets) const;
  bool kept(int64_t targets) const { return step(targets) >= targets; }

  Gradient gradient_ = Gradient::kNone;
  int64_t chunk_ = 0;
  float *rows_ = nullptr;     // [n,C] gathered hidden rows (a chunk of them without gradient)
  float *rstd_ = nullptr;     // [n]
  float *unit_ = nullptr;     // [n,C] d logp / d normed row, or d loss / d normed row
  gk_act normed_{};           // [chunk,C]
  float *logits_ = nullptr;   // [chunk,V]
};

}  // namespace graft
