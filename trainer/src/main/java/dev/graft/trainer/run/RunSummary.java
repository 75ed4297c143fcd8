package dev.graft.trainer.run;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * How a run ended.
 *
 * @param output its folder
 * @param steps optimizer steps done in all  @param totalSteps planned  @param epochs passes over the data
 * @param stopped why it ended before the last step: {@code "signal"} or {@code "early"} (no improvement), or null
 * @param tokens trained on in all, resumed parts included  @param seconds wall time of those steps  @param tokensPerSecond their ratio
 * @param firstLoss loss of step 1  @param finalLoss loss of the last step
 * @param evalLoss latest evaluation loss, or null  @param bestEvalLoss lowest, or null  @param bestStep its step, or null
 * @param peakMemoryBytes most memory resident in this process, mapped model included
 * @param adapter path of the final adapter, or null when stopped by a signal or when all weights were trained
 * @param model path of the final model when all weights were trained, or null
 * @param resultIs whether that is the {@code "last"} or the {@code "best"}, or null
 * @param bestAdapter path of the best evaluated adapter, or null  @param bestModel the same of a model
 * @param checkpoint newest checkpoint, or null
 */
public record RunSummary(
    @JsonProperty("output") String output,
    @JsonProperty("steps") long steps,
    @JsonProperty("total_steps") long totalSteps,
    @JsonProperty("epochs") double epochs,
    @JsonProperty("stopped") String stopped,
    @JsonProperty("tokens") long tokens,
    @JsonProperty("seconds") double seconds,
    @JsonProperty("tokens_per_second") double tokensPerSecond,
    @JsonProperty("first_loss") Double firstLoss,
    @JsonProperty("final_loss") Double finalLoss,
    @JsonProperty("eval_loss") Double evalLoss,
    @JsonProperty("best_eval_loss") Double bestEvalLoss,
    @JsonProperty("best_step") Long bestStep,
    @JsonProperty("peak_memory_bytes") long peakMemoryBytes,
    @JsonProperty("adapter") String adapter,
    @JsonProperty("model") String model,
    @JsonProperty("result_is") String resultIs,
    @JsonProperty("best_adapter") String bestAdapter,
    @JsonProperty("best_model") String bestModel,
    @JsonProperty("checkpoint") String checkpoint) {
  /** Path of the final adapter or model, or null when stopped by a signal. */
  public String result() {
    return adapter != null ? adapter : model;
  }

  /** Path of the best evaluated one, or null. */
  public String bestResult() {
    return bestAdapter != null ? bestAdapter : bestModel;
  }
}
