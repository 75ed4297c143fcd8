// The oracle of the preference losses: each stated once more from its paper (and TRL's documentation), in probabilities rather than stable logarithms,
// in long double, without derivatives, and without any of the code under test.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace graft::testing {

using Real = long double;
using Tokens = std::vector<Real>;

// Sequences: chosen and rejected in turn, or rows with labels.
struct Preferences {
  std::vector<Tokens> logps, reference, alignment;
  std::vector<int32_t> labels;
  size_t pairs() const { return logps.size() / 2; }
};

struct Settings {
  Real beta = 0.1L, smoothing = 0, gamma = 0, sft = 0;
  bool normalize = false;
  Real ld = 1;
  bool wpo = false;
  Real desirable = 1, undesirable = 1;
  Real shift = 0;  // the KL estimate or the running mean, a constant
};

inline Real probability(Real x) { return 1 / (1 + std::exp(-x)); }
inline Real surprise(Real x) { return -std::log(probability(x)); }  // fine for the moderate x of these tests

// Σ logp, of the tokens beyond `shared` only a share.
inline Real total(const Tokens &tokens, size_t shared, Real ld) {
  Real sum = 0;
  for (size_t t = 0; t < tokens.size(); t++) sum += t < shared ? tokens[t] : ld * tokens[t];
  return sum;
}

inline Real count(const Tokens &tokens) { return tokens.empty() ? 1 : Real(tokens.size()); }

inline Real pair_statement(const std::string &kind, const Settings &s, Real c, Real r) {
  const Real b = s.beta, e = s.smoothing;
  if (kind == "sigmoid" || kind == "cpo") return (1 - e) * surprise(b * (c - r)) + e * surprise(b * (r - c));
  if (kind == "robust") return ((1 - e) * surprise(b * (c - r)) - e * surprise(b * (r - c))) / (1 - 2 * e);
  if (kind == "hinge") return std::max(Real(0), 1 - b * (c - r));
  if (kind == "ipo") return std::pow(c - r - 1 / (2 * b), 2);
  if (kind == "exo_pair") {
    const Real q = std::exp(b * c) / (std::exp(b * c) + std::exp(b * r));
    return q * std::log(q / (1 - e)) + (1 - q) * std::log((1 - q) / e);
  }
  if (kind == "simpo") return (1 - e) * surprise(b * c - b * r - s.gamma) + e * surprise(b * r - b * c + s.gamma);
  if (kind == "orpo") {
    const Real odds_c = std::exp(c) / (1 - std::exp(c)), odds_r = std::exp(r) / (1 - std::exp(r));
    return -b * std::log(odds_c / (odds_c + odds_r));
  }
  if (kind == "apo_zero") return 1 - probability(b * c) + probability(b * r);
  if (kind == "apo_down") return probability(b * c) + 1 - probability(b * (c - r));
  if (kind == "sppo_hard") return std::pow(c - 1 / (2 * b), 2) + std::pow(r + 1 / (2 * b), 2);
  if (kind == "nca_pair") return surprise(b * c) + (surprise(-b * c) + surprise(-b * r)) / 2;
  if (kind == "bco_pair") return surprise(b * c - s.shift) + surprise(s.shift - b * r);
  return std::nanl("");
}

// Mean over the step's pairs. `fixed` holds the log-probabilities from which WPO's weights come, constants for the derivative.
inline Real statement(const std::string &kind, const Settings &s, const Preferences &now, const Preferences &fixed) {
  if (kind == "kto") {
    Real sum = 0;
    const Real z = std::max(Real(0), s.shift);
    for (size_t i = 0; i < now.logps.size(); i++) {
      const Real ratio = total(now.logps[i], size_t(-1), 1) - total(now.reference[i], size_t(-1), 1);
      sum += now.labels[i] ? s.desirable * (1 - probability(s.beta * (ratio - z))) : s.undesirable * (1 - probability(s.beta * (z - ratio)));
    }
    return sum / Real(now.logps.size());
  }
  const bool average = s.normalize || kind == "ipo" || kind == "simpo" || kind == "orpo";
  const bool free = kind == "simpo" || kind == "orpo" || kind == "cpo";
  std::vector<Real> policy, reference;
  Real chosen_tokens = 0, chosen_sum = 0;
  for (size_t i = 0; i < now.logps.size(); i++) {
    const size_t shared = std::min(now.logps[i].size(), now.logps[i ^ 1].size());
    const Real by = average ? count(now.logps[i]) : 1;
    policy.push_back(total(now.logps[i], shared, s.ld) / by);
    reference.push_back(free ? 0 : total(now.reference[i], shared, s.ld) / by);
    if (i % 2 == 0) chosen_tokens += Real(now.logps[i].size());
    if (i % 2 == 0) chosen_sum += total(now.logps[i], size_t(-1), 1);
  }
  const size_t n = now.pairs();
  std::vector<Real> upper, lower;
  for (size_t i = 0; i < n; i++) {
    const bool margins = kind == "aot";
    upper.push_back(margins ? policy[2 * i] - policy[2 * i + 1] : policy[2 * i] - reference[2 * i]);
    lower.push_back(margins ? reference[2 * i] - reference[2 * i + 1] : policy[2 * i + 1] - reference[2 * i + 1]);
  }
  const bool sorted = kind.substr(0, 3) == "aot";
  if (sorted) std::sort(upper.begin(), upper.end());
  if (sorted) std::sort(lower.begin(), lower.end());
  Real sum = 0;
  for (size_t i = 0; i < n; i++) {
    Real weight = 1;
    for (size_t k = 2 * i; s.wpo && k < 2 * i + 2; k++) {
      const Real likelihood = std::exp(total(fixed.logps[k], size_t(-1), 1) / count(fixed.logps[k]));
      const Real own = fixed.alignment.empty() ? 1 : std::exp(total(fixed.alignment[k], size_t(-1), 1) / count(fixed.logps[k]));
      weight *= likelihood / own;
    }
    sum += std::min(Real(1), weight) * pair_statement(sorted ? "sigmoid" : kind, s, upper[i], lower[i]);
  }
  return sum / Real(n) - (chosen_tokens > 0 ? s.sft * chosen_sum / chosen_tokens : 0);
}

}  // namespace graft::testing
