#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <vector>

#include "status.h"

namespace graft {
namespace {

struct Candidate {
  float logit;
  int32_t id;
  double weight;
};

bool higher(const Candidate &a, const Candidate &b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); }
bool lower(const Candidate &a, const Candidate &b) { return higher(b, a); }

bool penalizes(const SamplerOptions &o) { return o.repetition_penalty != 1 || o.presence_penalty != 0 || o.frequency_penalty != 0; }

void change(float *logits, int32_t v, const SamplerOptions &o, const TokenHistory &history) {
  for (int32_t i = 0; i < o.n_bias; i++) logits[o.bias_ids[i]] += o.biases[i];
  if (penalizes(o)) {
    std::unordered_map<int32_t, int32_t> answered;  // 0: in the prompt only
    for (int64_t i = 0; i < history.count; i++) answered[history.tokens[i]] += i >= history.prompt;
    for (const auto &[id, times] : answered) {
      float &logit = logits[id];
      logit = logit > 0 ? logit / o.repetition_penalty : logit * o.repetition_penalty;
      if (times > 0) logit -= o.presence_penalty + float(times) * o.frequency_penalty;
    }
  }
  for (int32_t i = 0; o.mask && i < v; i++)
    if (i / 64 >= o.mask_words || !(o.mask[i / 64] >> (i % 64) & 1)) logits[i] = -INFINITY;
}

// Of candidates in order of ids; those that are left come in that order, or likeliest first.
void filter(std::vector<Candidate> *all, const SamplerOptions &o) {
  std::vector<Candidate> &c = *all;
  if (o.top_k > 0 && size_t(o.top_k) < c.size()) {
    std::nth_element(c.begin(), c.begin() + o.top_k - 1, c.end(), higher);
    c.resize(size_t(o.top_k));
    std::sort(c.begin(), c.end(), higher);
  }
  if (o.top_p < 1) {  // the smallest set of likeliest tokens that holds top_p of what is left
    double total = 0, mass = 0;
    for (const Candidate &candidate : c) total += candidate.weight;
    std::make_heap(c.begin(), c.end(), lower);
    size_t kept = 0;
    while (kept < c.size() && (kept == 0 || mass < o.top_p * total)) {
      std::pop_heap(c.begin(), c.end() - int64_t(kept), lower);
      kept++;
      mass += c[c.size() - kept].weight;
    }
    c.erase(c.begin(), c.end() - int64_t(kept));
    std::reverse(c.begin(), c.end());
  }
  if (o.min_p > 0) c.erase(std::remove_if(c.begin(), c.end(), [&](const Candidate &candidate) { return candidate.weight < o.min_p; }), c.end());
}

}  // namespace

void check_sampler(const SamplerOptions &o, int32_t vocabulary) {
  if (!(o.temperature >= 0) || !std::isfinite(o.temperature)) fail(GRAFT_USAGE, "temperature must be a number of at least 0, not %g", double(o.temperature));
  if (o.top_k < 0) fail(GRAFT_USAGE, "top_k must be at least 0 (0: off), not %d", o.top_k);
  if (!(o.top_p > 0 && o.top_p <= 1)) fail(GRAFT_USAGE, "top_p must be above 0 and at most 1, not %g", double(o.top_p));
  if (!(o.min_p >= 0 && o.min_p <= 1)) fail(GRAFT_USAGE, "min_p must be between 0 and 1, not %g", double(o.min_p));
  if (!(o.repetition_penalty > 0) || !std::isfinite(o.repetition_penalty)) fail(GRAFT_USAGE, "the repetition penalty must be a number above 0, not %g", double(o.repetition_penalty));
  if (!std::isfinite(o.presence_penalty)) fail(GRAFT_USAGE, "the presence penalty must be a number, not %g", double(o.presence_penalty));
  if (!std::isfinite(o.frequency_penalty)) fail(GRAFT_USAGE, "the frequency penalty must be a number, not %g", double(o.frequency_penalty));
  if (o.n_bias < 0 || (o.n_bias > 0 && (!o.bias_ids || !o.biases))) fail(GRAFT_USAGE, "%d biases without their ids or values", o.n_bias);
  for (int32_t i = 0; i < o.n_bias; i++) {
    if (o.bias_ids[i] < 0 || o.bias_ids[i] >= vocabulary) fail(GRAFT_USAGE, "the bias of token %d: it is not in the vocabulary (ids 0 to %d)", o.bias_ids[i], vocabulary - 1);
    if (!std::isfinite(o.biases[i])) fail(GRAFT_USAGE, "the bias of token %d must be a number, not %g", o.bias_ids[i], double(o.biases[i]));
  }
}

int32_t sample_token(const float *logits, int32_t v, const SamplerOptions &options, const TokenHistory &history, double random) {
  std::vector<float> changed;
  if (options.n_bias || options.mask || penalizes(options)) {
    changed.assign(logits, logits + v);
    change(changed.data(), v, options, history);
    logits = changed.data();
  }
  int32_t best = 0;
  for (int32_t i = 0; i < v; i++) {
    if (std::isnan(logits[i])) fail(GRAFT_NOT_FINITE, "the logit of token %d is not a number", i);
    if (logits[i] > logits[best]) best = i;
  }
  const float peak = logits[best];
  if (!std::isfinite(peak)) fail(GRAFT_NOT_FINITE, "no logit of a token that may come is finite");
  if (options.temperature == 0) return best;

  std::vector<Candidate> candidates;
  for (int32_t i = 0; i < v; i++) {
    const double exponent = (double(logits[i]) - peak) / options.temperature;
    if (exponent > -45) candidates.push_back({logits[i], i, std::exp(exponent)});  // less than e^-45: no random number would find it
  }
  filter(&candidates, options);
  double left = 0;
  for (const Candidate &c : candidates) left += c.weight;
  left *= random;
  for (const Candidate &c : candidates) {
    left -= c.weight;
    if (left < 0) return c.id;
  }
  return candidates.back().id;
}

float log_probability(const float *logits, int32_t v, int32_t token, int32_t n, int32_t *top_ids, float *top_logps) {
  const float peak = *std::max_element(logits, logits + v);
  double sum = 0;
  for (int32_t i = 0; i < v; i++) sum += double(std::exp(logits[i] - peak));
  const double log_sum = double(peak) + std::log(sum);
  if (n > 0) {
    std::vector<int32_t> ids(static_cast<size_t>(v));
    for (int32_t i = 0; i < v; i++) ids[size_t(i)] = i;
    std::partial_sort(ids.begin(), ids.begin() + n, ids.end(), [&](int32_t a, int32_t b) { return logits[a] > logits[b] || (logits[a] == logits[b] && a < b); });
    for (int32_t i = 0; i < n; i++) {
      top_ids[i] = ids[size_t(i)];
      top_logps[i] = float(double(logits[ids[size_t(i)]]) - log_sum);
    }
  }
  return float(double(logits[token]) - log_sum);
}

}  // namespace graft
