package dev.graft.trainer.serve;

import dev.graft.bindings.Sampling;
import dev.graft.trainer.constrain.TokenConstraint;
import java.util.List;
import java.util.Set;

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
 * @param shown ids of special tokens that are part of the answer's text; the others leave no trace in it
 */
public record AnswerRequest(
    int[] prompt,
    List<AdapterUse> adapters,
    Sampling sampling,
    long seed,
    List<String> stop,
    int maxTokens,
    int topLogprobs,
    TokenConstraint constraint,
    Set<Integer> shown) {
  /** Copies the collections. */
  public AnswerRequest {
    adapters = List.copyOf(adapters);
    stop = List.copyOf(stop);
    shown = Set.copyOf(shown);
  }

  /** One whose text has no special tokens. */
  public AnswerRequest(
      int[] prompt, List<AdapterUse> adapters, Sampling sampling, long seed, List<String> stop, int maxTokens, int topLogprobs, TokenConstraint constraint) {
    this(prompt, adapters, sampling, seed, stop, maxTokens, topLogprobs, constraint, Set.of());
  }

  /** The same with special tokens as text. */
  public AnswerRequest withShown(Set<Integer> ids) {
    return new AnswerRequest(prompt, adapters, sampling, seed, stop, maxTokens, topLogprobs, constraint, ids);
  }
}
