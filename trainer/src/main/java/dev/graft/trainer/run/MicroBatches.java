package dev.graft.trainer.run;

import dev.graft.bindings.NotFiniteException;
import dev.graft.bindings.PackedBatch;
import dev.graft.bindings.TrainingSession;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Runs the rows of one data file through a session, micro-batch by micro-batch, and turns what is not finite into a message that
 * names step, rows and what to do. One thread.
 */
public final class MicroBatches {
  private final Source source;
  private final Path file;
  private final Supplier<String> lastGood;

  /** How rows are packed. */
  public interface Source {
    /** The batch of these rows, whose targets come row by row; the caller closes it. */
    PackedBatch build(int[] rows);

    /** Targets of a row in such a batch. */
    int targets(int row);

    /** Line of a row in its file, from 1. */
    int line(int row);
  }

  /** A batch's part of a step's loss. */
  public interface LossPart {
    /** Sets the batch's weights and returns the part. */
    double of(int[] rows, PackedBatch batch);
  }

  /** @param file that the rows are from  @param lastGood says where the last good checkpoint is */
  public MicroBatches(Source source, Path file, Supplier<String> lastGood) {
    this.source = source;
    this.file = file;
    this.lastGood = lastGood;
  }

  /**
   * Forward, loss and backward of each micro-batch.
   *
   * @param plan rows of each  @param stop asks to stop between two of them, or null
   * @return the sum of the losses, or empty when stopped
   */
  public Optional<Double> train(TrainingSession session, long step, List<int[]> plan, LossPart loss, StopRequest stop) {
    double sum = 0;
    for (int i = 0; i < plan.size(); i++) {
      int[] rows = plan.get(i);
      try (PackedBatch batch = source.build(rows)) {
        forward(session, step, rows, batch);
        sum += loss(step, rows, batch, loss);
        if (!Double.isFinite(sum)) {
          throw failure(step, "the loss", lines(rows), null);
        }
        backward(session, step, rows, batch);
      }
      if (stop != null && stop.requested() && i < plan.size() - 1) {
        return Optional.empty();
      }
    }
    return Optional.of(sum);
  }

  /**
   * Forward only.
   *
   * @param forward how a batch is computed  @param sink gets each batch's rows and the batch as computed, which is closed afterwards
   * @param bad makes the failure of log-probabilities that are not finite, given their lines
   * @return false when stopped
   */
  public boolean score(
      List<int[]> plan, Consumer<PackedBatch> forward, BiConsumer<int[], PackedBatch> sink, Function<int[], RunException> bad, StopRequest stop) {
    for (int[] rows : plan) {
      if (stop != null && stop.requested()) {
        return false;
      }
      try (PackedBatch batch = source.build(rows)) {
        forward.accept(batch);
        int[] lines = notFinite(rows, batch.logps());
        if (lines.length > 0) {
          throw bad.apply(lines);
        }
        sink.accept(rows, batch);
      }
    }
    return true;
  }

  private void forward(TrainingSession session, long step, int[] rows, PackedBatch batch) {
    try {
      session.forward(batch, true);
    } catch (NotFiniteException e) {
      throw failure(step, "a log-probability", lines(rows), e);
    }
    int[] bad = notFinite(rows, batch.logps());
    if (bad.length > 0) {
      throw failure(step, "the loss", bad, null);
    }
  }

  private double loss(long step, int[] rows, PackedBatch batch, LossPart loss) {
    try {
      return loss.of(rows, batch);
    } catch (NotFiniteException e) {
      throw failure(step, "the loss", lines(rows), e);
    }
  }

  private void backward(TrainingSession session, long step, int[] rows, PackedBatch batch) {
    try {
      session.backward(batch);
    } catch (NotFiniteException e) {
      throw failure(step, "the gradient", lines(rows), e);
    }
  }

  /** The failure of a training step. @param what is not finite  @param lines of the rows */
  public RunException failure(long step, String what, int[] lines, Throwable cause) {
    return RunException.failed("step " + step + ": " + what + " is not finite (" + LineNames.of(lines) + " of " + file
        + "); lower --learning-rate or look at these rows; " + lastGood.get(), cause);
  }

  private int[] lines(int[] rows) {
    return Arrays.stream(rows).map(source::line).sorted().distinct().toArray();
  }

  private int[] notFinite(int[] rows, float[] logps) {
    int at = 0;
    int[] bad = new int[rows.length];
    int found = 0;
    for (int row : rows) {
      boolean finite = true;
      for (int end = at + source.targets(row); at < end; at++) {
        finite &= Float.isFinite(logps[at]);
      }
      if (!finite) {
        bad[found++] = row;
      }
    }
    return lines(Arrays.copyOf(bad, found));
  }
}
