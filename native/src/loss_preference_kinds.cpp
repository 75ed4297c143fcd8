#include "loss_preference_kinds.h"

#include <cstring>

#include "status.h"

namespace graft {

namespace {

constexpr int32_t reference = GRAFT_PREFERENCE_NEEDS_REFERENCE, whole = GRAFT_PREFERENCE_WHOLE_STEP;
constexpr double none = -1;

// The one list of kinds. Defaults are TRL's.
const PreferenceKind kinds[] = {
    // name         traits     averages smoothing gamma sft
    {"sigmoid", reference, false, 0, none, 0, sigmoid_loss, nullptr, nullptr},
    {"robust", reference, false, 0, none, 0, robust_loss, nullptr, nullptr},
    {"hinge", reference, false, none, none, 0, hinge_loss, nullptr, nullptr},
    {"ipo", reference, true, none, none, 0, ipo_loss, nullptr, nullptr},
    {"apo_zero", reference, false, none, none, 0, apo_zero_loss, nullptr, nullptr},
    {"apo_down", reference, false, none, none, 0, apo_down_loss, nullptr, nullptr},
    {"sppo_hard", reference, false, none, none, 0, sppo_loss, nullptr, nullptr},
    {"exo_pair", reference, false, 1e-3, none, 0, exo_loss, nullptr, nullptr},
    {"nca_pair", reference, false, none, none, 0, nca_loss, nullptr, nullptr},
    {"bco_pair", reference | whole | GRAFT_PREFERENCE_RUNNING_MEAN, false, none, none, 0, bco_loss, nullptr, nullptr},
    {"aot", reference | whole, false, 0, none, 0, nullptr, nullptr, aot_loss},
    {"aot_unpaired", reference | whole, false, 0, none, 0, nullptr, nullptr, aot_unpaired_loss},
    {"aot_pair", reference | whole, false, 0, none, 0, nullptr, nullptr, aot_unpaired_loss},  // TRL's name for aot_unpaired until February 2026
    {"simpo", 0, true, 0, 0.5, 0, simpo_loss, nullptr, nullptr},
    {"orpo", 0, true, none, none, 1, orpo_loss, nullptr, nullptr},
    {"cpo", 0, false, 0, none, 1, sigmoid_loss, nullptr, nullptr},
    {"kto", reference | GRAFT_PREFERENCE_UNPAIRED | GRAFT_PREFERENCE_NEEDS_KL, false, none, none, 0, nullptr, kto_loss, nullptr},
};

// value must be its neutral one unless the kind uses the option.
void unused(const PreferenceKind &kind, const char *flag, double value, double neutral) {
  if (value != neutral) fail(GRAFT_USAGE, "%s does not apply to --loss %s; leave it out", flag, kind.name);
}

void at_least_zero(const char *flag, double value) {
  if (!(value >= 0 && std::isfinite(value))) fail(GRAFT_USAGE, "%s must be a number >= 0, not %g", flag, value);
}

void off_or_on(const char *flag, double value) {
  if (!(value == 0 || value == 1)) fail(GRAFT_USAGE, "%s is off (0) or on (1), not %g", flag, value);
}

void check_smoothing(const PreferenceKind &kind, double value) {
  if (!(value >= 0 && value < 0.5)) fail(GRAFT_USAGE, "--label-smoothing must be in [0, 0.5), not %g", value);
  if (kind.default_smoothing < 0) unused(kind, "--label-smoothing", value, 0);
  if (kind.pair == exo_loss && !(value > 0)) fail(GRAFT_USAGE, "--loss exo_pair needs --label-smoothing above 0 (its paper: 0.001)");
}

// What acts on a pair's tokens means nothing for a single row; what reweights a pair means nothing once scores are sorted.
void check_modifiers(const PreferenceKind &kind, const PreferenceOptions &o) {
  at_least_zero("--sft-weight", o.sft_weight);
  off_or_on("--length-normalize", o.length_normalize);
  if (!(o.ld_alpha >= 0 && o.ld_alpha <= 1)) fail(GRAFT_USAGE, "--ld-alpha must be in [0, 1], not %g", o.ld_alpha);
  off_or_on("--wpo", o.wpo);
  if (kind.row) {
    unused(kind, "--sft-weight", o.sft_weight, 0);
    unused(kind, "--length-normalize", o.length_normalize, 0);
    unused(kind, "--ld-alpha", o.ld_alpha, 1);
  }
  if (kind.row || kind.sorted) unused(kind, "--wpo", o.wpo, 0);
}

}  // namespace

const PreferenceKind &find_preference_kind(const char *name) {
  for (const PreferenceKind &kind : kinds)
    if (!std::strcmp(kind.name, name)) return kind;
  fail(GRAFT_USAGE, "--loss %.80s is unknown; one of %s", name, preference_kind_names().c_str());
}

const std::string &preference_kind_names() {
  static const std::string names = [] {
    std::string list;
    for (const PreferenceKind &kind : kinds) list += (list.empty() ? "" : ",") + std::string(kind.name);
    return list;
  }();
  return names;
}

int32_t preference_traits(const PreferenceKind &kind) { return kind.traits; }

PreferenceOptions preference_defaults(const PreferenceKind &kind) {
  return {0.1, std::fmax(kind.default_smoothing, 0), std::fmax(kind.default_gamma, 0), kind.default_sft_weight, 0, 1, 0, 1, 1};
}

PreferenceOptions preference_options(const PreferenceKind &kind, const double *values, int32_t count) {
  if (count != GRAFT_PREFERENCE_OPTIONS) fail(GRAFT_USAGE, "a preference loss has %d options, not %d", int(GRAFT_PREFERENCE_OPTIONS), count);
  const PreferenceOptions o = {values[GRAFT_PREFERENCE_BETA],       values[GRAFT_PREFERENCE_LABEL_SMOOTHING],   values[GRAFT_PREFERENCE_GAMMA],
                               values[GRAFT_PREFERENCE_SFT_WEIGHT], values[GRAFT_PREFERENCE_LENGTH_NORMALIZE],  values[GRAFT_PREFERENCE_LD_ALPHA],
                               values[GRAFT_PREFERENCE_WPO],        values[GRAFT_PREFERENCE_DESIRABLE_WEIGHT], values[GRAFT_PREFERENCE_UNDESIRABLE_WEIGHT]};
  if (!(o.beta > 0 && std::isfinite(o.beta))) fail(GRAFT_USAGE, "--beta must be a number above 0, not %g", o.beta);
  check_smoothing(kind, o.label_smoothing);
  at_least_zero("--simpo-gamma", o.gamma);
  if (kind.default_gamma < 0) unused(kind, "--simpo-gamma", o.gamma, 0);
  check_modifiers(kind, o);
  at_least_zero("--desirable-weight", o.desirable_weight);
  at_least_zero("--undesirable-weight", o.undesirable_weight);
  if (!kind.row) {
    unused(kind, "--desirable-weight", o.desirable_weight, 1);
    unused(kind, "--undesirable-weight", o.undesirable_weight, 1);
  }
  return o;
}

}  // namespace graft
