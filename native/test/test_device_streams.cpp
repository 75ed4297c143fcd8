// Training on a GPU whose weights are dequantized on a second stream, and whose products remember activations, gives the bits of one that does one thing after the other.
#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

struct Outcome {
  std::vector<float> logps, scores, parameters;
  bool operator==(const Outcome &o) const { return logps == o.logps && scores == o.scores && parameters == o.parameters; }
};

std::vector<float> parameters_of(Model &model, const Trainable &trained) {
  std::vector<float> host(static_cast<size_t>(trained.parameter_floats()));
  check(model.ops().download(model.backend(), host.data(), trained.parameters(), trained.parameter_floats() * 4), "download");
  return host;
}

// Rows end to end, then two answers that share a prompt.
Batch batch(const Trainer &trainer, int vocabulary) {
  const std::vector<int32_t> lengths{17, 14, 9, 11}, prefixes{-1, -1, 1, 1}, tokens = random_tokens(51, vocabulary, 3);
  std::vector<int32_t> rows, ids;
  for (int32_t i = 0; i < 50; i++) rows.push_back(i), ids.push_back(tokens[size_t(i) + 1]);
  return make_batch(vocabulary, trainer.options().max_tokens, trainer.options().max_targets, int32_t(lengths.size()), lengths.data(), prefixes.data(), tokens.data(), int64_t(rows.size()), rows.data(), ids.data());
}

// Two steps, and a scoring between them in f32.
Outcome train(const std::string &path, bool weights, Recompute recompute, float dropout) {
  Runtime runtime("cuda", nullptr, 1);
  Model model(runtime, path);
  const int vocabulary = model.hyper().vocabulary;
  std::unique_ptr<Adapter> adapter = weights ? nullptr : filled_adapter(model, 4, "all-linear", 9);
  std::unique_ptr<Weights> all = weights ? Weights::open(model) : nullptr;
  TrainerOptions o = options(true, false, dropout);
  o.recompute = recompute;
  Trainer trainer(model, adapter.get(), all.get(), o);
  Outcome outcome;
  for (int step = 0; step < 2; step++) {
    std::vector<float> logps(50);
    trainer.forward(batch(trainer, vocabulary), true, logps.data());
    outcome.logps.insert(outcome.logps.end(), logps.begin(), logps.end());
    trainer.backward(std::vector<float>(50, -0.02f).data());
    trainer.step(1e-3f, 0.01f, 1);
    if (step == 1) continue;
    outcome.scores.resize(50);
    trainer.forward(batch(trainer, vocabulary), false, outcome.scores.data());
  }
  outcome.parameters = parameters_of(model, *trainer.parameters());
  for (float v : outcome.parameters) CHECK(std::isfinite(v));
  return outcome;
}

void set(const char *synchronous, const char *overlap) {
  setenv("GRAFT_CUDA_SYNC", synchronous, 1);
  setenv("GRAFT_CUDA_OVERLAP", overlap, 1);
}

void compare(const char *name, const std::string &path, bool weights, Recompute recompute, float dropout) {
  set("1", "0");
  const Outcome plain = train(path, weights, recompute, dropout);
  set("0", "0");
  const Outcome queued = train(path, weights, recompute, dropout);
  set("0", "1");
  const Outcome overlapped = train(path, weights, recompute, dropout);
  if (!(queued == plain) || !(overlapped == plain)) std::printf("%s: queued %d, overlapped %d\n", name, queued == plain, overlapped == plain);
  CHECK(queued == plain);
  CHECK(overlapped == plain);
}

// A matrix of the feed-forward is more than one slice on the emulated GPU.
RandomModelSpec spec(const char *architecture, const char *mix) {
  RandomModelSpec s;
  s.architecture = architecture, s.mix = mix, s.layers = 2, s.width = 256, s.heads = 4, s.kv_heads = 2, s.feed_forward = 2304, s.vocabulary_size = 600, s.seed = 5;
  return s;
}

void adapters() {
  Folder folder;
  write_random_model(folder / "model.gguf", spec("qwen2", "Q4_K_M"));
  compare("adapter", folder / "model.gguf", false, Recompute::kNone, 0);
  compare("adapter, recomputing", folder / "model.gguf", false, Recompute::kOffload, 0.1f);
}

void all_weights() {
  Folder folder;
  RandomModelSpec s = spec("llama", "F16");
  s.layers = 1;
  write_random_model(folder / "model.gguf", s);
  compare("all weights", folder / "model.gguf", true, Recompute::kNone, 0);
}

// A plan has the second slice's room where that is free, and not where it is not: neither more nor less for all else.
void plans() {
  Folder folder;
  write_random_model(folder / "model.gguf", spec("llama", "Q8_0"));
  set("0", "1");
  Runtime runtime("cuda", nullptr, 1);
  Model model(runtime, folder / "model.gguf");
  const auto bytes = [&] { return Trainer::memory_bytes(model, 4, parse_targets("all-linear"), options(true)); };
  const int64_t slice = int64_t(128) << 20, roomy = bytes(), free_now = runtime.memory().free_now;
  CHECK(roomy < free_now);
  gk_buf eaten = runtime.ops().alloc(runtime.backend(), free_now - roomy + slice / 2);
  CHECK(eaten && runtime.memory().free_now < roomy && runtime.memory().free_now > roomy - slice);
  CHECK(bytes() == roomy - slice);
  runtime.ops().release(runtime.backend(), eaten);
  CHECK(bytes() == roomy);
}

}  // namespace

int main() {
  run("adapters", adapters);
  run("all_weights", all_weights);
  run("plans", plans);
  return finish("test_device_streams");
}
