package dev.graft.bindings;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Log-probabilities of the completions that a preference loss compares: pairs, or rows with a label, never both. Kept by reference,
 * not copied. Used by one thread.
 */
public final class PreferenceSequences {
  private final List<float[]> logps = new ArrayList<>();
  private final List<float[]> references = new ArrayList<>();
  private final List<float[]> alignments = new ArrayList<>();
  private final List<Integer> labels = new ArrayList<>();
  private boolean reference;

  /**
   * Adds a pair for a kind with a reference.
   *
   * @param chosen log-probability of each token under the policy
   * @param referenceChosen the same under the reference
   * @throws IllegalArgumentException when lengths differ, or it does not go with what was added before
   */
  public PreferenceSequences addPair(float[] chosen, float[] rejected, float[] referenceChosen, float[] referenceRejected) {
    same("reference", chosen, Objects.requireNonNull(referenceChosen, "referenceChosen"));
    same("reference", rejected, Objects.requireNonNull(referenceRejected, "referenceRejected"));
    return pair(chosen, rejected, referenceChosen, referenceRejected);
  }

  /**
   * Adds a pair for a reference-free kind.
   *
   * @throws IllegalArgumentException when it does not go with what was added before
   */
  public PreferenceSequences addPair(float[] chosen, float[] rejected) {
    Objects.requireNonNull(chosen, "chosen");
    Objects.requireNonNull(rejected, "rejected");
    return pair(chosen, rejected, null, null);
  }

  /**
   * Adds a row for an unpaired kind.
   *
   * @throws IllegalArgumentException when lengths differ, or it does not go with what was added before
   */
  public PreferenceSequences addRow(float[] completion, float[] referenceCompletion, boolean desirable) {
    same("reference", completion, Objects.requireNonNull(referenceCompletion, "referenceCompletion"));
    if (labels.size() != logps.size()) {
      throw new IllegalArgumentException("pairs and labelled rows do not mix");
    }
    add(completion, referenceCompletion);
    labels.add(desirable ? 1 : 0);
    return this;
  }

  /**
   * Gives WPO's alignment of the pair added last: log Σ p² over the vocabulary at each token, as {@link PackedBatch#logSquares} has it. All
   * pairs have one, or none has; other losses ignore it.
   *
   * @throws IllegalArgumentException when lengths differ, or there is no pair without one
   */
  public PreferenceSequences align(float[] chosen, float[] rejected) {
    if (!labels.isEmpty() || alignments.size() + 2 != logps.size()) {
      throw new IllegalArgumentException("an alignment belongs to the pair added last, and each pair before needs one too");
    }
    same("alignment", logps.get(logps.size() - 2), Objects.requireNonNull(chosen, "chosen"));
    same("alignment", logps.get(logps.size() - 1), Objects.requireNonNull(rejected, "rejected"));
    alignments.add(chosen);
    alignments.add(rejected);
    return this;
  }

  /** Pairs, or rows. */
  public int units() {
    return labels.isEmpty() ? logps.size() / 2 : labels.size();
  }

  /** Tokens of the chosen answers. */
  public long chosenTokens() {
    long tokens = 0;
    for (int i = 0; i < logps.size(); i += labels.isEmpty() ? 2 : 1) {
      tokens += labels.isEmpty() || labels.get(i) == 1 ? logps.get(i).length : 0;
    }
    return tokens;
  }

  List<float[]> logps() {
    return logps;
  }

  /** Empty when there is no reference. */
  List<float[]> references() {
    return references;
  }

  /**
   * Empty when there is none.
   *
   * @throws IllegalArgumentException when some pairs have one and some have not
   */
  List<float[]> alignments() {
    if (!alignments.isEmpty() && alignments.size() != logps.size()) {
      throw new IllegalArgumentException("either all pairs have an alignment or none");
    }
    return alignments;
  }

  /** Empty for pairs. */
  int[] labels() {
    return labels.stream().mapToInt(i -> i).toArray();
  }

  private PreferenceSequences pair(float[] chosen, float[] rejected, float[] referenceChosen, float[] referenceRejected) {
    if (!labels.isEmpty()) {
      throw new IllegalArgumentException("pairs and labelled rows do not mix");
    }
    add(chosen, referenceChosen);
    add(rejected, referenceRejected);
    return this;
  }

  private void add(float[] policy, float[] ofReference) {
    if (!logps.isEmpty() && reference != (ofReference != null)) {
      throw new IllegalArgumentException("either all sequences have a reference or none");
    }
    reference = ofReference != null;
    logps.add(policy);
    if (reference) {
      references.add(ofReference);
    }
  }

  private static void same(String what, float[] policy, float[] other) {
    if (policy.length != other.length) {
      throw new IllegalArgumentException("the policy has " + policy.length + " log-probabilities, the " + what + " " + other.length);
    }
  }
}
