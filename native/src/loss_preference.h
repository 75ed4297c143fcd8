// Preference losses: DPO and its kin. Formulas and papers: docs/losses.md; the contract: graft_preference_loss in graft.h.
#pragma once
#include <cstdint>
#include <string>

#include "graft.h"

namespace graft {

struct PreferenceOptions {
  double beta, label_smoothing, gamma, sft_weight, length_normalize, ld_alpha, wpo, desirable_weight, undesirable_weight;
};

struct PreferenceKind;

// fail(GRAFT_USAGE) for a name that is none.
const PreferenceKind &find_preference_kind(const char *name);
// All names, comma-separated.
const std::string &preference_kind_names();
int32_t preference_traits(const PreferenceKind &);
PreferenceOptions preference_defaults(const PreferenceKind &);
// From the ABI's array of GRAFT_PREFERENCE_OPTIONS doubles, checked against the kind: fail(GRAFT_USAGE) with a line that names the flag.
PreferenceOptions preference_options(const PreferenceKind &, const double *values, int32_t count);

// As in graft_preference_loss; pointers that the kind needs must be there.
struct PreferenceInput {
  int64_t units;
  const int32_t *labels;
  const int32_t *lengths;
  const float *logps, *reference, *alignment;
  int64_t total_units, total_sft_tokens;
  bool update_state;
};
struct PreferenceOutput {
  double *state;
  float *weights;
  double *losses, *rewards;
};
void preference_loss(const PreferenceKind &, const PreferenceOptions &, const PreferenceInput &, const PreferenceOutput &);

}  // namespace graft
