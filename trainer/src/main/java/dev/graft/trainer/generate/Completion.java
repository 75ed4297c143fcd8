package dev.graft.trainer.generate;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/**
 * An answer: a line of the output of {@code graft generate}.
 *
 * @param index the prompt's
 * @param text without special tokens and without the stop text
 * @param ids every token generated, the one that ended the answer included
 * @param finishReason {@code stop} (an end token or a stop text) or {@code length}
 */
@JsonPropertyOrder({"index", "text", "ids", "finish_reason"})
public record Completion(
    @JsonProperty("index") int index,
    @JsonProperty("text") String text,
    @JsonProperty("ids") int[] ids,
    @JsonProperty("finish_reason") String finishReason) {}
