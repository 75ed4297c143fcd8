// The kinds of preference loss: one row for each, and what a row is made of.
#pragma once
#include <cmath>
#include <vector>

#include "loss_preference.h"

namespace graft {

// A loss of one unit and its derivatives by the two scores (unpaired: by the first only).
struct ScoreLoss {
  double loss, d_chosen, d_rejected;
};

// What a sequence amounts to. policy and reference are sums over tokens of weight_t * logp_t (weight_t: LD-DPO's, and 1/length where the kind averages);
// reference is 0 for reference-free kinds.
struct Score {
  double policy, reference;
  double ratio() const { return policy - reference; }
};

// Pointwise kinds: chosen and rejected are the scores' ratios (reference-free: the policy's scores), shift the running mean or KL estimate.
using PairLoss = ScoreLoss (*)(double chosen, double rejected, const PreferenceOptions &, double shift);
using RowLoss = ScoreLoss (*)(double score, bool desirable, const PreferenceOptions &, double shift);
// Kinds that sort over the step: scores [2n] chosen and rejected in turn; result [n], in the order of the pairs.
using SortedLoss = void (*)(const std::vector<Score> &scores, const PreferenceOptions &, std::vector<ScoreLoss> &result);

struct PreferenceKind {
  const char *name;
  int32_t traits;
  bool averages;             // scores are per token
  double default_smoothing;  // < 0: the kind has no label smoothing
  double default_gamma;      // < 0: no gamma
  double default_sft_weight;
  PairLoss pair;
  RowLoss row;
  SortedLoss sorted;
};

// log(1 / (1 + e^-x)), finite for every finite x.
inline double log_sigmoid(double x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }
inline double sigmoid(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

// loss_preference_margin.cpp: functions of the margin chosen - rejected
ScoreLoss sigmoid_loss(double, double, const PreferenceOptions &, double);
ScoreLoss robust_loss(double, double, const PreferenceOptions &, double);
ScoreLoss hinge_loss(double, double, const PreferenceOptions &, double);
ScoreLoss ipo_loss(double, double, const PreferenceOptions &, double);
ScoreLoss exo_loss(double, double, const PreferenceOptions &, double);
ScoreLoss simpo_loss(double, double, const PreferenceOptions &, double);
ScoreLoss orpo_loss(double, double, const PreferenceOptions &, double);
// loss_preference_anchored.cpp: each answer against its own anchor
ScoreLoss apo_zero_loss(double, double, const PreferenceOptions &, double);
ScoreLoss apo_down_loss(double, double, const PreferenceOptions &, double);
ScoreLoss sppo_loss(double, double, const PreferenceOptions &, double);
ScoreLoss nca_loss(double, double, const PreferenceOptions &, double);
ScoreLoss bco_loss(double, double, const PreferenceOptions &, double);
ScoreLoss kto_loss(double, bool, const PreferenceOptions &, double);
// loss_preference_sorted.cpp: optimal transport between sorted scores
void aot_loss(const std::vector<Score> &, const PreferenceOptions &, std::vector<ScoreLoss> &);
void aot_unpaired_loss(const std::vector<Score> &, const PreferenceOptions &, std::vector<ScoreLoss> &);

}  // namespace graft
