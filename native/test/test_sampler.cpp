// The sampler against a plain statement of graft_generator_sample: every token's share of evenly spread random numbers.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "gguf_testing.h"
#include "sampler.h"

using namespace graft;
using gguf_testing::expect_error;
using gguf_testing::finish;
using gguf_testing::run;

namespace {

constexpr int kDraws = 4000;

void near(const char *what, double got, double expected, double tolerance) {
  gguf_testing::checks++;
  if (std::fabs(got - expected) <= tolerance) return;
  gguf_testing::failures++;
  std::printf("%s: got %.9g, expected %.9g within %.2g\n", what, got, expected, tolerance);
}

std::vector<double> shares(const std::vector<float> &logits, const SamplerOptions &o, const TokenHistory &history = {}) {
  std::vector<double> counts(logits.size());
  for (int i = 0; i < kDraws; i++) counts[size_t(sample_token(logits.data(), int32_t(logits.size()), o, history, (i + 0.5) / kDraws))] += 1.0 / kDraws;
  return counts;
}

// One step after the other, each over the whole vocabulary.
std::vector<double> stated(std::vector<float> logits, const SamplerOptions &o, const TokenHistory &history = {}) {
  const size_t v = logits.size();
  std::vector<int> all(v), answer(v);
  for (int64_t i = 0; i < history.count; i++) {
    all[size_t(history.tokens[i])]++;
    if (i >= history.prompt) answer[size_t(history.tokens[i])]++;
  }
  for (int32_t i = 0; i < o.n_bias; i++) logits[size_t(o.bias_ids[i])] += o.biases[i];
  for (size_t i = 0; i < v; i++) {
    if (all[i]) logits[i] = logits[i] > 0 ? logits[i] / o.repetition_penalty : logits[i] * o.repetition_penalty;
    if (answer[i]) logits[i] -= o.presence_penalty;
    logits[i] -= float(answer[i]) * o.frequency_penalty;
    if (o.mask && !(o.mask[i / 64] >> (i % 64) & 1)) logits[i] = -INFINITY;
  }
  std::vector<size_t> order(v);
  for (size_t i = 0; i < v; i++) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  std::vector<double> p(v);
  if (o.temperature == 0) {
    p[order[0]] = 1;
    return p;
  }
  const size_t k = o.top_k ? std::min(v, size_t(o.top_k)) : v;
  double total = 0, mass = 0;
  for (size_t r = 0; r < k; r++) total += p[order[r]] = std::exp((double(logits[order[r]]) - logits[order[0]]) / o.temperature);
  for (size_t r = 0; r < k; r++) {
    if (r > 0 && mass >= o.top_p * total) p[order[r]] = 0;
    mass += p[order[r]];
  }
  double left = 0;
  for (double &x : p) left += x = x < o.min_p ? 0 : x;
  for (double &x : p) x /= left;
  return p;
}

void agree(const char *what, const std::vector<float> &logits, const SamplerOptions &o, const TokenHistory &history = {}) {
  const std::vector<double> got = shares(logits, o, history), expected = stated(logits, o, history);
  for (size_t i = 0; i < logits.size(); i++) {
    near((std::string(what) + " token " + std::to_string(i)).c_str(), got[i], expected[i], 1.01 / kDraws);
    CHECK(expected[i] > 0 || got[i] == 0);
  }
}

void every_option() {
  const std::vector<float> logits = {0, 2, 1, 2, -INFINITY, -1.5f, 0.25f, 1.75f, -3};
  const int32_t tokens[] = {1, 5, 0, 1, 3, 3, 7};
  const TokenHistory history{tokens, 2, 7};
  SamplerOptions o;
  agree("greedy", logits, o);
  o.temperature = 1;
  agree("plain", logits, o);
  o.temperature = 0.6f;
  agree("cool", logits, o);
  for (const int32_t k : {1, 2, 3, 9, 100}) {
    o.top_k = k;
    agree("top_k", logits, o);
  }
  o.top_k = 0;
  for (const float p : {0.01f, 0.3f, 0.75f, 0.9f, 0.999f}) {
    o.top_p = p;
    agree("top_p", logits, o);
    o.top_k = 4;
    agree("top_k and top_p", logits, o);
    o.min_p = 0.3f;
    agree("top_k, top_p and min_p", logits, o);
    o.top_k = 0;
    o.min_p = 0;
  }
  o.top_p = 1;
  o.min_p = 0.2f;
  agree("min_p", logits, o);
  o.min_p = 0;
  o.repetition_penalty = 1.7f;
  agree("repetition", logits, o, history);
  o.repetition_penalty = 1;
  o.presence_penalty = 0.8f;
  agree("presence", logits, o, history);
  o.frequency_penalty = 0.4f;
  agree("presence and frequency", logits, o, history);
  o.repetition_penalty = 1.3f;
  const int32_t ids[] = {8, 1};
  const float biases[] = {4.5f, -100};
  o.n_bias = 2;
  o.bias_ids = ids;
  o.biases = biases;
  agree("all penalties and a bias", logits, o, history);
  const uint64_t mask = 0x1ab;
  o.mask = &mask;
  o.mask_words = 1;
  agree("and a mask", logits, o, history);
  o.temperature = 0;
  agree("greedy with all", logits, o, history);
}

void wide_masks() {
  std::vector<float> logits(200);
  for (size_t i = 0; i < logits.size(); i++) logits[i] = float(i) * 0.01f;
  const uint64_t mask[] = {1, 0, uint64_t(1) << 63};  // 0 and 191; none from 192 on
  SamplerOptions o;
  o.mask = mask;
  o.mask_words = 3;
  CHECK(sample_token(logits.data(), 200, o, {}, 0) == 191);
  o.mask_words = 2;
  CHECK(sample_token(logits.data(), 200, o, {}, 0) == 0);
  o.mask_words = 0;
  expect_error("nothing allowed", GRAFT_NOT_FINITE, "may come", [&] { sample_token(logits.data(), 200, o, {}, 0); });
}

void logprobs() {
  const float logits[] = {0, 2, 1, 2};
  const double sum = std::log(std::exp(0.0) + 2 * std::exp(2.0) + std::exp(1.0));
  int32_t ids[3];
  float logps[3];
  near("logp", log_probability(logits, 4, 2, 3, ids, logps), 1 - sum, 1e-6);
  CHECK(ids[0] == 1 && ids[1] == 3 && ids[2] == 2);
  near("top", logps[1], 2 - sum, 1e-6);
  near("top", logps[2], 1 - sum, 1e-6);
}

void refusals() {
  const float bad[] = {0, NAN}, infinite[] = {-INFINITY, -INFINITY};
  expect_error("nan", GRAFT_NOT_FINITE, "token 1", [&] { sample_token(bad, 2, {}, {}, 0); });
  expect_error("inf", GRAFT_NOT_FINITE, "finite", [&] { sample_token(infinite, 2, {}, {}, 0); });
  const auto refused = [](const char *text, const std::function<void(SamplerOptions &)> &spoil) {
    SamplerOptions o;
    spoil(o);
    expect_error(text, GRAFT_USAGE, text, [&] { check_sampler(o, 10); });
  };
  refused("temperature", [](SamplerOptions &o) { o.temperature = -1; });
  refused("temperature", [](SamplerOptions &o) { o.temperature = NAN; });
  refused("top_k", [](SamplerOptions &o) { o.top_k = -1; });
  refused("top_p", [](SamplerOptions &o) { o.top_p = 0; });
  refused("min_p", [](SamplerOptions &o) { o.min_p = NAN; });
  refused("repetition", [](SamplerOptions &o) { o.repetition_penalty = 0; });
  refused("presence", [](SamplerOptions &o) { o.presence_penalty = INFINITY; });
  refused("frequency", [](SamplerOptions &o) { o.frequency_penalty = NAN; });
  static const int32_t id = 10;
  static const float bias = NAN;
  refused("token 10", [](SamplerOptions &o) { o.n_bias = 1, o.bias_ids = &id, o.biases = &bias; });
  refused("without", [](SamplerOptions &o) { o.n_bias = 1; });
}

}  // namespace

int main() {
  run("every_option", every_option);
  run("wide_masks", wide_masks);
  run("logprobs", logprobs);
  run("refusals", refusals);
  return finish("test_sampler");
}
