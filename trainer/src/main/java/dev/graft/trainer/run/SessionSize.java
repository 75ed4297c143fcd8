package dev.graft.trainer.run;

import dev.graft.bindings.SessionOptions;

/**
 * How large a training session must be for its rows.
 *
 * @param maxTokens most tokens computed at once  @param maxTargets most targets of those
 */
public record SessionSize(long maxTokens, long maxTargets) {
  /**
   * The limit asked for, or the longest row where that is more; less where there is never so much together.
   *
   * @param eval rows to evaluate on, or null
   */
  public static SessionSize of(RowSet train, RowSet eval, RunOptions.Batching batching) {
    int longest = Math.max(train.longest(), eval == null ? 0 : eval.longest());
    long together = Math.max(train.mostTokens(batching.rowsPerStep()), eval == null ? 0 : eval.mostTokens(eval.rows()));
    long tokens = Math.max(longest, Math.min(batching.microBatchTokens(), together));
    double share = Math.max(train.targetShare(), eval == null ? 0 : eval.targetShare());
    return new SessionSize(tokens, Math.max(1, (long) Math.ceil(share * tokens)));
  }

  /** A session of this size that trains. */
  public SessionOptions training(RunOptions options) {
    return new SessionOptions(true, maxTokens, maxTargets, options.batching().recompute(), (float) options.adapter().dropout(), options.seed());
  }
}
