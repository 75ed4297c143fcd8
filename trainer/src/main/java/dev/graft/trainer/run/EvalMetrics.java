package dev.graft.trainer.run;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/**
 * What one evaluation gives: a line of metrics.jsonl.
 *
 * @param step after which step
 * @param epoch passes over the training data so far
 * @param evalLoss mean negative log-likelihood over all targets of the evaluation data, nats
 * @param evalTargets number of those targets
 * @param evalSeconds wall time
 */
@JsonPropertyOrder({"step", "epoch", "eval_loss", "eval_targets", "eval_seconds"})
public record EvalMetrics(
    @JsonProperty("step") long step,
    @JsonProperty("epoch") double epoch,
    @JsonProperty("eval_loss") double evalLoss,
    @JsonProperty("eval_targets") long evalTargets,
    @JsonProperty("eval_seconds") double evalSeconds) {}
