// Every weight of a model as f32 on the device, to be trained: for pretraining and full fine-tuning. While this lives, its model computes
// with these instead of the file's.
//
// Matrices come first, then norms and biases, which weight decay leaves alone. A gradient lies like the parameters.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "model.h"
#include "trainable.h"

namespace graft {

class Weights final : public Trainable {
 public:
  // Copies the model's weights. Throws GRAFT_USAGE when one is quantized (f32, f16 and bf16 can be trained) or the model has such already.
  static std::unique_ptr<Weights> open(Model &model);
  ~Weights() override;

  // The model's file with these weights: each in the type it had, or with `type` ("F32", "F16", "BF16", "Q8_0") the matrices in that one where
  // their rows allow. name: general.name, empty for the source's. Throws GRAFT_USAGE, GRAFT_IO, GRAFT_NOT_FINITE.
  void save(const std::string &path, const std::string &type, const std::string &name) const;
  // {"parameters","bytes","tensors":[{"name","count"}]}
  std::string describe_json() const;

  // f32 numbers that open would make room for; throws GRAFT_USAGE as open does.
  static int64_t count(const Model &model);

  // Where the gradient of one of the model's weights lies.
  float *gradient_of(const void *weight, float *gradient) const { return gradient + (static_cast<const float *>(weight) - parameters()); }

  int64_t decayed_floats() const override { return decayed_; }
  void locate(const std::string &name, int64_t *offset, int64_t *count) const override;
  std::vector<uint8_t> signature() const override;
  int64_t tensor_count() const override { return int64_t(tensors_.size()); }
  const char *kind() const override { return "a model"; }

 private:
  struct Tensor {
    const GgufTensor *source;
    int64_t offset;
  };
  explicit Weights(Model &model) : Trainable(model) {}
  void read();
  void bind();
  const float *at(const std::string &name) const;
  const Tensor *find(const std::string &name) const;

  std::vector<Tensor> tensors_;
  int64_t decayed_ = 0;
  ModelWeights frozen_;   // what the model computed with before
  bool bound_ = false;
};

}  // namespace graft
