package dev.graft.trainer.run;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What a run is about to do and what it will need.
 *
 * @param rows rows to learn  @param tokens their tokens  @param targets their learnt tokens
 * @param evalRows rows of the evaluation, 0 for none
 * @param steps optimizer steps of the whole run  @param rowsPerStep rows of each
 * @param trainableParameters parameters of the adapter, or of the model
 * @param maxTokens most tokens computed at once
 * @param modelBytes the mapped file  @param trainingBytes memory beside it  @param availableBytes what the machine has left, or 0
 * @param estimatedSeconds guess from the machine's speed, or null when the run is too short to measure for
 */
public record RunPlan(
    @JsonProperty("rows") int rows,
    @JsonProperty("tokens") long tokens,
    @JsonProperty("targets") long targets,
    @JsonProperty("eval_rows") int evalRows,
    @JsonProperty("steps") long steps,
    @JsonProperty("rows_per_step") int rowsPerStep,
    @JsonProperty("trainable_parameters") long trainableParameters,
    @JsonProperty("max_tokens") long maxTokens,
    @JsonProperty("model_bytes") long modelBytes,
    @JsonProperty("training_bytes") long trainingBytes,
    @JsonProperty("available_bytes") long availableBytes,
    @JsonProperty("estimated_seconds") Double estimatedSeconds) {}
