// LoRA adapters (Hu et al. 2021): y = W x + scale · B (A x), with A [R,K] and B [N,R] in f32 on the device.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "model.h"
#include "trainable.h"

namespace graft {

struct LoraTensor {
  int32_t layer;
  Target target;
  int32_t rank;
  int64_t n, k;                 // shape of the weight it goes with
  int64_t a_offset, b_offset;   // floats into the parameter buffer; A [rank,k], B [n,rank]
  float scale;                  // alpha / rank, as llama.cpp applies it
  int64_t a_count() const { return rank * k; }
  int64_t b_count() const { return n * rank; }
  std::string weight_name() const;  // "blk.0.attn_q.weight"
};

class Adapter final : public Trainable {
 public:
  static std::unique_ptr<Adapter> create(Model &model, int32_t rank, float alpha, bool rslora, const std::string &targets, int64_t seed);
  static std::unique_ptr<Adapter> open(Model &model, const std::string &path);
  std::unique_ptr<Adapter> clone() const;

  // Throws GRAFT_IO.
  void save(const std::string &path, const std::string &name) const;
  std::string describe_json() const;

  const std::vector<LoraTensor> &tensors() const { return tensors_; }
  // NULL where this adapter leaves the layer alone.
  const LoraTensor *find(int32_t layer, Target target) const {
    const int32_t index = index_[size_t(layer) * kTargets + target];
    return index < 0 ? nullptr : &tensors_[size_t(index)];
  }
  gk_weight a(const LoraTensor &tensor) const { return {GK_F32, parameters() + tensor.a_offset, tensor.rank, tensor.k}; }
  gk_weight b(const LoraTensor &tensor) const { return {GK_F32, parameters() + tensor.b_offset, tensor.n, tensor.rank}; }
  int32_t first_layer() const;   // lowest layer with a tensor
  int32_t max_rank() const;

  // Names are the file's: "blk.0.attn_q.weight.lora_a".
  void locate(const std::string &name, int64_t *offset, int64_t *count) const override;
  std::vector<uint8_t> signature() const override;
  int64_t tensor_count() const override { return int64_t(tensors_.size()); }
  const char *kind() const override { return "an adapter"; }

 private:
  explicit Adapter(Model &model);
  void add(int32_t layer, Target target, int32_t rank, float scale);
  std::vector<LoraTensor> tensors_;
  std::vector<int32_t> index_;
  float alpha_ = 0;
};

// Which targets a list names ("all-linear" or names separated by commas); throws GRAFT_USAGE naming an unknown one.
std::vector<Target> parse_targets(const std::string &targets);
// Floats of parameters for a fresh adapter of this rank.
int64_t adapter_floats(const Model &model, int32_t rank, const std::vector<Target> &targets);

}  // namespace graft
