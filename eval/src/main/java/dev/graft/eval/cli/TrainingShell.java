package dev.graft.eval.cli;

import dev.graft.bindings.GraftRuntime;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.RunSummary;
import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.Locale;

/** What every training command does around its run: signals, progress, the summary. One thread. */
final class TrainingShell {
  /** A run that has its options. */
  interface Run {
    RunSummary start(GraftRuntime runtime, RunListener listener, StopRequest stop);
  }

  private final CommonOptions common;
  private final Path model;

  private TrainingShell(CommonOptions common, Path model) {
    this.common = common;
    this.model = model;
  }

  /** Runs and reports; returns the exit code. */
  static int run(CommonOptions common, Path model, MethodFlags method, Run run) {
    method.notes().forEach(common::note);
    return new TrainingShell(common, model).run(run);
  }

  private int run(Run run) {
    StopRequest stop = new StopRequest();
    ConsoleProgress progress = new ConsoleProgress(common);
    Runnable asked =
        () -> {
          stop.request();
          progress.note("stopping; the steps done are kept, the one under way may not be; a second Ctrl-C ends at once");
        };
    try (StopSignals signals = new StopSignals(asked);
        GraftRuntime runtime = common.openRuntime()) {
      RunSummary summary = run.start(runtime, progress, stop);
      if (common.json()) {
        common.printJson(summary);
      }
      tell(summary);
      boolean stopped = "signal".equals(summary.stopped());
      return stopped ? signals.exitCode() : ExitCode.DONE;
    }
  }

  private void tell(RunSummary s) {
    common.note(String.format(Locale.ROOT, "%d of %d steps%s, %d tokens in %s, %.1f tokens/s, peak memory %s", s.steps(), s.totalSteps(),
        "early".equals(s.stopped()) ? " (stopped early: no better evaluation)" : "", s.tokens(), Durations.text(s.seconds()), s.tokensPerSecond(),
        MemoryCheck.gib(s.peakMemoryBytes())));
    if (s.finalLoss() != null) {
      String evaluation = s.evalLoss() == null ? "" : String.format(Locale.ROOT, "; evaluation %.4f, best %.4f at step %d", s.evalLoss(), s.bestEvalLoss(), s.bestStep());
      common.note(String.format(Locale.ROOT, "loss %.4f at first, %.4f at last%s", s.firstLoss(), s.finalLoss(), evaluation));
    }
    if (s.result() == null) {
      common.note("stopped; " + (s.checkpoint() == null ? "nothing was done yet" : "saved " + s.checkpoint()) + "; go on with the same command and --resume");
      return;
    }
    String which = "best".equals(s.resultIs()) ? "the best, of step " + s.bestStep() : "of the last step";
    common.note((s.adapter() == null ? "model " : "adapter ") + s.result() + " (" + which + ")"
        + (s.bestResult() == null || "best".equals(s.resultIs()) ? "" : "; the best evaluated one is " + s.bestResult()));
    common.note("try it: graft generate --model " + (s.adapter() == null ? s.model() : model + " --adapter " + s.adapter()) + " --prompt '...'");
  }
}
