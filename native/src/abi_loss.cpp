// The C ABI, third part: preference losses.
#include "abi_guard.h"
#include "loss_preference.h"

using namespace graft;

extern "C" {

const char *graft_preference_kinds(void) { return preference_kind_names().c_str(); }

int32_t graft_preference_describe(const char *kind, double *defaults, int32_t n_options, int32_t *traits, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const PreferenceKind &found = find_preference_kind(&required(kind, "--loss"));
    if (traits) *traits = preference_traits(found);
    if (!defaults) return;
    if (n_options != GRAFT_PREFERENCE_OPTIONS) fail(GRAFT_USAGE, "a preference loss has %d options, not %d", int(GRAFT_PREFERENCE_OPTIONS), n_options);
    const PreferenceOptions d = preference_defaults(found);
    const double values[GRAFT_PREFERENCE_OPTIONS] = {d.beta,     d.label_smoothing, d.gamma, d.sft_weight, d.length_normalize,
                                                     d.ld_alpha, d.wpo,             d.desirable_weight,    d.undesirable_weight};
    std::memcpy(defaults, values, sizeof values);
  });
}

int32_t graft_preference_check(const char *kind, const double *options, int32_t n_options, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] { preference_options(find_preference_kind(&required(kind, "--loss")), &required(options, "options"), n_options); });
}

int32_t graft_preference_loss(const char *kind, const double *options, int32_t n_options, int64_t n, const int32_t *labels, const int32_t *lengths,
                              const float *logps, const float *reference, const float *alignment, int64_t total_units, int64_t total_sft_tokens, int32_t update_state,
                              double *state, float *weights, double *losses, double *rewards, char *message, int64_t message_bytes) {
  return guarded(message, message_bytes, [&] {
    const PreferenceKind &found = find_preference_kind(&required(kind, "--loss"));
    const PreferenceOptions chosen = preference_options(found, &required(options, "options"), n_options);
    preference_loss(found, chosen, {n, labels, lengths, logps, reference, alignment, total_units, total_sft_tokens, update_state != 0},
                    {state, weights, losses, rewards});
  });
}

}  // extern "C"
