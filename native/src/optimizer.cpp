#include "optimizer.h"

#include <cmath>

namespace graft {

void Optimizer::declare(Workspace *workspace, int64_t count) {
  count_ = count;
  workspace->add(&gradient_, count);
  workspace->add(&first_, count);
  workspace->add(&second_, count);
}

double Optimizer::step(Runtime &runtime, float *parameters, int64_t decayed, float learning_rate, float weight_decay, float max_grad_norm, float beta2) {
  if (!(learning_rate >= 0) || !std::isfinite(learning_rate)) fail(GRAFT_USAGE, "the learning rate must be a number of at least 0, not %g", double(learning_rate));
  if (!(weight_decay >= 0) || !std::isfinite(weight_decay)) fail(GRAFT_USAGE, "--weight-decay must be a number of at least 0, not %g", double(weight_decay));
  if (!(max_grad_norm >= 0)) fail(GRAFT_USAGE, "--max-grad-norm must be at least 0 (0: no clipping), not %g", double(max_grad_norm));
  if (!(beta2 >= 0 && beta2 < 1)) fail(GRAFT_USAGE, "--adam-beta2 must be at least 0 and below 1, not %g", double(beta2));
  double squares = 0;
  check(runtime.ops().sum_squares(runtime.backend(), gradient_, count_, &squares), "sum_squares");
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm)) fail(GRAFT_NOT_FINITE, "the gradient has a NaN or infinity after %lld updates", (long long)updates_);
  double scale = 1;
  if (max_grad_norm > 0) scale = std::min(1.0, double(max_grad_norm) / (norm + 1e-6));  // as torch.nn.utils.clip_grad_norm_
  gk_adamw settings{learning_rate, 0.9f, beta2, 1e-8f, weight_decay, updates_ + 1, float(scale)};
  check(runtime.ops().adamw(runtime.backend(), &settings, gradient_, parameters, first_, second_, decayed), "adamw");
  settings.weight_decay = 0;
  if (decayed < count_)
    check(runtime.ops().adamw(runtime.backend(), &settings, gradient_ + decayed, parameters + decayed, first_ + decayed, second_ + decayed, count_ - decayed), "adamw");
  check(runtime.ops().zero(runtime.backend(), gradient_, count_ * int64_t(sizeof(float))), "zero");
  updates_++;
  return norm;
}

}  // namespace graft
