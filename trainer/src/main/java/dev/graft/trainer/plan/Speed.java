package dev.graft.trainer.plan;

/**
 * How fast a machine is on a model, operations counted as {@link ModelCost} does.
 *
 * @param forward FLOP/s of a training forward pass  @param backward of a backward pass
 * @param scoring of a pass that gives log-probabilities only  @param optimizerSeconds of one update
 * @param source where the figures are from, for the user
 */
public record Speed(double forward, double backward, double scoring, double optimizerSeconds, String source) {
  /** The same speed for everything. */
  public static Speed given(double flopsPerSecond, String source) {
    return new Speed(flopsPerSecond, flopsPerSecond, flopsPerSecond, 0, source);
  }

  /** Seconds of training passes. */
  public double training(Flops flops) {
    return flops.allForward() / forward + flops.allBackward() / backward;
  }

  /** Seconds of scoring passes. */
  public double scoring(Flops flops) {
    return flops.total() / scoring;
  }
}
