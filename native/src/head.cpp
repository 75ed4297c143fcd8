#include "head.h"

#include <algorithm>
#include <cmath>

#include "weights.h"

namespace graft {
namespace {

// Rows of logits held at once: enough to amortise unpacking the head's weights. `most` where nothing is gained by more.
int64_t chunk_rows(const Model &model, int64_t max_targets, int64_t most, int64_t bytes) {
  const int64_t fits = bytes / (int64_t(model.hyper().vocabulary) * int64_t(sizeof(float)));
  return std::min(std::max<int64_t>(max_targets, 1), std::clamp<int64_t>(fits / 32 * 32, 32, most));
}

}  // namespace

void Head::declare(Workspace *workspace, const Model &model, int64_t max_targets, Gradient gradient, bool sparing, gk_type type) {
  // A GPU multiplies 512 rows in the time in which it unpacks the head; on the CPU that is nothing beside the product.
  const bool gpu = model.runtime().on_gpu();
  const int64_t most = gpu && !sparing ? 2048 : 512, bytes = int64_t(!gpu ? 132 : sparing ? 264 : 1056) << 20;
  gradient_ = gradient;
  chunk_ = chunk_rows(model, max_targets, gradient == Gradient::kWeights ? std::max<int64_t>(max_targets, 32) : most, bytes);
  const bool backward = gradient != Gradient::kNone;
  const int64_t width = model.hyper().width, kept = backward ? std::max<int64_t>(max_targets, 1) : chunk_;
  workspace->add(&rows_, kept * width);
  workspace->add(&rstd_, kept);
  workspace->add(&normed_, chunk_ * width, type);
  workspace->add(&logits_, chunk_ * model.hyper().vocabulary);
  unit_ = nullptr;
  if (backward) workspace->add(&unit_, kept * width);
}

// Chunks of about equal size: each unpacks the whole head, whatever its rows.
int64_t Head::step(int64_t targets) const {
  const int64_t chunks = (targets + chunk_ - 1) / chunk_;
  return chunks ? std::min(chunk_, ((targets + chunks - 1) / chunks + 31) / 32 * 32) : chunk_;
}

void Head::forward(const Model &model, const Batch &batch, const float *x, bool for_backward, float *logps, float *mean_logits, float *log_squares) {
  const gk_ops &ops = model.ops();
  gk_backend *backend = model.backend();
  const int64_t width = model.hyper().width, vocabulary = model.hyper().vocabulary, step = this->step(batch.targets());
  const bool hidden = for_backward && gradient_ == Gradient::kHidden;
  const bool logits_gradient = hidden || (for_backward && kept(batch.targets()));
  for (int64_t begin = 0; begin < batch.targets(); begin += step) {
    const int64_t n = std::min(step, batch.targets() - begin), slot = for_backward ? begin : 0;
    float *rows = rows_ + slot * width;
    check(ops.gather_rows(backend, x, batch.target_rows.data() + begin, n, width, rows), "gather_rows");
    check(ops.rmsnorm_fwd(backend, gk_f32(rows), model.output_norm(), model.hyper().norm_eps, n, width, 1, width, normed_, rstd_ + slot), "rmsnorm");
    const gk_product product{model.head(), gk_f32(logits_), vocabulary, 1.0f, 0};
    check(ops.matmul_fwd(backend, 1, &product, normed_, width, n, width), "matmul (head)");
    check(ops.cross_entropy(backend, logits_, vocabulary, batch.target_ids.data() + begin, n, vocabulary, logps + begin, mean_logits ? mean_logits + begin : nullptr,
                            log_squares ? log_squares + begin : nullptr, logits_gradient),
          "cross_entropy");
    if (hidden) check(ops.matmul_dx(backend, 1, &product, gk_f32(unit_ + begin * width), width, n, width, 0), "matmul_dx (head)");
  }
}

void Head::distributions(const Model &model, const Batch &batch, const float *x, int64_t begin, int64_t n, float *host) {
  const gk_ops &ops = model.ops();
  gk_backend *backend = model.backend();
  const int64_t width = model.hyper().width, vocabulary = model.hyper().vocabulary;
  for (int64_t end = begin + n; begin < end; begin += chunk_) {
    const int64_t now = std::min(chunk_, end - begin);
    check(ops.gather_rows(backend, x, batch.target_rows.data() + begin, now, width, rows_), "gather_rows");
    check(ops.rmsnorm_fwd(backend, gk_f32(rows_), model.output_norm(), model.hyper().norm_eps, now, width, 1, width, normed_, rstd_), "rmsnorm");
    const gk_product product{model.head(), gk_f32(logits_), vocabulary, 1.0f, 0};
    check(ops.matmul_fwd(backend, 1, &product, normed_, width, now, width), "matmul (head)");
    check(ops.download(backend, host, logits_, now * vocabulary * int64_t(sizeof(float))), "download");
    for (int64_t row = 0; row < now; row++, host += vocabulary) {
      const float peak = *std::max_element(host, host + vocabulary);
      double sum = 0;
      for (int64_t i = 0; i < vocabulary; i++) sum += std::exp(double(host[i]) - peak);
      const double log_sum = double(peak) + std::log(sum);
      for (int64_t i = 0; i < vocabulary; i++) host[i] = float(host[i] - log_sum);
    }
  }
}

void Head::backward(const Model &model, const Batch &batch, const float *weights, float *parameter_gradient, float *dx) {
  const gk_ops &ops = model.ops();
  gk_backend *backend = model.backend();
  const int64_t width = model.hyper().width, n = batch.targets();
  check(ops.zero(backend, dx, batch.rows() * width * int64_t(sizeof(float))), "zero");
  if (n == 0) return;
  // fwd: normed = rmsnorm(row);  logp = f(normed·Wᵀ)
  float *norm_gradient = nullptr;
  if (gradient_ == Gradient::kWeights) {
    weights_backward(model, batch, weights, parameter_gradient);
    norm_gradient = model.trained()->gradient_of(model.output_norm(), parameter_gradient);
  } else {
    check(ops.scale_rows(backend, unit_, weights, n, width), "scale_rows");
  }
  check(ops.rmsnorm_bwd(backend, gk_f32(unit_), gk_f32(rows_), model.output_norm(), rstd_, n, width, 1, width, gk_f32(unit_), 0, norm_gradient), "rmsnorm_bwd");
  check(ops.scatter_add_rows(backend, unit_, batch.target_rows.data(), n, width, dx), "scatter_add_rows");
}

// unit_ = d loss / d normed, and the head's gradient.
void Head::weights_backward(const Model &model, const Batch &batch, const float *weights, float *parameter_gradient) {
  const gk_ops &ops = model.ops();
  gk_backend *backend = model.backend();
  const int64_t width = model.hyper().width, vocabulary = model.hyper().vocabulary, step = this->step(batch.targets());
  std::vector<float> logps(size_t(std::min(step, batch.targets())));
  for (int64_t begin = 0; begin < batch.targets(); begin += step) {
    const int64_t n = std::min(step, batch.targets() - begin);
    const gk_product product{model.head(), gk_f32(logits_), vocabulary, 1.0f, 0};
    if (!kept(batch.targets())) {
      check(ops.rmsnorm_fwd(backend, gk_f32(rows_ + begin * width), model.output_norm(), model.hyper().norm_eps, n, width, 1, width, normed_, rstd_ + begin), "rmsnorm");
      check(ops.matmul_fwd(backend, 1, &product, normed_, width, n, width), "matmul (head)");
      check(ops.cross_entropy(backend, logits_, vocabulary, batch.target_ids.data() + begin, n, vocabulary, logps.data(), nullptr, nullptr, 1), "cross_entropy");
    }
    // fwd: logits = normed·Wᵀ
    check(ops.scale_rows(backend, logits_, weights + begin, n, vocabulary), "scale_rows");
    check(ops.matmul_dw(backend, gk_f32(logits_), vocabulary, normed_, width, n, vocabulary, width, 1.0f, model.trained()->gradient_of(model.head().data, parameter_gradient)), "matmul_dw (head)");
    check(ops.matmul_dx(backend, 1, &product, gk_f32(unit_ + begin * width), width, n, width, 0), "matmul_dx (head)");
  }
}

}  // namespace graft
