package dev.graft.trainer.constrain;

/** What an answer may be, for one vocabulary. Immutable to the eye; threads may share it. */
public interface TokenConstraint {
  /** A new answer, nothing of it written yet. */
  ConstraintState start();
}
