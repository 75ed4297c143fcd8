package dev.graft.trainer.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/**
 * What a checkpoint remembers beside the native state; with the flags it determines everything that follows.
 *
 * @param step optimizer steps done
 * @param evaluated whether the evaluation due at this step, if any, has been done
 * @param bestLoss lowest evaluation loss so far, or null
 * @param bestStep its step, or 0
 * @param sinceBest evaluations since then
 * @param firstLoss loss of step 1
 * @param lastLoss loss of this step
 * @param lastEvalLoss latest evaluation loss, or null
 * @param tokens tokens trained on so far
 * @param seconds wall time of the steps so far
 * @param task what the task must remember, numbers by name; null means none
 */
record TrainState(
    @JsonProperty("step") long step,
    @JsonProperty("evaluated") boolean evaluated,
    @JsonProperty("best_loss") Double bestLoss,
    @JsonProperty("best_step") long bestStep,
    @JsonProperty("since_best") int sinceBest,
    @JsonProperty("first_loss") double firstLoss,
    @JsonProperty("last_loss") double lastLoss,
    @JsonProperty("last_eval_loss") Double lastEvalLoss,
    @JsonProperty("tokens") long tokens,
    @JsonProperty("seconds") double seconds,
    @JsonProperty("task") @JsonInclude(JsonInclude.Include.NON_EMPTY) Map<String, Double> task) {

  static final TrainState START = new TrainState(0, true, null, 0, 0, 0, 0, null, 0, 0, Map.of());

  TrainState {
    task = task == null ? Map.of() : task;
  }

  TrainState after(StepMetrics metrics, Map<String, Double> taskState) {
    double first = step == 0 ? metrics.loss() : firstLoss;
    return new TrainState(metrics.step(), false, bestLoss, bestStep, sinceBest, first, metrics.loss(), lastEvalLoss, tokens + metrics.tokens(), seconds + metrics.seconds(), taskState);
  }

  TrainState after(EvalMetrics metrics) {
    boolean better = improvedBy(metrics.evalLoss());
    return new TrainState(step, true, better ? (Double) metrics.evalLoss() : bestLoss, better ? step : bestStep, better ? 0 : sinceBest + 1, firstLoss, lastLoss, metrics.evalLoss(), tokens, seconds, task);
  }

  /** The same where no evaluation is due. */
  TrainState withoutEvaluation() {
    return new TrainState(step, true, bestLoss, bestStep, sinceBest, firstLoss, lastLoss, lastEvalLoss, tokens, seconds, task);
  }

  boolean improvedBy(double evalLoss) {
    return bestLoss == null || evalLoss < bestLoss;
  }
}
