package dev.graft.bindings;

/**
 * What a preference loss carries from step to step, or is told about one.
 *
 * @param value bco_pair: the mean of all rewards so far; kto: the KL estimate; otherwise 0
 * @param count bco_pair: the number of those rewards; otherwise 0
 */
public record PreferenceState(double value, double count) {
  /** At the start of training, and always for kinds without a state. */
  public static final PreferenceState START = new PreferenceState(0, 0);

  /**
   * KTO's estimate of KL(policy || reference): the mean over the step's rows of log p(policy) - log p(reference), summed over the tokens of
   * <em>another</em> row's completion after this row's prompt. The loss takes a negative estimate for 0.
   */
  public static PreferenceState kl(double estimate) {
    return new PreferenceState(estimate, 0);
  }
}
