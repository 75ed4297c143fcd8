package dev.graft.bindings;

/**
 * What {@link PreferenceLoss#compute} found. Sequences are numbered as they were added: of pair {@code i}, chosen is 2i and rejected 2i + 1; row
 * {@code i} is i. The arrays are the caller's to keep.
 *
 * @param loss this call's part of the step's loss: the sum of its units' losses / total units; the step's loss is the sum of its parts
 * @param losses of each unit
 * @param rewards of each sequence: beta * (sum of log ratios), reference-free beta * the policy's score
 * @param weights of each sequence, for each token: d (the step's loss) / d logp
 * @param state for the next step
 */
public record PreferenceResult(double loss, double[] losses, double[] rewards, float[][] weights, PreferenceState state) {
  /** Reward of pair {@code i}'s chosen answer. */
  public double chosenReward(int i) {
    return rewards[2 * i];
  }

  /** Reward of pair {@code i}'s rejected answer. */
  public double rejectedReward(int i) {
    return rewards[2 * i + 1];
  }

  /** d loss / d logp of pair {@code i}'s chosen tokens. */
  public float[] chosenWeights(int i) {
    return weights[2 * i];
  }

  /** d loss / d logp of pair {@code i}'s rejected tokens. */
  public float[] rejectedWeights(int i) {
    return weights[2 * i + 1];
  }
}
