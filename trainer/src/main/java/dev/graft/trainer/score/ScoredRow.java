package dev.graft.trainer.score;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/**
 * A line of the output of {@code graft score}: natural log-probabilities, one for each completion token.
 *
 * @param index position of the row in the file, from 0
 * @param logps for a prompt with a completion, or a chat; else null
 * @param chosenLogps for a preference row; else null
 * @param rejectedLogps for a preference row; else null
 */
@JsonPropertyOrder({"index", "logps", "chosen_logps", "rejected_logps"})
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ScoredRow(
    @JsonProperty("index") int index,
    @JsonProperty("logps") float[] logps,
    @JsonProperty("chosen_logps") float[] chosenLogps,
    @JsonProperty("rejected_logps") float[] rejectedLogps) {}
