package dev.graft.eval.cli;

import dev.graft.trainer.run.EvalMetrics;
import dev.graft.trainer.run.HostMemory;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunListener;
import dev.graft.trainer.run.RunPlan;
import dev.graft.trainer.run.StepMetrics;
import java.nio.file.Path;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows a run on stderr: a live bar on a terminal, else a line now and then; nothing with {@code --quiet}. One thread, but {@link #note} any. */
final class ConsoleProgress implements RunListener {
  private static final long LINE_EVERY_NANOS = 10_000_000_000L;
  private static final int SHORT_RUN = 20;

  private final CommonOptions common;
  private final boolean terminal;
  private volatile BarLine line;
  private ProgressBar bar;
  private long lastLine;
  private double secondsPerStep;

  ConsoleProgress(CommonOptions common) {
    this.common = common;
    this.terminal = common.stderrIsTerminal();
  }

  @Override
  public void note(String text) {
    BarLine above = line; // a signal's thread may come here too
    if (above == null) {
      common.note(text);
    } else {
      above.above(() -> common.note(text));
    }
  }

  @Override
  public void started(RunPlan plan, long doneSteps) {
    note(String.format(Locale.ROOT, "%d rows, %d tokens, %d of them learnt; %d steps of %d rows; %d trainable parameters", plan.rows(), plan.tokens(), plan.targets(),
        plan.steps(), plan.rowsPerStep(), plan.trainableParameters()));
    String available = plan.availableBytes() > 0 ? " of " + MemoryCheck.gib(plan.availableBytes()) + " available" : "";
    String time = plan.estimatedSeconds() == null
        ? ""
        : "; about " + Durations.text(plan.estimatedSeconds() * (plan.steps() - doneSteps) / plan.steps()) + " by a guess from this machine's f32 peak";
    note("memory: " + MemoryCheck.gib(plan.modelBytes()) + " model file and " + MemoryCheck.gib(plan.trainingBytes()) + " beside it" + available + time);
    if (terminal) {
      line = new BarLine(common.err());
      bar = new ProgressBarBuilder().setConsumer(line).setTaskName("training").setInitialMax(plan.steps()).setStyle(ProgressBarStyle.COLORFUL_UNICODE_BLOCK).setUpdateIntervalMillis(200)
          .hideEta().startsFrom(doneSteps, java.time.Duration.ZERO).build();
    }
  }

  @Override
  public void step(StepMetrics m, long total) {
    secondsPerStep = secondsPerStep == 0 ? m.seconds() : 0.9 * secondsPerStep + 0.1 * m.seconds();
    Double margin = m.more().get("rewards/margins");
    String figures = String.format(Locale.ROOT, "loss %.4f%s, %.1f tokens/s, %s left, peak %s", m.loss(),
        margin == null ? "" : String.format(Locale.ROOT, ", margin %.4f", margin), m.tokensPerSecond(),
        Durations.text(secondsPerStep * (total - m.step())), MemoryCheck.gib(HostMemory.peakResidentBytes()));
    if (bar != null) {
      bar.stepTo(m.step());
      bar.setExtraMessage(" " + figures);
      return;
    }
    long now = System.nanoTime();
    boolean due = m.step() == 1 || m.step() == total || total <= SHORT_RUN || now - lastLine >= LINE_EVERY_NANOS;
    if (due) {
      lastLine = now;
      note(String.format(Locale.ROOT, "step %d/%d: %s, grad norm %.3g, rate %.3g", m.step(), total, figures, m.gradNorm(), m.learningRate()));
    }
  }

  @Override
  public void preparing(String what, long done, long total) {
    long now = System.nanoTime();
    if (done < total && now - lastLine >= LINE_EVERY_NANOS) {
      lastLine = now;
      note(what + ": " + done + " of " + total + " rows");
    }
  }

  @Override
  public void evaluating(int batchesDone, int batches) {
    if (bar != null) {
      bar.setExtraMessage(" evaluating " + batchesDone + "/" + batches);
    }
  }

  @Override
  public void evaluated(EvalMetrics m, boolean best) {
    Double margin = m.more().get("rewards/margins");
    note(String.format(Locale.ROOT, "step %d: evaluation loss %.4f%s%s", m.step(), m.evalLoss(), margin == null ? "" : String.format(Locale.ROOT, ", margin %.4f", margin), best ? ", the best so far" : ""));
  }

  @Override
  public void saved(Path checkpoint) {
    if (common.verbose()) {
      note("saved " + checkpoint);
    }
  }

  @Override
  public void finished() {
    if (bar != null) {
      bar.close();
      bar = null;
      line = null;
    }
  }
}
