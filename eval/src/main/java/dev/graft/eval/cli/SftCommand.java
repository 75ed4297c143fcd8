package dev.graft.eval.cli;

import dev.graft.bindings.GraftRuntime;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunSummary;
import dev.graft.trainer.run.SftOptions;
import dev.graft.trainer.run.SftRun;
import dev.graft.trainer.run.StopRequest;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft sft}. */
@Command(
    name = "sft",
    customSynopsis = "graft sft --model M.gguf --data D.jsonl --output DIR [flags]",
    description = "Trains a LoRA adapter on a quantized GGUF by supervised fine-tuning.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft sft --model model.gguf --data rows.jsonl --output run/",
      "  graft sft --model model.gguf --data rows.jsonl --output run/ --resume",
      "  graft sft --model model.gguf --data a.jsonl --eval-data b.jsonl --output run/ --early-stopping-patience 3",
      "",
      "The folder gets adapter.gguf (loadable by any llama.cpp), metrics.jsonl, config.json and checkpoints/step-N/; with",
      "--eval-data also best/adapter.gguf. In metrics.jsonl tokens, seconds and tokens_per_second are those of the step,",
      "prompts included. Ctrl-C or SIGTERM saves a checkpoint and exits with 130 or 143; --resume goes on bit for bit (same",
      "threads and isa). --resume takes the flags of the first start. These may change: how often is saved and evaluated;",
      "--max-steps or --epochs with --lr-scheduler constant; --threads, --device, --isa, --micro-batch-tokens and --recompute",
      "(the last bits then differ)."
    })
final class SftCommand implements Callable<Integer> {
  @Mixin CommonOptions common;
  @Mixin ModelOptions model;
  @Mixin TrainingFlags flags;

  @Override
  public Integer call() {
    SftOptions options = flags.options(model, common);
    flags.notes().forEach(common::note);
    StopRequest stop = new StopRequest();
    ConsoleProgress progress = new ConsoleProgress(common);
    Runnable asked =
        () -> {
          stop.request();
          progress.note("stopping after this step; a second Ctrl-C ends at once");
        };
    try (StopSignals signals = new StopSignals(asked);
        GraftRuntime runtime = common.openRuntime()) {
      RunSummary summary = SftRun.run(runtime, options, progress, stop);
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
    if (s.adapter() == null) {
      common.note("stopped; " + (s.checkpoint() == null ? "nothing was done yet" : "saved " + s.checkpoint()) + "; go on with the same command and --resume");
      return;
    }
    String which = "best".equals(s.adapterIs()) ? "the best, of step " + s.bestStep() : "of the last step";
    common.note("adapter " + s.adapter() + " (" + which + ")" + (s.bestAdapter() == null || "best".equals(s.adapterIs()) ? "" : "; the best evaluated one is " + s.bestAdapter()));
    common.note("try it: graft generate --model " + model.model + " --adapter " + s.adapter() + " --prompt '...'");
  }
}
