package dev.graft.bindings;

import java.util.Objects;

/**
 * Which preference loss, and its settings; formulas and papers stand in native/docs/losses.md. What a kind does not use must have
 * its neutral value, so begin with {@link #defaults} and change what the user asked for.
 *
 * @param kind one of {@link PreferenceLoss#kinds()}
 * @param beta above 0: strength of the pull towards the reference; IPO's tau, ORPO's lambda
 * @param labelSmoothing share of wrong labels, in [0, 0.5); neutral 0
 * @param gamma SimPO's target margin, neutral 0
 * @param sftWeight weight of the chosen answers' mean negative log-likelihood over the step's tokens; neutral 0
 * @param lengthNormalize divide each score by its count of tokens
 * @param ldAlpha weight of the tokens beyond the shorter answer's length, in [0, 1]; neutral 1
 * @param wpo weight each pair by its own likelihood under the policy, detached
 * @param desirableWeight KTO's, neutral 1
 * @param undesirableWeight KTO's, neutral 1
 */
public record PreferenceOptions(String kind, double beta, double labelSmoothing, double gamma, double sftWeight, boolean lengthNormalize, double ldAlpha,
    boolean wpo, double desirableWeight, double undesirableWeight) {
  static final int COUNT = 9;

  /** @throws NullPointerException when kind is null */
  public PreferenceOptions {
    Objects.requireNonNull(kind, "kind");
  }

  /**
   * What TRL takes when nothing is said: beta 0.1, and for a few kinds a smoothing, a gamma or an SFT weight of their own.
   *
   * @throws UsageException when there is no such kind
   */
  public static PreferenceOptions defaults(String kind) {
    Objects.requireNonNull(kind, "kind");
    GraftLibrary.require();
    double[] v = new double[COUNT];
    Calls.run((m, n) -> GraftLibrary.graft_preference_describe(kind, v, COUNT, null, m, n));
    return new PreferenceOptions(kind, v[0], v[1], v[2], v[3], v[4] != 0, v[5], v[6] != 0, v[7], v[8]);
  }

  /** A copy with another beta. */
  public PreferenceOptions withBeta(double value) {
    return new PreferenceOptions(kind, value, labelSmoothing, gamma, sftWeight, lengthNormalize, ldAlpha, wpo, desirableWeight, undesirableWeight);
  }

  /** A copy with another label smoothing. */
  public PreferenceOptions withLabelSmoothing(double value) {
    return new PreferenceOptions(kind, beta, value, gamma, sftWeight, lengthNormalize, ldAlpha, wpo, desirableWeight, undesirableWeight);
  }

  /** A copy with another gamma. */
  public PreferenceOptions withGamma(double value) {
    return new PreferenceOptions(kind, beta, labelSmoothing, value, sftWeight, lengthNormalize, ldAlpha, wpo, desirableWeight, undesirableWeight);
  }

  /** A copy with another SFT weight. */
  public PreferenceOptions withSftWeight(double value) {
    return new PreferenceOptions(kind, beta, labelSmoothing, gamma, value, lengthNormalize, ldAlpha, wpo, desirableWeight, undesirableWeight);
  }

  /** A copy with length normalization on or off. */
  public PreferenceOptions withLengthNormalize(boolean value) {
    return new PreferenceOptions(kind, beta, labelSmoothing, gamma, sftWeight, value, ldAlpha, wpo, desirableWeight, undesirableWeight);
  }

  /** A copy with another LD-DPO alpha. */
  public PreferenceOptions withLdAlpha(double value) {
    return new PreferenceOptions(kind, beta, labelSmoothing, gamma, sftWeight, lengthNormalize, value, wpo, desirableWeight, undesirableWeight);
  }

  /** A copy with WPO weighting on or off. */
  public PreferenceOptions withWpo(boolean value) {
    return new PreferenceOptions(kind, beta, labelSmoothing, gamma, sftWeight, lengthNormalize, ldAlpha, value, desirableWeight, undesirableWeight);
  }

  /** A copy with other KTO weights. */
  public PreferenceOptions withRowWeights(double desirable, double undesirable) {
    return new PreferenceOptions(kind, beta, labelSmoothing, gamma, sftWeight, lengthNormalize, ldAlpha, wpo, desirable, undesirable);
  }

  /** In the order of graft_preference_option. */
  double[] values() {
    return new double[] {
      beta, labelSmoothing, gamma, sftWeight, lengthNormalize ? 1 : 0, ldAlpha, wpo ? 1 : 0, desirableWeight, undesirableWeight
    };
  }
}
