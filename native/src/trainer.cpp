#include "trainer.h"

#include <algorithm>
#include <cmath>

namespace graft {
namespace {

void check_options(const TrainerOptions &options) {
  if (options.max_tokens < 1 || options.max_tokens > (int64_t(1) << 24)) fail(GRAFT_USAGE, "a batch of %lld tokens is out of range", (long long)options.max_tokens);
  if (options.max_targets < 0 || options.max_targets > (int64_t(1) << 25)) fail(GRAFT_USAGE, "a batch of %lld targets is out of range", (long long)options.max_targets);
  if (!(options.dropout >= 0 && options.dropout < 1)) fail(GRAFT_USAGE, "--lora-dropout must be at least 0 and below 1, not %g", double(options.dropout));
}

// What the kernels take for themselves; an upper estimate. On the CPU products pack their operands (gk_scratch in ggml-kernels). A GPU holds a slice of a weight,
// partial sums, cuBLAS's workspace and the staging ring (about 400 MiB), and in bf16 the residual stream's gradient with low-rank activations whose rank is no multiple
// of 8, or the head's operands (logits and its rows).
int64_t kernel_scratch_bytes(const Model &model, int64_t rows, int64_t head_rows, int64_t rank) {
  if (!model.runtime().on_gpu()) return int64_t(96) << 20;
  const Hyperparameters &hyper = model.hyper();
  const int64_t products = rows * (hyper.width + 6 * ((rank + 7) / 8 * 8)), head = head_rows * int64_t(hyper.vocabulary + hyper.width);
  return (int64_t(400) << 20) + 2 * std::max<int64_t>({products, head});
}

// A GPU takes a second slice's room where there is some left, and does without where there is none (ggml-kernels/docs/matmul.md): it must not make a plan fail.
int64_t with_second_slice(const Model &model, int64_t bytes) {
  const int64_t slice = int64_t(128) << 20;
  return model.runtime().on_gpu() && bytes + slice <= model.runtime().memory().free_now ? bytes + slice : bytes;
}

}  // namespace

Trainer::Trainer(Model &model, Adapter *adapter, Weights *weights, const TrainerOptions &options)
    : model_(&model), adapter_(adapter), parameters_(weights ? static_cast<Trainable *>(weights) : adapter), options_(options) {
  check_options(options);
  if (adapter && weights) fail(GRAFT_USAGE, "all weights are trained, or an adapter, not both");
  if (options.trainable && !parameters_) fail(GRAFT_USAGE, "training needs an adapter or weights");
  if (options.trainable && adapter && model.trained()) fail(GRAFT_USAGE, "an adapter cannot be trained while all weights are");
  if (options.dropout > 0 && weights) fail(GRAFT_USAGE, "--lora-dropout acts on an adapter; training all weights knows none");
  int32_t ranks[kTargets] = {};
  if (adapter)
    for (const LoraTensor &tensor : adapter->tensors()) ranks[tensor.target] = std::max(ranks[tensor.target], tensor.rank);
  declare(model, ranks, parameters_ ? parameters_->parameter_floats() : 0, weights != nullptr);
  if (!host_streams_.empty()) host_workspace_.allocate(model.runtime(), "keeping activations on the host", true);
  workspace_.allocate(model.runtime(), options.trainable ? "training" : "scoring");
}

int64_t Trainer::memory_bytes(const Model &model, int32_t rank, const std::vector<Target> &targets, const TrainerOptions &options) {
  check_options(options);
  Trainer trainer(options);
  int32_t ranks[kTargets] = {};
  for (Target target : targets) ranks[target] = rank;
  const int64_t floats = adapter_floats(model, rank, targets);
  trainer.declare(model, ranks, floats, false);
  return with_second_slice(model, trainer.workspace_.bytes() + floats * int64_t(sizeof(float)) + kernel_scratch_bytes(model, options.max_tokens, trainer.head_.chunk(), rank));
}

int64_t Trainer::memory_bytes_of_weights(const Model &model, const TrainerOptions &options) {
  check_options(options);
  Trainer trainer(options);
  const int32_t ranks[kTargets] = {};
  const int64_t floats = Weights::count(model);
  trainer.declare(model, ranks, floats, true);
  return with_second_slice(model, trainer.workspace_.bytes() + floats * int64_t(sizeof(float)) + kernel_scratch_bytes(model, options.max_tokens, trainer.head_.chunk(), 0));
}

void Trainer::declare(const Model &model, const int32_t *ranks, int64_t parameter_floats, bool weights) {
  const int32_t layers = model.hyper().layers;
  if (options_.trainable) activations_ = model.ops().activation_type(model.backend(), GK_FAST);
  const int64_t rows = options_.max_tokens;
  const bool keep = options_.trainable && options_.recompute == Recompute::kNone;
  const bool offload = options_.trainable && options_.recompute == Recompute::kOffload && model.runtime().on_gpu();
  tensors_.resize(keep ? size_t(layers) : 1);
  for (BlockTensors &tensors : tensors_) tensors.declare(&workspace_, model, rows, ranks, activations_);
  streams_.resize(options_.trainable && !offload ? size_t(layers) + 1 : 2);
  host_streams_.resize(offload ? size_t(layers) : 0);
  for (float *&stream : host_streams_) host_workspace_.add(&stream, rows * model.hyper().width);
  for (float *&stream : streams_) workspace_.add(&stream, rows * model.hyper().width);
  scratch_.declare(&workspace_, model, rows, options_.dropout > 0, activations_);
  head_.declare(&workspace_, model, options_.max_targets,
                !options_.trainable ? Head::Gradient::kNone : weights ? Head::Gradient::kWeights : Head::Gradient::kHidden, options_.recompute != Recompute::kNone, activations_);
  if (!options_.trainable) return;
  gradients_.declare(&workspace_, model, rows, ranks, activations_);
  workspace_.add(&dx_, rows * model.hyper().width);
  optimizer_.declare(&workspace_, parameter_floats);
}

// A trainer whose activations are bf16 scores as it trains: in f32 they would not fit.
void Trainer::set_precision(gk_precision precision) {
  const gk_precision possible = precision_ = activations_ == GK_F32 ? precision : GK_FAST;
  const gk_type type = model_->ops().activation_type(model_->backend(), possible);
  model_->ops().set_precision(model_->backend(), possible);
  for (BlockTensors &tensors : tensors_) tensors.set_type(type);
  scratch_.set_type(type);
  head_.set_type(type);
}

Pass Trainer::pass(bool training) const {
  Pass pass{*model_, batch_.rows(), batch_.positions.data(), {}, 0, 0, 0, nullptr};
  if (adapter_) pass.adapters.push_back({adapter_, 0, batch_.rows()});
  if (training && options_.dropout > 0) {
    pass.dropout = options_.dropout;
    pass.dropout_seed = uint64_t(options_.seed);
    pass.pass_number = passes_;
  }
  return pass;
}

void Trainer::forward(Batch batch, bool training, float *logps, float *mean_logits, float *log_squares) {
  if (training && !options_.trainable) fail(GRAFT_USAGE, "this trainer was opened for scoring only");
  run(std::move(batch), training, training ? GK_FAST : GK_PRECISE, logps, mean_logits, log_squares);
}

void Trainer::rehearse(Batch batch, float *logps, float *mean_logits, float *log_squares) {
  run(std::move(batch), false, GK_FAST, logps, mean_logits, log_squares);
}

void Trainer::run(Batch batch, bool training, gk_precision precision, float *logps, float *mean_logits, float *log_squares) {
  backward_ready_ = false;
  batch_ = std::move(batch);
  if (training) passes_++;
  Pass pass = this->pass(training);
  pass.importance = importance_.get();
  if (importance_) importance_->count_batch(batch_.rows());
  set_precision(precision);
  check(model_->ops().embed(model_->backend(), &model_->embedding(), batch_.tokens.data(), batch_.rows(), stream(0)), "embed");
  const int32_t layers = model_->hyper().layers;
  for (int32_t layer = 0; layer < layers; layer++) {
    if (training) keep(layer);
    block_forward(pass, batch_.segments, layer, stream(layer), tensors(layer), scratch_, stream(layer + 1));
  }
  head_.forward(*model_, batch_, stream(layers), training, logps, mean_logits, log_squares);
  backward_ready_ = training;
}

void Trainer::keep(int32_t layer) {
  if (!offloads()) return;
  check(model_->ops().copy(model_->backend(), host_streams_[size_t(layer)], stream(layer), batch_.rows() * model_->hyper().width * int64_t(sizeof(float))), "copy to the host");
}

float *Trainer::kept(int32_t layer) {
  if (!offloads()) return stream(layer);
  check(model_->ops().copy(model_->backend(), stream(layer), host_streams_[size_t(layer)], batch_.rows() * model_->hyper().width * int64_t(sizeof(float))), "copy from the host");
  return stream(layer);
}

void Trainer::distributions(int64_t begin, int64_t n, float *logps) {
  if (options_.trainable) fail(GRAFT_USAGE, "whole distributions need a trainer that was opened for scoring only");
  if (begin < 0 || n < 0 || begin > batch_.targets() - n)
    fail(GRAFT_USAGE, "targets %lld to %lld are not in the last batch, which has %lld", (long long)begin, (long long)(begin + n - 1), (long long)batch_.targets());
  set_precision(precision_);   // of that forward
  head_.distributions(*model_, batch_, stream(model_->hyper().layers), begin, n, logps);
}

void Trainer::backward(const float *weights) {
  if (!backward_ready_) fail(GRAFT_USAGE, "backward needs a training forward before it");
  backward_ready_ = false;
  const Pass pass = this->pass(true);
  set_precision(GK_FAST);
  const int32_t layers = model_->hyper().layers, lowest = adapter_ ? adapter_->first_layer() : 0;
  float *gradient = optimizer_.gradient();
  head_.backward(*model_, batch_, weights, gradient, dx_);
  for (int32_t layer = layers - 1; layer >= lowest; layer--) {
    const float *x = kept(layer);
    if (options_.recompute != Recompute::kNone) block_forward(pass, batch_.segments, layer, x, tensors(layer), scratch_, nullptr);
    block_backward(pass, batch_.segments, layer, x, tensors(layer), scratch_, gradients_, adapter_ && layer == lowest, gradient, dx_);
  }
  if (const Weights *trained = model_->trained()) {
    // fwd: x0[t] = W[tokens[t]]
    float *embedding = trained->gradient_of(model_->embedding().data, gradient);
    check(model_->ops().scatter_add_rows(model_->backend(), dx_, batch_.tokens.data(), batch_.rows(), model_->hyper().width, embedding), "scatter_add_rows");
  }
}

double Trainer::step(float learning_rate, float weight_decay, float max_grad_norm, float beta2) {
  if (!options_.trainable) fail(GRAFT_USAGE, "this trainer was opened for scoring only");
  return optimizer_.step(model_->runtime(), parameters_->parameters(), parameters_->decayed_floats(), learning_rate, weight_decay, max_grad_norm, beta2);
}

}  // namespace graft
