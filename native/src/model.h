// A model: its hyper-parameters and where its weights lie in the mapped file.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "gguf.h"
#include "runtime.h"

namespace graft {

// The seven linear layers of a block, in the order of the graph.
enum Target { kQuery, kKey, kValue, kOutput, kGate, kUp, kDown, kTargets };
// "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"
const char *name_of(Target target);

struct Linear {
  gk_weight weight{};
  const float *bias = nullptr;  // [n], on the device; NULL when the model has none
};

struct Layer {
  std::array<Linear, kTargets> linear;
  const float *attention_norm = nullptr;  // [C]
  const float *feed_forward_norm = nullptr;
  const float *query_norm = nullptr;      // [D]; qwen3 only
  const float *key_norm = nullptr;
};

struct Hyperparameters {
  std::string architecture, name;
  int32_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0, feed_forward = 0, vocabulary = 0;
  int64_t context_length = 0;
  float norm_eps = 1e-5f;
  gk_rope_layout rope_layout = GK_ROPE_NORM;
  int32_t rotary = 0;
  float rope_magnitude = 1;
  std::vector<float> inv_freq;  // [rotary/2]
  int64_t query_width() const { return int64_t(heads) * head_width; }
  int64_t kv_width() const { return int64_t(kv_heads) * head_width; }
};

// What a model computes with: the file's weights, or while all weights are trained their f32 copies.
struct ModelWeights {
  gk_weight embedding{}, head{};
  const float *output_norm = nullptr;
  std::vector<Layer> layers;
};

class Weights;

class Model {
 public:
  // Throws GRAFT_BAD_FILE naming the key or tensor that is missing, misshapen or not supported.
  Model(Runtime &runtime, const std::string &path);
  ~Model();
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  Runtime &runtime() const { return runtime_; }
  const gk_ops &ops() const { return runtime_.ops(); }
  gk_backend *backend() const { return runtime_.backend(); }
  const Gguf &file() const { return *file_; }
  const Hyperparameters &hyper() const { return hyper_; }
  const ModelWeights &weights() const { return weights_; }
  const Layer &layer(int32_t index) const { return weights_.layers[size_t(index)]; }
  const gk_weight &embedding() const { return weights_.embedding; }
  const gk_weight &head() const { return weights_.head; }
  const float *output_norm() const { return weights_.output_norm; }
  // The weights being trained, which this computes with; NULL when the file's are used.
  const Weights *trained() const { return trained_; }
  void compute_with(const ModelWeights &weights, const Weights *trained) {
    weights_ = weights;
    trained_ = trained;
  }
  gk_rope rope() const;
  gk_attention attention(const std::vector<gk_segment> &segments) const;

  // Shape [n, k] of a target's weight.
  void target_shape(Target target, int64_t *n, int64_t *k) const;
  int64_t parameters() const { return parameters_; }
  int64_t weight_bytes() const { return weight_bytes_; }
  // Multiply-adds counted twice, for one token through every linear layer and the head.
  double flops_per_token() const;
  std::string describe_json() const;

 private:
  friend class ModelLoader;
  Runtime &runtime_;
  std::unique_ptr<Gguf> file_;
  Hyperparameters hyper_;
  ModelWeights weights_;
  const Weights *trained_ = nullptr;
  std::vector<gk_buf> owned_;                  // small f32 tensors copied to the device
  std::vector<const void *> imported_;
  std::vector<std::string> notes_;
  int64_t parameters_ = 0, weight_bytes_ = 0;
};

}  // namespace graft
