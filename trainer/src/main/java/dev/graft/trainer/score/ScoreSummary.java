package dev.graft.trainer.score;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What a scoring came to.
 *
 * @param rows rows scored  @param emptyRows rows without a token to score
 * @param tokens tokens computed, prompts included  @param scoredTokens log-probabilities written
 * @param meanNll mean negative log-probability of those, nats; null when there are none; for preference rows of both answers
 * @param perplexity e to that
 * @param chosenMeanNll for preference rows  @param rejectedMeanNll for preference rows
 * @param seconds wall time  @param tokensPerSecond tokens / seconds
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ScoreSummary(
    @JsonProperty("rows") int rows,
    @JsonProperty("empty_rows") int emptyRows,
    @JsonProperty("tokens") long tokens,
    @JsonProperty("scored_tokens") long scoredTokens,
    @JsonProperty("mean_nll") Double meanNll,
    @JsonProperty("perplexity") Double perplexity,
    @JsonProperty("chosen_mean_nll") Double chosenMeanNll,
    @JsonProperty("rejected_mean_nll") Double rejectedMeanNll,
    @JsonProperty("seconds") double seconds,
    @JsonProperty("tokens_per_second") double tokensPerSecond) {}
