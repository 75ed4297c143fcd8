// AdamW over all parameters at once (Loshchilov & Hutter 2019), with clipping by the global norm.
#pragma once
#include "runtime.h"

namespace graft {

class Optimizer {
 public:
  // count floats; gradient, first and second moment are declared here.
  void declare(Workspace *workspace, int64_t count);
  float *gradient() const { return gradient_; }
  float *first_moment() const { return first_; }
  float *second_moment() const { return second_; }
  int64_t count() const { return count_; }
  int64_t updates() const { return updates_; }
  void set_updates(int64_t updates) { updates_ = updates; }
  // See graft_trainer_step. Returns the norm before clipping. Weight decay acts on the first `decayed` parameters.
  double step(Runtime &runtime, float *parameters, int64_t decayed, float learning_rate, float weight_decay, float max_grad_norm, float beta2);

 private:
  int64_t count_ = 0, updates_ = 0;
  float *gradient_ = nullptr, *first_ = nullptr, *second_ = nullptr;
};

}  // namespace graft
