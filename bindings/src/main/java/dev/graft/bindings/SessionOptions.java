package dev.graft.bindings;

/**
 * What a training session is made for; memory is taken accordingly, once.
 *
 * @param trainable false: scoring only, without gradients and optimizer
 * @param maxTokens most tokens in one batch
 * @param maxTargets most targets in one batch
 * @param recompute what the backward pass finds of the forward
 * @param dropout share of the adapter's input that a training forward drops, in [0, 1)
 * @param seed of the dropout
 */
public record SessionOptions(boolean trainable, long maxTokens, long maxTargets, Recompute recompute, float dropout, long seed) {
  /** Scoring only. */
  public static SessionOptions scoring(long maxTokens, long maxTargets) {
    return new SessionOptions(false, maxTokens, maxTargets, Recompute.NONE, 0, 0);
  }
}
