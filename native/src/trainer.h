// Scores packed batches, and trains an adapter or all weights on them: forward, backward, step.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "batch.h"
#include "block.h"
#include "head.h"
#include "importance.h"
#include "optimizer.h"
#include "weights.h"

namespace graft {

// What the backward finds of the forward: all activations; each block's input, from which the block is computed again; or the same with those inputs in the host's
// memory, which on the CPU is no difference.
enum class Recompute { kNone, kBlock, kOffload };

struct TrainerOptions {
  bool trainable = false;
  int64_t max_tokens = 0, max_targets = 0;
  Recompute recompute = Recompute::kNone;
  float dropout = 0;
  int64_t seed = 0;
};

class Trainer {
 public:
  // Both NULL: the bare base, scoring only. With weights, those are trained, and no adapter is allowed. Allocates everything; throws
  // GRAFT_OUT_OF_MEMORY.
  Trainer(Model &model, Adapter *adapter, Weights *weights, const TrainerOptions &options);
  Trainer(Model &model, Adapter *adapter, const TrainerOptions &options) : Trainer(model, adapter, nullptr, options) {}
  // What the constructor would allocate for a fresh adapter of this rank, the adapter included.
  static int64_t memory_bytes(const Model &model, int32_t rank, const std::vector<Target> &targets, const TrainerOptions &options);
  // The same for training all weights, the weights included.
  static int64_t memory_bytes_of_weights(const Model &model, const TrainerOptions &options);

  // logps, and unless NULL mean_logits and log_squares, have one number for each target; see graft_trainer_forward.
  void forward(Batch batch, bool training, float *logps, float *mean_logits = nullptr, float *log_squares = nullptr);
  // Scores with the numerics of a training pass (whose products may be coarser, see gk_precision), without dropout, and keeps nothing: for DPO's
  // reference, which must meet the policy's log-probabilities where the two models are one.
  void rehearse(Batch batch, float *logps, float *mean_logits = nullptr, float *log_squares = nullptr);
  // After a forward for scoring: log-probabilities of the whole vocabulary [n,V] that targets begin to begin + n - 1 were drawn from.
  void distributions(int64_t begin, int64_t n, float *logps);
  void backward(const float *weights);
  double step(float learning_rate, float weight_decay, float max_grad_norm, float beta2 = 0.999f);

  // From now on forward passes add to this matrix; NULL: no more.
  void observe(std::shared_ptr<Importance> importance) { importance_ = std::move(importance); }

  const Batch &batch() const { return batch_; }
  const Model &model() const { return *model_; }
  // What is trained; NULL for the bare base.
  Trainable *parameters() const { return parameters_; }
  const TrainerOptions &options() const { return options_; }
  Optimizer &optimizer() { return optimizer_; }
  uint64_t passes() const { return passes_; }
  void set_passes(uint64_t passes) { passes_ = passes; }

  // Throw GRAFT_IO or GRAFT_BAD_FILE; see graft_trainer_save.
  void save(const std::string &path);
  void load(const std::string &path);

 private:
  explicit Trainer(const TrainerOptions &options) : options_(options) {}
  void declare(const Model &model, const int32_t *ranks, int64_t parameter_floats, bool weights);
  // The precision from now on, and the activations' type with it.
  void set_precision(gk_precision precision);
  Pass pass(bool training) const;
  void run(Batch batch, bool training, gk_precision precision, float *logps, float *mean_logits, float *log_squares);
  BlockTensors &tensors(int32_t layer) { return tensors_[tensors_.size() == 1 ? 0 : size_t(layer)]; }
  float *stream(int32_t index) const { return streams_[streams_.size() == 2 ? size_t(index) % 2 : size_t(index)]; }
  bool offloads() const { return options_.trainable && options_.recompute == Recompute::kOffload && model_->runtime().on_gpu(); }
  void keep(int32_t layer);        // stream(layer) to the host
  float *kept(int32_t layer);      // stream(layer) as the backward needs it

  Model *model_ = nullptr;
  gk_type activations_ = GK_F32;        // what there is room for
  gk_precision precision_ = GK_PRECISE; // of the last pass
  Adapter *adapter_ = nullptr;
  Trainable *parameters_ = nullptr;     // the adapter or the weights
  TrainerOptions options_;
  Workspace workspace_, host_workspace_;
  std::vector<float *> host_streams_;   // one for each layer, when they are offloaded
  std::vector<BlockTensors> tensors_;   // one for each layer, or one for all
  std::vector<float *> streams_;        // residual stream before each layer and after the last; two in turn when only scoring, or when kept on the host
  BlockScratch scratch_{};
  BlockGradients gradients_{};
  float *dx_ = nullptr;                 // [T,C]
  Head head_;
  Optimizer optimizer_;
  Batch batch_;
  uint64_t passes_ = 0;                 // training passes so far; numbers the dropout masks
  bool backward_ready_ = false;
  std::shared_ptr<Importance> importance_;
};

}  // namespace graft
