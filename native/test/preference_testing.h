// What the tests of the preference losses share: the call of the loss, pairs with numbers in them, every kind with every option that it takes.
#pragma once
#include "loss_preference.h"
#include "model_testing.h"
#include "preference_statement.h"

namespace graft::testing {

struct Result {
  std::vector<float> weights;
  std::vector<double> losses, rewards;
  double state[2];
  double loss;
};

inline std::vector<double> array_of(const Settings &s) {
  return {double(s.beta), double(s.smoothing), double(s.gamma), double(s.sft), double(s.normalize), double(s.ld), double(s.wpo), double(s.desirable), double(s.undesirable)};
}

inline std::vector<float> flat(const std::vector<Tokens> &sequences) {
  std::vector<float> all;
  for (const Tokens &tokens : sequences) all.insert(all.end(), tokens.begin(), tokens.end());
  return all;
}

inline int64_t chosen_tokens(const Preferences &p) {
  int64_t sum = 0;
  for (size_t i = 0; i < p.logps.size(); i += 2) sum += int64_t(p.logps[i].size());
  return sum;
}

inline Result compute(const std::string &kind, const Settings &s, const Preferences &p, double state0 = 0, double state1 = 0, bool update = false, int64_t total_units = -1,
               int64_t total_tokens = -1) {
  std::vector<int32_t> lengths;
  for (const Tokens &tokens : p.logps) lengths.push_back(int32_t(tokens.size()));
  const std::vector<float> logps = flat(p.logps), reference = flat(p.reference), alignment = flat(p.alignment);
  const int64_t units = int64_t(p.labels.empty() ? p.pairs() : p.labels.size());
  Result r{std::vector<float>(logps.size(), NAN), std::vector<double>(size_t(units), NAN), std::vector<double>(lengths.size(), NAN), {state0, state1}, 0};
  const PreferenceKind &found = find_preference_kind(kind.c_str());
  const std::vector<double> values = array_of(s);
  preference_loss(found, preference_options(found, values.data(), GRAFT_PREFERENCE_OPTIONS),
                  {units, p.labels.empty() ? nullptr : p.labels.data(), lengths.data(), logps.data(), p.reference.empty() ? nullptr : reference.data(),
                   p.alignment.empty() ? nullptr : alignment.data(), total_units < 0 ? units : total_units, total_tokens < 0 ? chosen_tokens(p) : total_tokens, update},
                  {r.state, r.weights.data(), r.losses.data(), r.rewards.data()});
  for (double loss : r.losses) r.loss += loss / double(total_units < 0 ? units : total_units);
  return r;
}

// Multiples of 1/4096, so that float and long double hold the same number and steps of 1/512 are exact.
inline Real dyadic(uint32_t &seed, int from, int to) { return Real(from * 4096 + int(next_random(seed) % uint32_t((to - from) * 4096))) / 4096; }

// One answer is empty, unless told otherwise.
inline Preferences random_pairs(size_t n, uint32_t seed, bool labels = false, bool empty = true) {
  Preferences p;
  for (size_t i = 0; i < 2 * n; i++) {
    const size_t length = i == 5 && empty ? 0 : 1 + next_random(seed) % 7;
    p.logps.emplace_back();
    p.reference.emplace_back();
    for (size_t t = 0; t < length; t++) {
      p.logps.back().push_back(dyadic(seed, -6, 0) - Real(1) / 64);
      p.reference.back().push_back(p.logps.back().back() + dyadic(seed, -1, 1));
    }
    if (labels) p.labels.push_back(int32_t(next_random(seed) % 2));
  }
  return p;
}

struct Case {
  std::string kind;
  Settings settings;
};

inline bool free_of_reference(const std::string &kind) { return !(preference_traits(find_preference_kind(kind.c_str())) & GRAFT_PREFERENCE_NEEDS_REFERENCE); }

// Every kind, with every option that it takes.
inline std::vector<Case> all_cases() {
  std::vector<Case> cases;
  std::stringstream names(preference_kind_names());
  for (std::string kind; std::getline(names, kind, ',');) {
    const PreferenceKind &found = find_preference_kind(kind.c_str());
    const PreferenceOptions d = preference_defaults(found);
    Settings s;
    s.beta = 0.3L, s.smoothing = d.label_smoothing, s.gamma = d.gamma, s.sft = d.sft_weight;
    const auto add = [&](auto change) {
      Settings changed = s;
      change(changed);
      const std::vector<double> values = array_of(changed);
      try {
        preference_options(found, values.data(), GRAFT_PREFERENCE_OPTIONS);
        cases.push_back({kind, changed});
      } catch (const Error &) {  // refused(), below, says which must be
      }
    };
    add([](Settings &) {});
    add([](Settings &t) { t.beta = 2; });
    add([](Settings &t) { t.smoothing = 0.25L; });
    add([](Settings &t) { t.gamma = 1.5L; });
    add([](Settings &t) { t.sft = 0.7L; });
    add([](Settings &t) { t.normalize = true; });
    add([](Settings &t) { t.ld = 0.4L; });
    add([](Settings &t) { t.ld = 0; });
    add([](Settings &t) { t.wpo = true; });
    add([](Settings &t) { t.wpo = t.normalize = true, t.ld = 0.5L, t.sft = 1; });
    add([](Settings &t) { t.desirable = 1.5L, t.undesirable = 0.25L; });
  }
  return cases;
}

}  // namespace graft::testing
