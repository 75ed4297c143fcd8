// The LM head, on rows with a target only and in chunks, so that no [tokens, vocabulary] matrix is ever stored.
//
// d logp / d hidden is found during the forward, with a weight of one: whatever the loss, its gradient at a row is that vector times
// one number, so the logits are computed once and never again (docs: ggml-kernels/docs/cross_entropy.md).
#pragma once
#include "batch.h"
#include "model.h"
#include "runtime.h"

namespace graft {

class Head {
 public:
  // Most targets in a batch; with_gradient also declares what the backward needs.
  void declare(Workspace *workspace, const Model &model, int64_t max_targets, bool with_gradient);
  // x [T,C] is the output of the last block. logps [n] overwritten; so are mean_logits and log_squares [n] (see gk_ops::cross_entropy) unless NULL.
  void forward(const Model &model, const Batch &batch, const float *x, bool with_gradient, float *logps, float *mean_logits, float *log_squares);
  // weights [n] = d loss / d logp. dx [T,C] is overwritten.
  void backward(const Model &model, const Batch &batch, const float *weights, float *dx);

 private:
  int64_t chunk_ = 0;
  float *rows_ = nullptr;     // [n,C] gathered hidden rows (a chunk of them without gradient)
  float *rstd_ = nullptr;     // [n]
  float *unit_ = nullptr;     // [n,C] d logp / d normed row
  float *normed_ = nullptr;   // [chunk,C]
  float *logits_ = nullptr;   // [chunk,V]
};

}  // namespace graft
