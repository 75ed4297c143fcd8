package dev.graft.trainer.run;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one evaluation gives: a line of metrics.jsonl.
 *
 * @param step after which step
 * @param epoch passes over the training data so far
 * @param evalLoss loss over the evaluation data: for SFT the mean negative log-likelihood over all its targets, nats; for preferences the mean over its pairs
 * @param evalTargets number of those targets
 * @param evalSeconds wall time
 * @param more the task's own metrics by name, without "eval_"
 */
@JsonPropertyOrder({"step", "epoch", "eval_loss", "eval_targets", "eval_seconds"})
public record EvalMetrics(
    @JsonProperty("step") long step,
    @JsonProperty("epoch") double epoch,
    @JsonProperty("eval_loss") double evalLoss,
    @JsonProperty("eval_targets") long evalTargets,
    @JsonProperty("eval_seconds") double evalSeconds,
    @JsonIgnore Map<String, Double> more) {

  /** The task's own metrics, as fields of the line. */
  @JsonAnyGetter
  Map<String, Double> fields() {
    Map<String, Double> fields = new LinkedHashMap<>();
    more.forEach((name, value) -> fields.put("eval_" + name, value));
    return fields;
  }
}
