package dev.graft.trainer.run;

import dev.graft.bindings.GraftRuntime;

/** Supervised fine-tuning of a LoRA adapter (Hu et al. 2021, arXiv:2106.09685) into a folder. */
public final class SftRun {
  private SftRun() {}

  /** Runs as {@link TrainingRun#run} does. */
  public static RunSummary run(GraftRuntime runtime, RunOptions options, RunListener listener, StopRequest stop) {
    return run(runtime, options, false, listener, stop);
  }

  /** The same; with {@code trainOnPrompts} prompts and template tokens are learnt too. */
  public static RunSummary run(GraftRuntime runtime, RunOptions options, boolean trainOnPrompts, RunListener listener, StopRequest stop) {
    return TrainingRun.run(runtime, options, new SftTask(options, trainOnPrompts), listener, stop);
  }
}
