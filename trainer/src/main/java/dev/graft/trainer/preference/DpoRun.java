package dev.graft.trainer.preference;

import dev.graft.bindings.GraftRuntime;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.RunOptions;
import dev.graft.trainer.run.RunSummary;
import dev.graft.trainer.run.StopRequest;
import dev.graft.trainer.run.TrainingRun;

/** Preference training of a LoRA adapter into a folder. */
public final class DpoRun {
  private DpoRun() {}

  /** Runs as {@link TrainingRun#run} does. @throws dev.graft.bindings.UsageException when the loss's settings do not fit its kind */
  public static RunSummary run(GraftRuntime runtime, RunOptions options, DpoOptions dpo, RunListener listener, StopRequest stop) {
    return TrainingRun.run(runtime, options, new DpoTask(options, dpo), listener, stop);
  }
}
