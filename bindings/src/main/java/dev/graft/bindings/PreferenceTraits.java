package dev.graft.bindings;

/**
 * What a kind of preference loss asks of its caller.
 *
 * @param needsReference reference log-probabilities must be given; other kinds ignore them
 * @param unpaired a unit is one row with a label, not a pair
 * @param wholeStep the units depend on each other: in training one {@link PreferenceLoss#compute} must see all of an optimizer step
 * @param needsKl the state must hold the step's KL estimate ({@link PreferenceState#kl}); given that, units are independent
 * @param runningMean the state carries a running mean from step to step, and belongs into a checkpoint
 */
public record PreferenceTraits(boolean needsReference, boolean unpaired, boolean wholeStep, boolean needsKl, boolean runningMean) {
  /** From a sum of graft_preference_trait. */
  static PreferenceTraits of(int bits) {
    return new PreferenceTraits((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0);
  }
}
