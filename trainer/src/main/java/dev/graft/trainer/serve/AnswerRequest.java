package dev.graft.trainer.serve;

import dev.graft.bindings.Sampling;
import dev.graft.trainer.constrain.TokenConstraint;
import java.util.List;

/**
 * A prompt and how it is to be answered.
 *
 * @param prompt at least one id
 * @param adapters none for the bare base; several add up
 * @param seed of the answer's random numbers: the same request with the same seed gets the same answer, whatever runs beside it
 * @param stop texts that end the answer and are not part of it
 * @param maxTokens most tokens of the answer, at least 1; prompt and answer must fit the engine's context
 * @param topLogprobs how many of the likeliest tokens are told with each token; -1: no log-probabilities at all
 * @param constraint what the answer may be, or null for anything
 */
public record AnswerRequest(
    int[] prompt,
    List<AdapterUse> adapters,
    Sampling sampling,
    long seed,
    List<String> stop,
    int maxTokens,
    int topLogprobs,
    TokenConstraint constraint) {
  /** Copies the lists. */
  public AnswerRequest {
    adapters = List.copyOf(adapters);
    stop = List.copyOf(stop);
  }
}
