// The oracle of the model tests: llama, qwen2 and qwen3 with LoRA stated plainly, one token at a time, in double precision and
// without any of the code under test but the file reader and the reference dequantization.
#pragma once
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "gguf.h"

namespace graft::testing {

using Vector = std::vector<double>;

class PlainModel {
 public:
  explicit PlainModel(const Gguf &file) : file_(file) {
    arch_ = file.require_string("general.architecture");
    layers_ = int(file.require_int(arch_ + ".block_count"));
    width_ = int(file.require_int(arch_ + ".embedding_length"));
    heads_ = int(file.require_int(arch_ + ".attention.head_count"));
    kv_heads_ = int(file.get_int(arch_ + ".attention.head_count_kv", heads_));
    head_ = int(file.get_int(arch_ + ".attention.key_length", width_ / heads_));
    eps_ = file.get_float(arch_ + ".attention.layer_norm_rms_epsilon", 0);
    base_ = file.get_float(arch_ + ".rope.freq_base", 10000);
    linear_ = file.get_float(arch_ + ".rope.scaling.factor", 1);
    for (const GgufTensor &tensor : file.tensors()) {
      std::vector<float> values(size_t(tensor.elements()));
      gk_dequantize_ref(tensor.type, tensor.data, values.data(), tensor.elements());
      weights_[tensor.name] = Vector(values.begin(), values.end());
    }
  }

  Vector &weight(const std::string &name) { return weights_.at(name); }

  // LoRA of a weight: A [R,K], B [N,R].
  struct Lora { int rank = 0; Vector a, b; };
  std::map<std::string, Lora> lora;
  double lora_scale = 0;

  // log p of each token given those before it: result[i] belongs to tokens[i + 1].
  Vector logps(const std::vector<int32_t> &tokens) const { return score(tokens).logps; }

  // With what else is known of the distribution that each is drawn from: the mean of its logits, and log Σ p².
  struct Scores { Vector logps, mean_logits, log_squares; };
  Scores score(const std::vector<int32_t> &tokens) const {
    const size_t n = tokens.size();
    std::vector<Vector> x(n);
    for (size_t t = 0; t < n; t++) x[t] = row("token_embd.weight", tokens[t], width_);
    for (int layer = 0; layer < layers_; layer++) block(layer, x);
    Scores result;
    const bool untied = weights_.count("output.weight") != 0;
    const Vector &head = weights_.at(untied ? "output.weight" : "token_embd.weight");
    for (size_t t = 0; t + 1 < n; t++) {
      const Vector h = norm(x[t], weights_.at("output_norm.weight"));
      const Vector logits = times(head, h);
      double peak = logits[0], sum = 0, total = 0, squares = 0;
      for (double v : logits) peak = std::max(peak, v), total += v;
      for (double v : logits) sum += std::exp(v - peak);
      for (double v : logits) squares += std::pow(std::exp(v - peak) / sum, 2);
      result.logps.push_back(logits[size_t(tokens[t + 1])] - peak - std::log(sum));
      result.mean_logits.push_back(total / double(logits.size()));
      result.log_squares.push_back(std::log(squares));
    }
    return result;
  }

 private:
  Vector row(const std::string &name, int index, int count) const {
    const Vector &w = weights_.at(name);
    return Vector(w.begin() + long(index) * count, w.begin() + long(index + 1) * count);
  }
  Vector norm(const Vector &x, const Vector &w) const {
    double squares = 0;
    for (double v : x) squares += v * v;
    const double scale = 1 / std::sqrt(squares / double(x.size()) + eps_);
    Vector y(x.size());
    for (size_t i = 0; i < x.size(); i++) y[i] = x[i] * scale * w[i];
    return y;
  }
  static Vector times(const Vector &w, const Vector &x) {
    Vector y(w.size() / x.size(), 0.0);
    for (size_t r = 0; r < y.size(); r++)
      for (size_t c = 0; c < x.size(); c++) y[r] += w[r * x.size() + c] * x[c];
    return y;
  }
  Vector linear(const std::string &name, const Vector &x) const {
    Vector y = times(weights_.at(name + ".weight"), x);
    if (auto bias = weights_.find(name + ".bias"); bias != weights_.end())
      for (size_t i = 0; i < y.size(); i++) y[i] += bias->second[i];
    if (auto found = lora.find(name + ".weight"); found != lora.end()) {
      const Vector low = times(found->second.a, x), add = times(found->second.b, low);
      for (size_t i = 0; i < y.size(); i++) y[i] += lora_scale * add[i];
    }
    return y;
  }
  void rotate(Vector &v, int heads, size_t position) const {
    const auto factors = weights_.find("rope_freqs.weight");
    for (int h = 0; h < heads; h++)
      for (int p = 0; p < head_ / 2; p++) {
        double angle = double(position) * std::pow(base_, -2.0 * p / head_) / linear_;
        if (factors != weights_.end()) angle /= factors->second[size_t(p)];
        const size_t first = size_t(h * head_) + size_t(arch_ == "llama" ? 2 * p : p);
        const size_t second = size_t(h * head_) + size_t(arch_ == "llama" ? 2 * p + 1 : p + head_ / 2);
        const double a = v[first], b = v[second];
        v[first] = a * std::cos(angle) - b * std::sin(angle);
        v[second] = a * std::sin(angle) + b * std::cos(angle);
      }
  }
  void head_norms(Vector &v, int heads, const std::string &name) const {
    if (!weights_.count(name)) return;
    for (int h = 0; h < heads; h++) {
      const Vector y = norm(Vector(v.begin() + h * head_, v.begin() + (h + 1) * head_), weights_.at(name));
      std::copy(y.begin(), y.end(), v.begin() + h * head_);
    }
  }
  void block(int layer, std::vector<Vector> &x) const {
    const std::string name = "blk." + std::to_string(layer) + ".";
    const size_t n = x.size();
    std::vector<Vector> q(n), k(n), v(n);
    for (size_t t = 0; t < n; t++) {
      const Vector h = norm(x[t], weights_.at(name + "attn_norm.weight"));
      q[t] = linear(name + "attn_q", h);
      k[t] = linear(name + "attn_k", h);
      v[t] = linear(name + "attn_v", h);
      head_norms(q[t], heads_, name + "attn_q_norm.weight");
      head_norms(k[t], kv_heads_, name + "attn_k_norm.weight");
      rotate(q[t], heads_, t);
      rotate(k[t], kv_heads_, t);
    }
    for (size_t t = 0; t < n; t++) {
      Vector out(size_t(heads_ * head_), 0.0);
      for (int h = 0; h < heads_; h++) {
        const size_t at = size_t(h * head_), kv = size_t(h / (heads_ / kv_heads_) * head_);
        Vector scores(t + 1);
        double peak = -1e300, sum = 0;
        for (size_t s = 0; s <= t; s++) {
          for (int d = 0; d < head_; d++) scores[s] += q[t][at + size_t(d)] * k[s][kv + size_t(d)];
          scores[s] /= std::sqrt(double(head_));
          peak = std::max(peak, scores[s]);
        }
        for (double &score : scores) sum += score = std::exp(score - peak);
        for (size_t s = 0; s <= t; s++)
          for (int d = 0; d < head_; d++) out[at + size_t(d)] += scores[s] / sum * v[s][kv + size_t(d)];
      }
      const Vector add = linear(name + "attn_output", out);
      for (int i = 0; i < width_; i++) x[t][size_t(i)] += add[size_t(i)];
      const Vector h = norm(x[t], weights_.at(name + "ffn_norm.weight"));
      Vector gate = linear(name + "ffn_gate", h);
      const Vector up = linear(name + "ffn_up", h);
      for (size_t i = 0; i < gate.size(); i++) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
      const Vector down = linear(name + "ffn_down", gate);
      for (int i = 0; i < width_; i++) x[t][size_t(i)] += down[size_t(i)];
    }
  }

  const Gguf &file_;
  std::string arch_;
  int layers_, width_, heads_, kv_heads_, head_;
  double eps_, base_, linear_;
  std::map<std::string, Vector> weights_;
};

}  // namespace graft::testing
