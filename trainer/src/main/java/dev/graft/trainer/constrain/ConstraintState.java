package dev.graft.trainer.constrain;

/** How far one answer has come within its {@link TokenConstraint}. One thread. */
public interface ConstraintState {
  /**
   * Which tokens may come next: bit {@code id % 64} of word {@code id / 64}. The end-of-generation tokens are among them exactly when the answer is whole as it
   * stands. Never empty. Not to be changed; valid until the next {@link #accept}.
   */
  long[] allowed();

  /** Takes the next token. @throws IllegalArgumentException when it is not {@link #allowed} */
  void accept(int token);

  /** True when the answer is whole and nothing but its end may follow. */
  boolean finished();
}
