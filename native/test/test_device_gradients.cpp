// Training in bf16 on a GPU beside the CPU in f32: log-probabilities, and the direction and length of the whole gradient, for each kind of block.
//
// Activations and operands are off by 2^-8 of themselves at most, without preference of sign. A log-probability has passed about 7 products a layer, a gradient twice as many: a
// part that is left out, or added twice, is of the size of the gradient itself.
#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

struct Case {
  const char *name, *architecture, *mix;
  int heads, kv_heads, head_width, rank;
  const char *targets;
  float dropout;
  Recompute recompute;
};

struct Outcome {
  std::vector<float> logps, evaluated, gradient;
};

// Rows end to end, then two answers that share a prompt.
Batch batch(const Trainer &trainer, int vocabulary) {
  const std::vector<int32_t> lengths{37, 24, 9, 11}, prefixes{-1, -1, 1, 1}, tokens = random_tokens(81, vocabulary, 3);
  std::vector<int32_t> rows, ids;
  for (int32_t i = 20; i < 80; i++) rows.push_back(i), ids.push_back(tokens[size_t(i) + 1]);
  return make_batch(vocabulary, trainer.options().max_tokens, trainer.options().max_targets, int32_t(lengths.size()), lengths.data(), prefixes.data(), tokens.data(), int64_t(rows.size()), rows.data(),
                    ids.data());
}

Outcome compute(const char *device, const std::string &path, const Case &c) {
  Runtime runtime(device, nullptr, 1);
  Model model(runtime, path);
  const std::unique_ptr<Adapter> adapter = filled_adapter(model, c.rank, c.targets, 9);
  TrainerOptions o = options(true, false, c.dropout);
  o.recompute = c.recompute;
  Trainer trainer(model, adapter.get(), o);
  Outcome outcome;
  const Batch rows = batch(trainer, model.hyper().vocabulary);
  outcome.evaluated.resize(60), outcome.logps.resize(60);
  trainer.forward(rows, false, outcome.evaluated.data());
  trainer.forward(rows, true, outcome.logps.data());
  std::vector<float> weights(60);
  for (size_t i = 0; i < weights.size(); i++) weights[i] = i % 3 ? -0.02f : 0.01f;
  trainer.backward(weights.data());
  outcome.gradient = gradient_of(trainer);
  return outcome;
}

double dot(const std::vector<float> &a, const std::vector<float> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += double(a[i]) * double(b[i]);
  return sum;
}

void compare(const Case &c) {
  Folder folder;
  RandomModelSpec s;
  s.architecture = c.architecture, s.mix = c.mix, s.layers = 2, s.width = 256, s.heads = c.heads, s.kv_heads = c.kv_heads, s.head_width = c.head_width;
  s.feed_forward = 768, s.vocabulary_size = 600, s.seed = 5;
  write_random_model(folder / "model.gguf", s);
  const Outcome cpu = compute("cpu", folder / "model.gguf", c), gpu = compute("cuda", folder / "model.gguf", c);
  const double unit = std::ldexp(std::sqrt(7.0 * s.layers), -8);
  for (size_t i = 0; i < cpu.logps.size(); i++) {
    close_to("evaluated", gpu.evaluated[i], cpu.evaluated[i], 8 * unit);
    close_to("logp", gpu.logps[i], cpu.logps[i], 8 * unit);
  }
  // Each tensor of the adapter by itself would hide behind no other; the whole shows a part that is missing just as well.
  const double cosine = dot(cpu.gradient, gpu.gradient) / std::sqrt(dot(cpu.gradient, cpu.gradient) * dot(gpu.gradient, gpu.gradient));
  const double length = std::sqrt(dot(gpu.gradient, gpu.gradient) / dot(cpu.gradient, cpu.gradient));
  std::printf("%-44s gradient's direction off by %.4f, its length by %.4f\n", c.name, std::sqrt(std::max(0.0, 2 - 2 * cosine)), length - 1);
  close_to("length", length, 1, unit);
  close_to("direction", cosine, 1, 2 * unit * unit);
}

}  // namespace

int main() {
  const Case cases[] = {
      {"llama", "llama", "Q4_K_M", 4, 2, 64, 8, "all-linear", 0, Recompute::kNone},
      {"llama, heads of 128, a rank that pads", "llama", "Q8_0", 2, 1, 128, 5, "all-linear", 0, Recompute::kBlock},
      {"llama, heads of 32, some targets, dropout", "llama", "F16", 8, 4, 32, 16, "attn_q,attn_v,ffn_down", 0.25f, Recompute::kNone},
      {"qwen2, biases", "qwen2", "Q4_K_M", 4, 1, 64, 8, "all-linear", 0, Recompute::kOffload},
      {"qwen3, norms of heads", "qwen3", "Q5_K_M", 4, 2, 64, 16, "all-linear", 0.1f, Recompute::kBlock},
  };
  for (const Case &c : cases) run(c.name, [&] { compare(c); });
  return finish("test_device_gradients");
}
