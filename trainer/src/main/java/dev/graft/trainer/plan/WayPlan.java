package dev.graft.trainer.plan;

/**
 * What one way of training costs. Checkpoints are not counted.
 *
 * @param promptTokens of an epoch, each prompt once  @param completionTokens of an epoch
 * @param perEpoch what an epoch's training passes compute  @param microBatches of the first epoch  @param maxTokens of one of them
 * @param epochFlops of an epoch's training passes  @param klFlops of the passes that KTO estimates the KL divergence by, in each epoch
 * @param referenceFlops of the reference on the rows to learn: once, or with {@link Way#online} in each epoch
 * @param evaluation what is scored beside  @param memory at its highest  @param stepSeconds of an optimizer step on average  @param epochSeconds of an epoch
 * @param onceSeconds before the first step  @param totalSeconds of the whole run, {@code onceSeconds} and evaluations included
 */
public record WayPlan(Way way, long promptTokens, long completionTokens, BatchShape perEpoch, long microBatches, long maxTokens, Flops epochFlops,
    Flops klFlops, Flops referenceFlops, EvaluationPlan evaluation, MemoryPlan memory, double stepSeconds, double epochSeconds, double onceSeconds, double totalSeconds) {
  /** Operations of an epoch, with those of a KL estimate and of an online reference. */
  public double allEpochFlops() {
    return epochFlops.total() + klFlops.total() + (way.online() ? referenceFlops.total() : 0);
  }

  /** Operations before the first step. */
  public double onceFlops() {
    return way.online() ? 0 : referenceFlops.total() + evaluation.onceFlops().total();
  }

  /** Operations of the whole run. @param epochs passes over the data */
  public double totalFlops(double epochs) {
    return allEpochFlops() * epochs + onceFlops() + evaluation.flops().total() * evaluation.count();
  }
}
