#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "status.h"

namespace graft {
namespace {

struct Candidate {
  float logit;
  int32_t id;
  double weight;
};

}  // namespace

int32_t sample_token(const float *logits, int32_t v, const SamplerOptions &options, float *logp) {
  int32_t best = 0;
  for (int32_t i = 0; i < v; i++) {
    if (std::isnan(logits[i])) fail(GRAFT_NOT_FINITE, "the logit of token %d is not a number", i);
    if (logits[i] > logits[best]) best = i;
  }
  const float peak = logits[best];
  if (!std::isfinite(peak)) fail(GRAFT_NOT_FINITE, "no logit is finite");
  int32_t chosen = best;
  if (options.temperature > 0) {
    std::vector<Candidate> candidates;
    candidates.reserve(size_t(v));
    for (int32_t i = 0; i < v; i++) candidates.push_back({logits[i], i, std::exp((double(logits[i]) - peak) / options.temperature)});
    const auto higher = [](const Candidate &a, const Candidate &b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); };
    if (options.top_k > 0 && options.top_k < v) {
      std::nth_element(candidates.begin(), candidates.begin() + options.top_k - 1, candidates.end(), higher);
      candidates.resize(size_t(options.top_k));
    }
    if (options.min_p > 0)
      candidates.erase(std::remove_if(candidates.begin(), candidates.end(), [&](const Candidate &c) { return c.weight < options.min_p; }), candidates.end());
    std::sort(candidates.begin(), candidates.end(), higher);
    double total = 0;
    for (const Candidate &c : candidates) total += c.weight;
    if (options.top_p < 1) {  // the smallest set of likeliest tokens that holds top_p of the mass
      double mass = 0;
      size_t keep = 0;
      while (keep < candidates.size() && (keep == 0 || mass < options.top_p * total)) mass += candidates[keep++].weight;
      candidates.resize(keep);
      total = mass;
    }
    double left = options.random * total;
    chosen = candidates.back().id;
    for (const Candidate &c : candidates) {
      left -= c.weight;
      if (left < 0) {
        chosen = c.id;
        break;
      }
    }
  }
  if (logp) {
    double sum = 0;
    for (int32_t i = 0; i < v; i++) sum += std::exp(double(logits[i]) - peak);
    *logp = float(double(logits[chosen]) - peak - std::log(sum));
  }
  return chosen;
}

}  // namespace graft
