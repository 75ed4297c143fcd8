#include "head.h"

#include <algorithm>

namespace graft {
namespace {

// Rows of logits held at once: enough to amortise unpacking the head's weights, at most about 132 MiB.
int64_t chunk_rows(const Model &model, int64_t max_targets) {
  const int64_t fits = (int64_t(132) << 20) / (int64_t(model.hyper().vocabulary) * int64_t(sizeof(float)));
  return std::min(std::max<int64_t>(max_targets, 1), std::clamp<int64_t>(fits / 32 * 32, 32, 512));
}

}  // namespace

void Head::declare(Workspace *workspace, const Model &model, int64_t max_targets, bool with_gradient) {
  chunk_ = chunk_rows(model, max_targets);
  const int64_t width = model.hyper().width, kept = with_gradient ? std::max<int64_t>(max_targets, 1) : chunk_;
  workspace->add(&rows_, kept * width);
  workspace->add(&rstd_, kept);
  workspace->add(&normed_, chunk_ * width);
  workspace->add(&logits_, chunk_ * model.hyper().vocabulary);
  unit_ = nullptr;
  if (with_gradient) workspace->add(&unit_, kept * width);
}

void Head::forward(const Model &model, const Batch &batch, const float *x, bool with_gradient, float *logps, float *mean_logits,
                   float *log_squares) {
  const gk_ops &ops = model.ops();
  gk_backend *backend = model.backend();
  const int64_t width = model.hyper().width, vocabulary = model.hyper().vocabulary;
  // Chunks of about equal size: each unpacks the whole head, whatever its rows.
  const int64_t chunks = (batch.targets() + chunk_ - 1) / chunk_;
  const int64_t step = chunks ? std::min(chunk_, ((batch.targets() + chunks - 1) / chunks + 31) / 32 * 32) : chunk_;
  for (int64_t begin = 0; begin < batch.targets(); begin += step) {
    const int64_t n = std::min(step, batch.targets() - begin), slot = with_gradient ? begin : 0;
    float *rows = rows_ + slot * width;
    check(ops.gather_rows(backend, x, batch.target_rows.data() + begin, n, width, rows), "gather_rows");
    check(ops.rmsnorm_fwd(backend, rows, model.output_norm(), model.hyper().norm_eps, n, width, 1, width, normed_, rstd_ + slot), "rmsnorm");
    const gk_product product{model.head(), logits_, vocabulary, 1.0f, 0};
    check(ops.matmul_fwd(backend, 1, &product, normed_, width, n, width), "matmul (head)");
    check(ops.cross_entropy(backend, logits_, vocabulary, batch.target_ids.data() + begin, n, vocabulary, logps + begin, mean_logits ? mean_logits + begin : nullptr,
                            log_squares ? log_squares + begin : nullptr, with_gradient),
          "cross_entropy");
    if (with_gradient) check(ops.matmul_dx(backend, 1, &product, unit_ + begin * width, width, n, width, 0), "matmul_dx (head)");
  }
}

void Head::backward(const Model &model, const Batch &batch, const float *weights, float *dx) {
  const gk_ops &ops = model.ops();
  gk_backend *backend = model.backend();
  const int64_t width = model.hyper().width, n = batch.targets();
  check(ops.zero(backend, dx, batch.rows() * width * int64_t(sizeof(float))), "zero");
  if (n == 0) return;
  // fwd: normed = rmsnorm(row);  logp = f(normed·Wᵀ)
  check(ops.scale_rows(backend, unit_, weights, n, width), "scale_rows");
  check(ops.rmsnorm_bwd(backend, unit_, rows_, model.output_norm(), rstd_, n, width, 1, width, unit_, 0, nullptr), "rmsnorm_bwd");
  check(ops.scatter_add_rows(backend, unit_, batch.target_rows.data(), n, width, dx), "scatter_add_rows");
}

}  // namespace graft
