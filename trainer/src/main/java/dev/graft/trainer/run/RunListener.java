package dev.graft.trainer.run;

import java.nio.file.Path;

/** Told what a run does, on the run's thread; must not throw. */
public interface RunListener {
  /** Tells nobody. */
  RunListener SILENT = new RunListener() {};

  /** A sentence for the user. */
  default void note(String line) {}

  /** Work before training goes on. @param what it is, a noun */
  default void preparing(String what, long done, long total) {}

  /** Everything is ready; the first step comes next. @param doneSteps steps that a resumed run already has */
  default void started(RunPlan plan, long doneSteps) {}

  /** A step is done. @param total steps of the run */
  default void step(StepMetrics metrics, long total) {}

  /** An evaluation goes on. */
  default void evaluating(int batchesDone, int batches) {}

  /** An evaluation is done. @param best whether it is the lowest loss so far */
  default void evaluated(EvalMetrics metrics, boolean best) {}

  /** A checkpoint is on disk. */
  default void saved(Path checkpoint) {}

  /** The last step is done, or the run stops. */
  default void finished() {}
}
