package dev.graft.trainer.run;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Map;

/**
 * What one optimizer step gives: a line of metrics.jsonl.
 *
 * @param step from 1
 * @param epoch passes over the data after this step, with a fraction
 * @param loss of the step: for SFT the mean negative log-likelihood over all its targets, nats; for preferences the mean over its pairs
 * @param gradNorm global L2 norm of the gradient before clipping
 * @param learningRate the rate used in this step
 * @param tokens tokens of the rows of this step, prompts included
 * @param tokensPerSecond tokens / seconds
 * @param seconds wall time of this step
 * @param more the task's own metrics by name, such as "rewards/chosen"
 */
@JsonPropertyOrder({"step", "epoch", "loss", "grad_norm", "learning_rate", "tokens", "tokens_per_second", "seconds"})
public record StepMetrics(
    @JsonProperty("step") long step,
    @JsonProperty("epoch") double epoch,
    @JsonProperty("loss") double loss,
    @JsonProperty("grad_norm") double gradNorm,
    @JsonProperty("learning_rate") double learningRate,
    @JsonProperty("tokens") long tokens,
    @JsonProperty("tokens_per_second") double tokensPerSecond,
    @JsonProperty("seconds") double seconds,
    @JsonIgnore Map<String, Double> more) {

  /** The task's own metrics, as fields of the line. */
  @JsonAnyGetter
  Map<String, Double> fields() {
    return more;
  }
}
