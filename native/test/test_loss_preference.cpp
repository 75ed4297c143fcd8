// Preference losses: value against the independent statement, derivative against central differences of the statement and of the value itself,
// what must hold whatever the numbers, parts of a step, hostile input. Gradients through a model: test_loss_gradients.cpp.
#include "preference_testing.h"

using namespace graft;
using namespace graft::testing;

namespace {

void values_and_derivatives() {
  int kinds = 0, clamped = 0, below = 0;
  for (Case c : all_cases()) {
    const bool row = c.kind == "kto";
    for (uint32_t seed : {1u, 2u}) {
      Preferences p = random_pairs(7, seed, row, c.kind != "orpo");  // an empty answer has probability 1, infinite odds
      if (c.settings.wpo && seed == 2) {
        p.alignment = p.logps;  // of some pairs so low that their weight would pass 1
        for (size_t i = 0; i < p.logps.size(); i++)
          for (Real &value : p.alignment[i]) value = -value / 8 - (i % 4 < 2 ? 2 : 6);
        for (size_t i = 0; i < p.pairs(); i++) {
          Real log_weight = 0;
          for (size_t k : {2 * i, 2 * i + 1}) log_weight += (total(p.logps[k], size_t(-1), 1) - total(p.alignment[k], size_t(-1), 1)) / count(p.logps[k]);
          (log_weight > 0 ? clamped : below)++;
        }
      }
      if (row) c.settings.shift = seed == 1 ? 0.75L : -1;
      if (c.kind == "bco_pair") c.settings.shift = 0.125L;
      const double shift = double(c.settings.shift);
      const std::string what = c.kind + " seed " + std::to_string(seed) + " case " + std::to_string(kinds++) + " ";
      const Result got = compute(c.kind, c.settings, p, shift, 1);
      const Real expected = statement(c.kind, c.settings, p, p);
      close_to((what + "loss").c_str(), got.loss, double(expected), 64 * 2.3e-16 * (1 + std::fabs(double(expected)) + double(1 / (c.settings.beta * c.settings.beta))));
      size_t at = 0;
      const Preferences fixed = p;
      for (size_t i = 0; i < p.logps.size(); i++)
        for (Real &value : p.logps[i]) {
          const Real kept = value, h = Real(1) / 65536;
          value = kept + h;
          const Real above = statement(c.kind, c.settings, p, fixed);
          value = kept - h;
          const Real below = statement(c.kind, c.settings, p, fixed);
          value = kept;
          // The difference errs by h²/6 of a third derivative (beta³ at most, and near p = 1 the odds' more), the weight by one rounding to float.
          const double slope = double((above - below) / (2 * h));
          close_to((what + "slope").c_str(), got.weights[at], slope, 6e-8 * std::fabs(slope) + (c.kind == "orpo" ? 1e-6 : 1e-9));
          at++;
        }
      CHECK(at == got.weights.size());
    }
  }
  CHECK(kinds > 100);
  CHECK(clamped > 10 && below > 10);
}

// An alignment that is not a number must not hide behind the clamp.
void bad_alignment() {
  for (const Real bad : {Real(NAN), -Real(INFINITY), Real(INFINITY)}) {
    Preferences p = random_pairs(3, 8, false, false);
    p.alignment = p.logps;
    p.alignment[3][0] = bad;
    Settings s;
    s.wpo = true;
    if (std::isnan(bad)) {
      expect_error("not a number", GRAFT_NOT_FINITE, "pair 1", [&] { compute("sigmoid", s, p); });
    } else {
      const Result r = compute("sigmoid", s, p);  // a weight of 1, or of 0
      Preferences q = p;
      for (Real &value : q.alignment[3]) value = bad > 0 ? 60 : -60;
      close_to("infinite alignment", r.loss, compute("sigmoid", s, q).loss, 1e-12);
    }
  }
}

// The same for the value that the library itself gives, whose log-probabilities are floats.
void derivative_of_own_value() {
  for (const Case &c : all_cases()) {
    if (c.settings.wpo) continue;  // its weights move along in the value, by definition not in the derivative
    Preferences p = random_pairs(5, 9, c.kind == "kto");
    const Result base = compute(c.kind, c.settings, p, 0.5, 1);
    size_t at = 0;
    for (size_t i = 0; i < p.logps.size(); i++)
      for (Real &value : p.logps[i]) {
        const Real kept = value, h = Real(1) / 512;
        value = kept + h;
        const double above = compute(c.kind, c.settings, p, 0.5, 1).loss;
        value = kept - h;
        const double below = compute(c.kind, c.settings, p, 0.5, 1).loss;
        value = kept;
        close_to((c.kind + " own slope").c_str(), base.weights[at++], (above - below) * 256, 1e-4 * (1 + double(c.settings.beta)));
      }
  }
}

void first_step_is_ln2() {
  for (const double smoothing : {0.0, 0.1, 0.4})
    for (const char *kind : {"sigmoid", "robust", "aot", "aot_unpaired"}) {
      Preferences p = random_pairs(4, 3);
      p.reference = p.logps;
      Settings s;
      s.smoothing = Real(smoothing);
      const Result r = compute(kind, s, p);
      close_to(kind, r.loss, 0.693147180559945309417, 1e-12);
      for (double reward : r.rewards) CHECK(reward == 0);
      close_to("each pair", r.losses[2], 0.693147180559945309417, 1e-12);
    }
  Preferences p = random_pairs(4, 3);
  p.reference = p.logps;
  Settings s;
  const double ln2 = 0.693147180559945309417;
  close_to("hinge", compute("hinge", s, p).loss, 1, 1e-12);
  close_to("ipo", compute("ipo", s, p).loss, 25, 1e-12);
  close_to("apo_zero", compute("apo_zero", s, p).loss, 1, 1e-12);
  close_to("apo_down", compute("apo_down", s, p).loss, 1, 1e-12);
  close_to("sppo_hard", compute("sppo_hard", s, p).loss, 50, 1e-12);
  close_to("nca_pair", compute("nca_pair", s, p).loss, 2 * ln2, 1e-12);
  close_to("bco_pair", compute("bco_pair", s, p, 0, 0, true).loss, 2 * ln2, 1e-12);
  p.labels = {1, 0, 1, 1, 0, 0, 1, 0};
  close_to("kto", compute("kto", s, p).loss, 0.5, 1e-12);
}

// Swapping every pair negates the margin: rewards swap, and -log σ(x) + log σ(-x) = -x.
void swapped_pairs() {
  Preferences p = random_pairs(6, 4), q = p;
  for (size_t i = 0; i < p.logps.size(); i++) {
    q.logps[i] = p.logps[i ^ 1];
    q.reference[i] = p.reference[i ^ 1];
  }
  Settings s;
  s.beta = 0.25L;
  const Result a = compute("sigmoid", s, p), b = compute("sigmoid", s, q);
  for (size_t i = 0; i < 6; i++) {
    CHECK(a.rewards[2 * i] == b.rewards[2 * i + 1] && a.rewards[2 * i + 1] == b.rewards[2 * i]);
    close_to("swapped", a.losses[i] - b.losses[i], a.rewards[2 * i + 1] - a.rewards[2 * i], 1e-13);
  }
  s.smoothing = 0.125L;
  Settings other = s;
  other.smoothing = 0.875L;  // cannot be asked for: the statement alone
  close_to("flipped labels", compute("sigmoid", s, q).loss, double(statement("sigmoid", other, p, p)), 1e-12);
}

// Rewards are beta times the sum of log ratios even where the loss takes means; reference-free, of what the loss takes.
void rewards() {
  const Preferences p = random_pairs(5, 6);
  for (const Case &c : all_cases()) {
    if (c.kind == "kto" || c.settings.ld != 1) continue;
    const Result r = compute(c.kind, c.settings, p);
    for (size_t i = 0; i < p.logps.size(); i++) {
      Real expected = total(p.logps[i], size_t(-1), 1) - (free_of_reference(c.kind) ? 0 : total(p.reference[i], size_t(-1), 1));
      if (c.kind == "simpo" || c.kind == "orpo") expected /= count(p.logps[i]);
      close_to((c.kind + " reward").c_str(), r.rewards[i], double(c.settings.beta * expected), 1e-12);
    }
  }
  Settings s;
  s.ld = 0.5L;
  const Result r = compute("sigmoid", s, p);
  for (size_t i = 0; i < p.logps.size(); i++) {
    const size_t shared = std::min(p.logps[i].size(), p.logps[i ^ 1].size());
    close_to("LD reward", r.rewards[i], double(s.beta * (total(p.logps[i], shared, 0.5L) - total(p.reference[i], shared, 0.5L))), 1e-12);
  }
}

Preferences part(const Preferences &p, size_t begin, size_t end) {
  const auto cut = [&](const std::vector<Tokens> &all) { return all.empty() ? all : std::vector<Tokens>(all.begin() + long(begin), all.begin() + long(end)); };
  return {cut(p.logps), cut(p.reference), cut(p.alignment), p.labels.empty() ? p.labels : std::vector<int32_t>(p.labels.begin() + long(begin), p.labels.begin() + long(end))};
}

// A step in parts is the step in one, but for kinds that say they need it whole, which refuse.
void parts_make_the_whole() {
  for (const Case &c : all_cases()) {
    const bool row = c.kind == "kto";
    const Preferences p = random_pairs(6, 5, row);
    const int64_t units = row ? 12 : 6, tokens = chosen_tokens(p);
    const Preferences head = part(p, 0, 4), tail = part(p, 4, 12);
    if (preference_traits(find_preference_kind(c.kind.c_str())) & GRAFT_PREFERENCE_WHOLE_STEP) {
      expect_error(c.kind + " in parts", GRAFT_USAGE, c.kind, [&] { compute(c.kind, c.settings, head, 0, 0, true, units, tokens); });
      if (c.kind != "bco_pair") continue;
    }
    const Result whole = compute(c.kind, c.settings, p, 0.5, 1), a = compute(c.kind, c.settings, head, 0.5, 1, false, units, tokens),
                 b = compute(c.kind, c.settings, tail, 0.5, 1, false, units, tokens);
    close_to((c.kind + " parts").c_str(), a.loss + b.loss, whole.loss, 1e-12 * (1 + std::fabs(whole.loss)));
    std::vector<float> joined = a.weights;
    joined.insert(joined.end(), b.weights.begin(), b.weights.end());
    CHECK(joined == whole.weights);
  }
}

// The order of a step's pairs does not matter to losses that sort, and a pair may be matched with another's.
void sorting_forgets_the_order() {
  const Preferences p = random_pairs(8, 11);
  Preferences q;
  const size_t order[] = {3, 0, 7, 5, 1, 6, 2, 4};
  for (size_t i : order)
    for (size_t k : {2 * i, 2 * i + 1}) {
      q.logps.push_back(p.logps[k]);
      q.reference.push_back(p.reference[k]);
    }
  for (const char *kind : {"aot", "aot_unpaired", "aot_pair"}) {
    const Result a = compute(kind, {}, p), b = compute(kind, {}, q);
    close_to(kind, a.loss, b.loss, 1e-14);
    for (size_t i = 0; i < 8; i++) CHECK(a.losses[order[i]] == b.losses[i]);
  }
  CHECK(compute("aot_pair", {}, p).weights == compute("aot_unpaired", {}, p).weights);
  CHECK(compute("aot", {}, p).loss != compute("aot_unpaired", {}, p).loss);
  CHECK(compute("aot", {}, p).loss != compute("sigmoid", {}, p).loss);
  // One pair has nothing to be sorted against.
  const Preferences one = part(p, 0, 2);
  close_to("one pair", compute("aot", {}, one).loss, compute("sigmoid", {}, one).loss, 1e-14);
}

void running_mean() {
  Settings s;
  const Preferences p = random_pairs(4, 12), q = random_pairs(3, 13);
  const Result first = compute("bco_pair", s, p, 0, 0, true);
  double sum = 0;
  for (double reward : first.rewards) sum += reward;
  close_to("mean", first.state[0], sum / 8, 1e-14);
  CHECK(first.state[1] == 8);
  s.shift = Real(first.state[0]);
  close_to("shifted", first.loss, double(statement("bco_pair", s, p, p)), 1e-12);
  const Result second = compute("bco_pair", s, q, first.state[0], first.state[1], true);
  for (double reward : second.rewards) sum += reward;
  close_to("mean of both", second.state[0], sum / 14, 1e-14);
  CHECK(second.state[1] == 14);
  const Result evaluated = compute("bco_pair", s, q, first.state[0], first.state[1], false);
  CHECK(evaluated.state[0] == first.state[0] && evaluated.state[1] == 8);
  close_to("evaluated", evaluated.loss, double(statement("bco_pair", s, q, q)), 1e-12);
}

// Log ratios so large that a naive sigmoid overflows, and probabilities of exactly 1.
void huge_and_certain() {
  for (const Case &c : all_cases())
    for (const float size : {0.0f, 1e-30f, 60.0f, 1e4f, 1e8f}) {
      Preferences p;
      p.logps = {{-size, -size}, {0, 0, 0}, {0}, {-size, -size}, {}, {}};
      p.reference = {{0, 0}, {-size, -size, -size}, {-size}, {0, 0}, {}, {}};
      if (c.kind == "kto") p.labels = {1, 1, 0, 0, 1, 0};
      const Result r = compute(c.kind, c.settings, p, 0.5, 1);
      CHECK(std::isfinite(r.loss));
      for (float weight : r.weights) CHECK(std::isfinite(weight));
    }
  // Far out -log σ(x) is -x and its slope -1.
  Preferences p;
  p.logps = {{-1e6}, {-1}};
  p.reference = {{-1}, {-1e6}};
  Settings s;
  s.beta = 1;
  const Result r = compute("sigmoid", s, p);
  close_to("far out", r.loss, 2e6 - 2, 1e-9);
  CHECK(r.weights[0] == -1 && r.weights[1] == 1);
  for (const Real bad : {Real(NAN), Real(INFINITY), -Real(INFINITY)}) {
    Preferences q = random_pairs(4, 3);
    q.logps[6][0] = bad;
    expect_error("not finite", GRAFT_NOT_FINITE, "pair 3", [&] { compute("sigmoid", s, q); });
    // A step that fails leaves the running mean as it was.
    double state[2] = {1.5, 4};
    const float logps[] = {float(bad), -1}, reference[] = {-1, -1};
    const int32_t lengths[] = {1, 1};
    float weights[2];
    double loss, rewards[2];
    const PreferenceKind &bco = find_preference_kind("bco_pair");
    expect_error("not finite", GRAFT_NOT_FINITE, "pair 0",
                 [&] { preference_loss(bco, preference_defaults(bco), {1, nullptr, lengths, logps, reference, nullptr, 1, 0, true}, {state, weights, &loss, rewards}); });
    CHECK(state[0] == 1.5 && state[1] == 4);
  }
}

void refused() {
  struct Bad {
    const char *kind, *flag;
    void (*change)(Settings &);
  };
  const Bad all[] = {
      {"sigmoid", "--beta", [](Settings &s) { s.beta = 0; }},
      {"sigmoid", "--beta", [](Settings &s) { s.beta = -1; }},
      {"sigmoid", "--beta", [](Settings &s) { s.beta = NAN; }},
      {"sigmoid", "--beta", [](Settings &s) { s.beta = INFINITY; }},
      {"sigmoid", "--label-smoothing", [](Settings &s) { s.smoothing = 0.5L; }},
      {"robust", "--label-smoothing", [](Settings &s) { s.smoothing = -0.1L; }},
      {"robust", "--label-smoothing", [](Settings &s) { s.smoothing = NAN; }},
      {"exo_pair", "--label-smoothing", [](Settings &) {}},
      {"hinge", "--label-smoothing", [](Settings &s) { s.smoothing = 0.1L; }},
      {"ipo", "--simpo-gamma", [](Settings &s) { s.gamma = 0.5L; }},
      {"simpo", "--simpo-gamma", [](Settings &s) { s.gamma = -1; }},
      {"sigmoid", "--sft-weight", [](Settings &s) { s.sft = -1; }},
      {"sigmoid", "--sft-weight", [](Settings &s) { s.sft = NAN; }},
      {"kto", "--sft-weight", [](Settings &s) { s.sft = 1; }},
      {"sigmoid", "--ld-alpha", [](Settings &s) { s.ld = 1.1L; }},
      {"kto", "--ld-alpha", [](Settings &s) { s.ld = 0.5L; }},
      {"kto", "--length-normalize", [](Settings &s) { s.normalize = true; }},
      {"aot", "--wpo", [](Settings &s) { s.wpo = true; }},
      {"kto", "--wpo", [](Settings &s) { s.wpo = true; }},
      {"sigmoid", "--desirable-weight", [](Settings &s) { s.desirable = 2; }},
      {"kto", "--desirable-weight", [](Settings &s) { s.desirable = -1; }},
      {"kto", "--undesirable-weight", [](Settings &s) { s.undesirable = NAN; }},
  };
  for (const Bad &bad : all)
    expect_error(std::string(bad.kind) + " " + bad.flag, GRAFT_USAGE, bad.flag, [&] {
      Settings s;
      bad.change(s);
      const std::vector<double> values = array_of(s);
      preference_options(find_preference_kind(bad.kind), values.data(), GRAFT_PREFERENCE_OPTIONS);
    });
  expect_error("kind", GRAFT_USAGE, "--loss dpo is unknown; one of sigmoid,", [] { find_preference_kind("dpo"); });
  const std::vector<double> values = array_of({});
  expect_error("count", GRAFT_USAGE, "options", [&] { preference_options(find_preference_kind("sigmoid"), values.data(), 3); });

  Preferences pairs = random_pairs(3, 1), rows = random_pairs(2, 1, true), bare = pairs;
  bare.reference.clear();
  expect_error("reference", GRAFT_USAGE, "reference", [&] { compute("sigmoid", {}, bare); });
  expect_error("rows", GRAFT_USAGE, "labelled rows", [&] { compute("sigmoid", {}, rows); });
  expect_error("pairs", GRAFT_USAGE, "labelled rows", [&] { compute("kto", {}, pairs); });
  expect_error("total", GRAFT_USAGE, "3 of 2", [&] { compute("sigmoid", {}, pairs, 0, 0, false, 2); });
  Settings s;
  s.sft = 1;
  expect_error("tokens", GRAFT_USAGE, "--sft-weight", [&] { compute("sigmoid", s, pairs, 0, 0, false, 3, 1); });
  CHECK(compute("cpo", s, bare).weights == compute("cpo", s, pairs).weights);  // a reference that is not needed is not read
}

}  // namespace

int main() {
  run("values and derivatives", values_and_derivatives);
  run("bad alignment", bad_alignment);
  run("derivative of own value", derivative_of_own_value);
  run("first step", first_step_is_ln2);
  run("swapped pairs", swapped_pairs);
  run("rewards", rewards);
  run("parts", parts_make_the_whole);
  run("sorting", sorting_forgets_the_order);
  run("running mean", running_mean);
  run("huge", huge_and_certain);
  run("refused", refused);
  return finish("test_loss_preference");
}
