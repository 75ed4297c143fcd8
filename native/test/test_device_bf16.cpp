// A GPU in bf16. Training beside the CPU in f32: log-probabilities, and the direction and length of the whole gradient, for each kind of block. A fresh adapter changes nothing. What
// is generated does not depend on what stands beside it.
//
// Activations and operands are off by 2^-8 of themselves at most, without preference of sign. A log-probability has passed about 7 products a layer, a gradient twice as many: a
// part that is left out, or added twice, is of the size of the gradient itself.
#include "generator.h"
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

RandomModelSpec spec(const char *mix) {
  RandomModelSpec s;
  s.mix = mix, s.layers = 2, s.width = 256, s.heads = 4, s.kv_heads = 2, s.feed_forward = 768, s.vocabulary_size = 600, s.seed = 5;
  return s;
}

double dot(const std::vector<float> &a, const std::vector<float> &b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += double(a[i]) * double(b[i]);
  return sum;
}

void compare(const Case &c) {
  Folder folder;
  RandomModelSpec s = spec(c.mix);
  s.architecture = c.architecture, s.heads = c.heads, s.kv_heads = c.kv_heads, s.head_width = c.head_width;
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

// DPO begins with a policy that is its reference: an adapter whose B is zero gives the log-probabilities of the bare base.
void fresh_adapter() {
  Folder folder;
  write_random_model(folder / "model.gguf", spec("Q4_K_M"));
  Runtime runtime("cuda", nullptr, 1);
  Model model(runtime, folder / "model.gguf");
  const std::unique_ptr<Adapter> adapter = Adapter::create(model, 16, 32, false, "all-linear", 3);
  Trainer policy(model, adapter.get(), options(true)), reference(model, nullptr, options(false));
  std::vector<float> learnt(60), fixed(60);
  policy.forward(batch(policy, 600), true, learnt.data());
  reference.rehearse(batch(reference, 600), fixed.data());
  double largest = 0;
  for (size_t i = 0; i < 60; i++) largest = std::max(largest, std::fabs(double(learnt[i]) - double(fixed[i])));
  std::printf("a fresh adapter                              moves log-probabilities by %.2g at most\n", largest);
  close_to("moved", largest, 0, 1e-6);
}

// Log-probabilities of the whole vocabulary after the first of some sequences of few tokens, each under these adapters.
std::vector<float> beside(Model &model, const std::vector<const Adapter *> &all, const std::vector<std::vector<int32_t>> &adapters) {
  GeneratorOptions o;
  o.sequences = 3, o.context = 32;
  Generator g(model, o);
  for (const Adapter *adapter : all) g.add_adapter(*adapter);
  std::vector<int32_t> sequences, lengths, tokens, keep;
  for (size_t i = 0; i < adapters.size(); i++) {
    const std::vector<int32_t> own = random_tokens(9, 300, uint32_t(i + 1));
    g.begin(int32_t(i), int32_t(adapters[i].size()), adapters[i].data(), nullptr, 9, own.data(), 20, false);
    // The sequence itself comes last, so that spans of the others are there before.
    tokens.insert(i ? tokens.begin() : tokens.end(), own.begin(), own.end());
    sequences.insert(sequences.begin(), int32_t(i));
    lengths.push_back(9), keep.push_back(kLogits);
  }
  g.append(int32_t(sequences.size()), sequences.data(), lengths.data(), tokens.data(), keep.data());
  std::vector<int32_t> ids(300);
  std::vector<float> logps(300), by_id(300);
  g.log_probability(0, 0, 300, ids.data(), logps.data());
  for (size_t i = 0; i < 300; i++) by_id[size_t(ids[i])] = logps[i];
  return by_id;
}

void neighbours() {
  Folder folder;
  RandomModelSpec s;
  s.mix = "Q8_0", s.layers = 3, s.width = 64, s.heads = 4, s.kv_heads = 2, s.head_width = 32, s.feed_forward = 96, s.vocabulary_size = 300;
  write_random_model(folder / "model.gguf", s);
  Runtime runtime("cuda", nullptr, 1);
  Model model(runtime, folder / "model.gguf");
  const std::unique_ptr<Adapter> one = filled_adapter(model, 8, "all-linear", 1), two = filled_adapter(model, 4, "attn_q,attn_v,ffn_up", 2), three = filled_adapter(model, 16, "all-linear", 3);
  const std::vector<const Adapter *> all{one.get(), two.get(), three.get()};
  using Groups = std::vector<std::vector<int32_t>>;
  for (const std::vector<int32_t> &own : Groups{{0}, {0, 1}, {1, 2}}) {
    const std::vector<float> alone = beside(model, all, {own});
    for (const Groups &others : std::vector<Groups>{{{0, 1}}, {{0}}, {{1}}, {{}}, {{1}, {0}}, {{}, {1}}, {{0, 1, 2}, {0, 2}}}) {
      Groups together{own};
      together.insert(together.end(), others.begin(), others.end());
      CHECK(beside(model, all, together) == alone);
    }
  }
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
  run("fresh_adapter", fresh_adapter);
  run("neighbours", neighbours);
  return finish("test_device_bf16");
}
