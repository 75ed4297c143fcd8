package dev.graft.trainer.run;

import dev.graft.bindings.Losses;
import dev.graft.bindings.NotFiniteException;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.TrainingSession;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** One optimizer step: micro-batches forward and backward, then AdamW. One thread. */
final class SftStep {
  private final TrainingSession session;
  private final SftBatches batches;
  private final SftOptions options;
  private final RowOrder order;
  private final long maxTokens;
  private final long totalSteps;
  private final Checkpoints checkpoints;

  SftStep(TrainingSession session, SftBatches batches, SftOptions options, long maxTokens, long totalSteps, Checkpoints checkpoints) {
    this.session = session;
    this.batches = batches;
    this.options = options;
    this.order = new RowOrder(batches.rows(), options.batching().shuffle(), options.seed());
    this.maxTokens = maxTokens;
    this.totalSteps = totalSteps;
    this.checkpoints = checkpoints;
  }

  /**
   * Empty when a stop was requested on the way: then adapter and optimizer are as before, except that gradient is left over, so that
   * nothing but saving may follow. With dropout a step is always finished, since its random numbers have been drawn.
   */
  Optional<StepMetrics> run(long step, StopRequest stop) {
    long start = System.nanoTime();
    SftOptions.Optimizer optimizer = options.optimizer();
    int[] rows = order.rowsOfStep(step, options.batching().rowsPerStep());
    long targets = batches.targets(rows);
    List<int[]> plan = batches.plan(rows, maxTokens);
    double loss = 0;
    for (int i = 0; i < plan.size(); i++) {
      loss += part(step, plan.get(i), targets);
      if (stop.requested() && options.adapter().dropout() == 0 && i < plan.size() - 1) {
        return Optional.empty();
      }
    }
    double rate = optimizer.schedule().rate(optimizer.learningRate(), step, totalSteps, optimizer.warmupSteps());
    double norm = update(step, rows, rate);
    double seconds = Math.max(1e-9, (System.nanoTime() - start) / 1e9);
    long tokens = batches.tokens(rows);
    double epoch = (double) step * options.batching().rowsPerStep() / batches.rows();
    return Optional.of(new StepMetrics(step, epoch, loss, norm, rate, tokens, tokens / seconds, seconds));
  }

  private double part(long step, int[] rows, long targets) {
    try (PackedBatch batch = batches.build(rows)) {
      try {
        session.forward(batch, true);
      } catch (NotFiniteException e) {
        throw notFinite(step, "a log-probability", batches.lines(rows), e);
      }
      int[] bad = batches.notFinite(rows, batch);
      if (bad.length > 0) {
        throw notFinite(step, "the loss", bad, null);
      }
      double loss = Losses.sft(batch, targets);
      try {
        session.backward(batch);
      } catch (NotFiniteException e) {
        throw notFinite(step, "the gradient", batches.lines(rows), e);
      }
      return loss;
    }
  }

  private double update(long step, int[] rows, double rate) {
    SftOptions.Optimizer optimizer = options.optimizer();
    try {
      double norm = session.step((float) rate, (float) optimizer.weightDecay(), (float) optimizer.maxGradNorm());
      if (!Double.isFinite(norm)) {
        throw notFinite(step, "the gradient", batches.lines(rows), null);
      }
      return norm;
    } catch (NotFiniteException e) {
      throw notFinite(step, "the gradient", batches.lines(rows), e);
    }
  }

  private RunException notFinite(long step, String what, int[] lines, Throwable cause) {
    Path data = options.files().data();
    return RunException.failed("step " + step + ": " + what + " is not finite (" + SftBatches.lineNames(lines) + " of " + data
        + "); lower --learning-rate or look at these rows; " + checkpoints.lastGood(), cause);
  }
}
