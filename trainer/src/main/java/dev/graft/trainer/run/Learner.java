package dev.graft.trainer.run;

import dev.graft.bindings.TrainingSession;
import java.util.Map;
import java.util.Optional;

/** Computes a task's loss and its gradient over the rows of a step, and over the evaluation's rows. One thread; its run closes it. */
public interface Learner extends AutoCloseable {
  /**
   * What a step's rows came to.
   *
   * @param loss of the step  @param more further metrics by name, in the order of a line of metrics.jsonl
   */
  record Part(double loss, Map<String, Double> more) {}

  /**
   * What an evaluation came to.
   *
   * @param loss over all rows  @param targets their number  @param more further metrics by name, without "eval_"
   */
  record Evaluation(double loss, long targets, Map<String, Double> more) {}

  /**
   * Accumulates the gradient of the loss of one optimizer step's rows in the session.
   *
   * @param stop asks to stop early; null: the step must be finished
   * @return empty when stopped on the way: gradient is left over, so that nothing but saving may follow
   * @throws RunException naming step and rows when something is not finite
   */
  Optional<Part> accumulate(TrainingSession session, long step, int[] rows, StopRequest stop);

  /** Evaluates on all rows of the evaluation data. Empty when a stop was requested on the way. */
  Optional<Evaluation> evaluate(TrainingSession session, long step, StopRequest stop, RunListener listener);

  /** What a checkpoint must remember of this beside adapter and optimizer; numbers by name. */
  default Map<String, Double> state() {
    return Map.of();
  }

  /** Takes up what {@link #state} gave. */
  default void restore(Map<String, Double> state) {}

  @Override
  void close();
}
