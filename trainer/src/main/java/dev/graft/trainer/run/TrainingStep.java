package dev.graft.trainer.run;

import dev.graft.bindings.NotFiniteException;
import dev.graft.bindings.TrainingSession;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/** One optimizer step: the rows in turn, the task's gradient over them, then AdamW. One thread. */
final class TrainingStep {
  private final TrainingSession session;
  private final Learner learner;
  private final RowSet rows;
  private final RunOptions options;
  private final RowOrder order;
  private final long totalSteps;
  private final Supplier<String> lastGood;

  TrainingStep(TrainingSession session, Learner learner, RowSet rows, RunOptions options, long totalSteps, Supplier<String> lastGood) {
    this.session = session;
    this.learner = learner;
    this.rows = rows;
    this.options = options;
    this.order = new RowOrder(rows.rows(), options.batching().shuffle(), options.seed());
    this.totalSteps = totalSteps;
    this.lastGood = lastGood;
  }

  /**
   * Empty when a stop was requested on the way: then adapter and optimizer are as before, except that gradient is left over, so that
   * nothing but saving may follow. With dropout a step is always finished, since its random numbers have been drawn.
   */
  Optional<StepMetrics> run(long step, StopRequest stop) {
    long start = System.nanoTime();
    RunOptions.Optimizer optimizer = options.optimizer();
    int[] chosen = order.rowsOfStep(step, options.batching().rowsPerStep());
    Optional<Learner.Part> part = learner.accumulate(session, step, chosen, options.adapter().dropout() == 0 ? stop : null);
    if (part.isEmpty()) {
      return Optional.empty();
    }
    double rate = optimizer.schedule().rate(optimizer.learningRate(), step, totalSteps, optimizer.warmupSteps());
    double norm = update(step, chosen, rate);
    double seconds = Math.max(1e-9, (System.nanoTime() - start) / 1e9);
    long tokens = rows.tokens(chosen);
    double epoch = (double) step * options.batching().rowsPerStep() / rows.rows();
    return Optional.of(new StepMetrics(step, epoch, part.get().loss(), norm, rate, tokens, tokens / seconds, seconds, part.get().more()));
  }

  private double update(long step, int[] chosen, double rate) {
    RunOptions.Optimizer optimizer = options.optimizer();
    try {
      double norm = session.step((float) rate, (float) optimizer.weightDecay(), (float) optimizer.maxGradNorm(), (float) optimizer.beta2());
      if (!Double.isFinite(norm)) {
        throw notFinite(step, chosen, null);
      }
      return norm;
    } catch (NotFiniteException e) {
      throw notFinite(step, chosen, e);
    }
  }

  private RunException notFinite(long step, int[] chosen, Throwable cause) {
    return RunException.failed("step " + step + ": the gradient is not finite (" + LineNames.of(rows.lines(chosen)) + " of " + options.files().data()
        + "); lower --learning-rate or look at these rows; " + lastGood.get(), cause);
  }
}
