// From log-probabilities of tokens to a loss for each unit and back: sequences become scores, the kind turns scores into losses and derivatives,
// and each derivative is spread over its sequence's tokens.
#include "loss_preference.h"

#include <algorithm>
#include <vector>

#include "loss_preference_kinds.h"
#include "status.h"

namespace graft {

namespace {

struct Sequence {
  int64_t begin;
  int32_t length;
  int32_t shared;  // tokens within the shorter answer of the pair
  double divisor;  // of the score: its length, or 1
  int64_t count() const { return std::max<int64_t>(length, 1); }
};

// LD-DPO, Liu et al. 2024, arXiv:2409.06411: tokens beyond the shorter answer's length count α.
double token_weight(const Sequence &s, int32_t t, double ld_alpha) { return (t < s.shared ? 1.0 : ld_alpha) / s.divisor; }

class Step {
 public:
  Step(const PreferenceKind &kind, const PreferenceOptions &options, const PreferenceInput &in, const PreferenceOutput &out)
      : kind_(kind), options_(options), in_(in), out_(out) {}

  void run() {
    lay_out();
    add_up();
    double state[2] = {0, 0};
    if (out_.state) std::copy(out_.state, out_.state + 2, state);
    const double shift = shift_of(state);
    losses_.resize(size_t(in_.units));
    if (kind_.sorted) kind_.sorted(scores_, options_, losses_);
    for (int64_t i = 0; i < in_.units; i++) finish(i, shift);
    if (out_.state && (kind_.traits & GRAFT_PREFERENCE_RUNNING_MEAN)) std::copy(state, state + 2, out_.state);
  }

 private:
  int64_t per_unit() const { return kind_.row ? 1 : 2; }
  bool uses_reference() const { return kind_.traits & GRAFT_PREFERENCE_NEEDS_REFERENCE; }

  void lay_out() {
    const int64_t n = in_.units * per_unit();
    int64_t at = 0, sft_tokens = 0;
    for (int64_t i = 0; i < n; i++) {
      const int32_t length = in_.lengths[i], other = kind_.row ? length : in_.lengths[i ^ 1];
      if (length < 0) fail(GRAFT_USAGE, "sequence %lld has %d tokens", (long long)i, length);
      Sequence s{at, length, std::min(length, other), 1};
      if (kind_.averages || options_.length_normalize != 0) s.divisor = double(s.count());
      sequences_.push_back(s);
      at += length;
      if (i % 2 == 0) sft_tokens += length;
    }
    if (at > 0 && (!in_.logps || !out_.weights)) fail(GRAFT_USAGE, "logps or weights is NULL");
    if (at > 0 && uses_reference() && !in_.reference) fail(GRAFT_USAGE, "--loss %s needs reference log-probabilities", kind_.name);
    if (options_.sft_weight > 0 && in_.total_sft_tokens < sft_tokens)
      fail(GRAFT_USAGE, "the step's %lld tokens for --sft-weight are fewer than the %lld of this part", (long long)in_.total_sft_tokens, (long long)sft_tokens);
  }

  void add_up() {
    for (const Sequence &s : sequences_) {
      Score score{0, 0};
      double rewarded = 0;
      for (int32_t t = 0; t < s.length; t++) {
        const double weight = token_weight(s, t, options_.ld_alpha), policy = double(in_.logps[s.begin + t]);
        const double reference = uses_reference() ? double(in_.reference[s.begin + t]) : 0;
        score.policy += weight * policy;
        score.reference += weight * reference;
        rewarded += weight * (policy - reference);
      }
      scores_.push_back(score);
      // TRL: with a reference, rewards are of the sums even where the loss takes means.
      out_.rewards[scores_.size() - 1] = options_.beta * rewarded * (uses_reference() || !kind_.averages ? s.divisor : 1);
    }
  }

  // The running mean of the rewards so far, these included; or the KL estimate.
  double shift_of(double *state) const {
    if ((kind_.traits & GRAFT_PREFERENCE_RUNNING_MEAN) && in_.update_state && out_.state) {
      double sum = 0;
      for (size_t i = 0; i < scores_.size(); i++) sum += out_.rewards[i];
      const double count = state[1] + double(scores_.size());
      if (count > 0) state[0] += (sum - double(scores_.size()) * state[0]) / count;
      state[1] = count;
    }
    return state[0];
  }

  void finish(int64_t unit, double shift) {
    ScoreLoss loss;
    const size_t first = size_t(unit * per_unit());
    if (kind_.row)
      loss = kind_.row(scores_[first].ratio(), in_.labels[unit] != 0, options_, shift);
    else if (kind_.pair)
      loss = kind_.pair(scores_[first].ratio(), scores_[first + 1].ratio(), options_, shift);
    else
      loss = losses_[size_t(unit)];
    if (options_.wpo != 0) {
      // WPO, Zhou et al. 2024, arXiv:2406.11827, eq. 2, clamped as in their code: L ← min(1, w(chosen) w(rejected)) L, constant for the gradient
      const double log_weight = log_likelihood(sequences_[first]) + log_likelihood(sequences_[first + 1]), weight = log_weight > 0 ? 1 : std::exp(log_weight);
      loss = {loss.loss * weight, loss.d_chosen * weight, loss.d_rejected * weight};
    }
    double d_sft = 0;
    if (options_.sft_weight > 0 && in_.total_sft_tokens > 0) {
      // RPO, Pang et al. 2024, arXiv:2404.19733: step's L += α · (-Σ logp of chosen tokens) / tokens; a pair's part of it is scaled so that Σ/total_units gives that
      d_sft = -options_.sft_weight / double(in_.total_sft_tokens) * double(in_.total_units);
      const Sequence &s = sequences_[first];
      for (int32_t t = 0; t < s.length; t++) loss.loss += d_sft * double(in_.logps[s.begin + t]);
    }
    out_.losses[unit] = loss.loss;
    bool finite = std::isfinite(loss.loss) && spread(sequences_[first], loss.d_chosen, d_sft) && std::isfinite(out_.rewards[first]);
    if (!kind_.row) finite = finite && spread(sequences_[first + 1], loss.d_rejected, 0) && std::isfinite(out_.rewards[first + 1]);
    if (!finite) fail(GRAFT_NOT_FINITE, "the %s loss of %s %lld of this part of the step is not finite", kind_.name, kind_.row ? "row" : "pair", (long long)unit);
  }

  // The mean log-probability; with alignment that of log p - log Σ p²: p is measured by what the policy's own samples have on average.
  double log_likelihood(const Sequence &s) const {
    double sum = 0;
    for (int32_t t = 0; t < s.length; t++) sum += double(in_.logps[s.begin + t]) - (in_.alignment ? double(in_.alignment[s.begin + t]) : 0);
    return sum / double(s.count());
  }

  // score = Σ weight_t logp_t, so d/dlogp_t = weight_t d/dscore; false when a weight is not finite.
  bool spread(const Sequence &s, double d_score, double d_sft) {
    bool finite = true;
    for (int32_t t = 0; t < s.length; t++) {
      const float weight = float((token_weight(s, t, options_.ld_alpha) * d_score + d_sft) / double(in_.total_units));
      out_.weights[s.begin + t] = weight;
      finite = finite && std::isfinite(weight);
    }
    return finite;
  }

  const PreferenceKind &kind_;
  const PreferenceOptions &options_;
  const PreferenceInput &in_;
  const PreferenceOutput &out_;
  std::vector<Sequence> sequences_;
  std::vector<Score> scores_;
  std::vector<ScoreLoss> losses_;
};

}  // namespace

void preference_loss(const PreferenceKind &kind, const PreferenceOptions &options, const PreferenceInput &in, const PreferenceOutput &out) {
  if (in.units < 0 || in.total_units < 1 || in.total_units < in.units)
    fail(GRAFT_USAGE, "a loss over %lld of %lld pairs is out of range", (long long)in.units, (long long)in.total_units);
  const bool independent = (kind.traits & GRAFT_PREFERENCE_RUNNING_MEAN) && !in.update_state;  // a given mean couples nothing
  if ((kind.traits & GRAFT_PREFERENCE_WHOLE_STEP) && !independent && in.units != in.total_units)
    fail(GRAFT_USAGE, "--loss %s needs all %lld pairs of the step at once, not %lld", kind.name, (long long)in.total_units, (long long)in.units);
  if (in.units > 0 && (!in.lengths || !out.losses || !out.rewards)) fail(GRAFT_USAGE, "lengths, losses or rewards is NULL");
  if (kind.row && !in.labels && in.units > 0) fail(GRAFT_USAGE, "--loss %s takes labelled rows, not pairs", kind.name);
  if (!kind.row && in.labels) fail(GRAFT_USAGE, "--loss %s takes pairs, not labelled rows", kind.name);
  Step(kind, options, in, out).run();
}

}  // namespace graft
