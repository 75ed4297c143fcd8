package dev.graft.trainer.plan;

/**
 * Most memory that a run takes, in bytes.
 *
 * @param modelFile the mapped file, once all of it has been read  @param session activations and buffers of training
 * @param adapterAndOptimizer the adapter, its gradient and both moments  @param reference a second session, for a reference computed online
 * @param cachePass the session that fills the reference cache and is gone before training begins
 * @param java the Java side  @param available what the machine has left, 0 when it cannot say
 */
public record MemoryPlan(long modelFile, long session, long adapterAndOptimizer, long reference, long cachePass, long java, long available) {
  /** The most of it that is needed at a time. */
  public long peak() {
    return modelFile + java + Math.max(session + adapterAndOptimizer + reference, cachePass);
  }

  /** Whether it is there; true when the machine cannot say. */
  public boolean fits() {
    return available == 0 || peak() <= available;
  }
}
