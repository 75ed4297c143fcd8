package dev.graft.bindings;

import java.util.Objects;

/** Losses over the log-probabilities of a batch. Each sets the batch's weights, for the backward pass. */
public final class Losses {
  private Losses() {}

  /**
   * Mean negative log-likelihood: this batch's part of it, -sum(logp) / total. The loss of a step is the sum of its parts.
   *
   * @param totalTargets targets of the whole optimizer step, of which this batch's are a part; at least 1
   * @throws UsageException when totalTargets is less than the batch's targets
   */
  public static double sft(PackedBatch batch, long totalTargets) {
    Objects.requireNonNull(batch, "batch");
    GraftLibrary.require();
    return batch.sft(totalTargets);
  }
}
