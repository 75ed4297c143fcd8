// Generation is the training graph with a cache: its log-probabilities equal those of a whole forward, however the tokens are handed over, with several
// sequences and adapters in one batch. And the sampler.
#include "generator.h"
#include "model_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

const SamplerOptions kGreedy{0, 0, 1, 0, 0};

void equals_forward() {
  Folder folder;
  RandomModelSpec s;
  s.architecture = "qwen3";
  s.layers = 3;
  s.width = 64;
  s.heads = 4;
  s.kv_heads = 2;
  s.feed_forward = 96;
  s.vocabulary_size = 300;
  s.mix = "Q8_0";
  write_random_model(folder / "model.gguf", s);
  for (const std::string &isa : isas()) {
    Runtime runtime("cpu", isa.c_str(), 2);
    Model model(runtime, folder / "model.gguf");
    std::unique_ptr<Adapter> one = filled_adapter(model, 4, "all-linear", 1), two = filled_adapter(model, 9, "attn_q,ffn_down", 2);
    Adapter *const adapters[] = {nullptr, one.get(), two.get()};
    Generator generator(model, {one.get(), two.get()}, 3, 64);
    std::vector<std::vector<int32_t>> rows = {random_tokens(21, 300, 1), random_tokens(30, 300, 2), random_tokens(11, 300, 3)};
    // Sequence i uses adapter i - 1, given in the order 2, 0, 1: first all but five tokens, then those one by one, all sequences together.
    const int32_t order[] = {2, 0, 1}, choice[] = {1, -1, 0};
    std::vector<int32_t> lengths, tokens;
    for (int32_t i : order) {
      lengths.push_back(int32_t(rows[size_t(i)].size()) - 5);
      tokens.insert(tokens.end(), rows[size_t(i)].begin(), rows[size_t(i)].end() - 5);
    }
    generator.append(3, order, choice, lengths.data(), tokens.data());
    for (int step = 0; step < 5; step++) {
      for (int i = 0; i < 3; i++) {
        std::vector<int32_t> seen(rows[size_t(i)].begin(), rows[size_t(i)].end() - 5 + step);
        float greedy_logp;
        const int32_t greedy = generator.sample(i, kGreedy, &greedy_logp);
        seen.push_back(greedy);
        Trainer trainer(model, adapters[i], options(false));
        std::vector<float> logps(seen.size() - 1);
        trainer.forward(Rows{{seen}}.batch(trainer), false, logps.data());
        close_to(("cached logp " + isa).c_str(), greedy_logp, logps.back(), 40 * unit_of("f32"));
        CHECK(greedy_logp > -5.7);  // the best of 300 is likelier than chance
      }
      std::vector<int32_t> next, ones(3, 1);
      for (int32_t i : order) next.push_back(rows[size_t(i)][rows[size_t(i)].size() - 5 + size_t(step)]);
      generator.append(3, order, choice, ones.data(), next.data());
    }
    // Forgetting and appending again leads to the same place.
    float before, after;
    generator.sample(1, kGreedy, &before);
    generator.truncate(1, 20);
    const int32_t sequence = 1, adapter = 0, count = 10;
    expect_error("no logits", GRAFT_USAGE, "no logits", [&] { generator.sample(1, kGreedy, nullptr); });
    generator.append(1, &sequence, &adapter, &count, rows[1].data() + 20);
    generator.sample(1, kGreedy, &after);
    close_to("after truncation", after, before, 40 * unit_of("f32"));
    const int32_t many = 60;
    const std::vector<int32_t> long_row = random_tokens(60, 300, 9);
    expect_error("context", GRAFT_USAGE, "its context is 64", [&] { generator.append(1, &sequence, &adapter, &many, long_row.data()); });
  }
}

void long_prompt_in_passes() {
  Folder folder;
  RandomModelSpec s;
  s.layers = 2;
  s.width = 32;
  s.heads = 2;
  s.kv_heads = 1;
  s.feed_forward = 64;
  s.vocabulary_size = 290;
  write_random_model(folder / "model.gguf", s);
  Runtime runtime("cpu", nullptr, 2);
  Model model(runtime, folder / "model.gguf");
  const std::vector<int32_t> tokens = random_tokens(1300, 290, 3);
  Generator generator(model, {}, 1, 1400);
  const int32_t zero = 0, none = -1, count = 1300;
  generator.append(1, &zero, &none, &count, tokens.data());
  float logp;
  const int32_t next = generator.sample(0, kGreedy, &logp);
  TrainerOptions large = options(false);
  large.max_tokens = large.max_targets = 1400;
  Trainer trainer(model, nullptr, large);
  std::vector<int32_t> seen = tokens;
  seen.push_back(next);
  std::vector<float> logps(1300);
  trainer.forward(Rows{{seen}}.batch(trainer), false, logps.data());
  close_to("long prompt", logp, logps.back(), 40 * unit_of("f32"));
}

void sampler() {
  const float logits[] = {0, 2, 1, 2, -INFINITY};
  float logp;
  CHECK(sample_token(logits, 5, kGreedy, &logp) == 1);  // the lowest of two equals
  const double sum = std::exp(-2.0) + 1 + std::exp(-1.0) + 1;
  close_to("greedy logp", logp, -std::log(sum), 1e-6);
  int counts[5] = {};
  for (int i = 0; i < 4000; i++) counts[sample_token(logits, 5, {1, 0, 1, 0, (i + 0.5) / 4000}, nullptr)]++;
  close_to("share of 2", counts[2] / 4000.0, std::exp(-1.0) / sum, 1e-3);
  CHECK(counts[4] == 0);
  const auto seen = [&](SamplerOptions o) {
    std::string ids;
    for (int id = 0; id < 5; id++)
      for (int i = 0; i < 1000; i++) {
        o.random = (i + 0.5) / 1000;
        if (sample_token(logits, 5, o, nullptr) == id) {
          ids += std::to_string(id);
          break;
        }
      }
    return ids;
  };
  CHECK(seen({1, 2, 1, 0, 0}) == "13");
  CHECK(seen({1, 0, 0.75f, 0, 0}) == "13");
  CHECK(seen({1, 0, 0.9f, 0, 0}) == "123");
  CHECK(seen({1, 0, 1, 0.2f, 0}) == "123");
  CHECK(seen({1, 1, 1, 0, 0}) == "1");
  const float bad[] = {0, NAN};
  expect_error("nan", GRAFT_NOT_FINITE, "token 1", [&] { sample_token(bad, 2, kGreedy, nullptr); });
}

}  // namespace

int main() {
  run("equals_forward", equals_forward);
  run("long_prompt_in_passes", long_prompt_in_passes);
  run("sampler", sampler);
  return finish("test_generator");
}
