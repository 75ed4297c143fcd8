package dev.graft.trainer.serve;

import dev.graft.bindings.Sampling;
import dev.graft.trainer.constrain.TokenConstraint;
import dev.graft.trainer.run.SplitMix64;
import java.util.List;
import java.util.Set;

/**
 * An answer to be computed, in a generator's terms.
 *
 * @param prompt at least one id
 * @param adapters indices of the generator's adapters that apply together  @param scales of each
 * @param random where its random numbers come from
 * @param stop texts that end the answer and are not part of it
 * @param maxTokens most tokens of the answer; 0 for an embedding of the prompt instead
 * @param topLogprobs how many of the likeliest tokens are told with each token; -1: no log-probabilities at all
 * @param constraint what the answer may be, or null for anything
 * @param shown ids of special tokens that are part of the answer's text
 */
public record AnswerPlan(
    int[] prompt, int[] adapters, float[] scales, Sampling sampling, SplitMix64 random, List<String> stop, int maxTokens, int topLogprobs, TokenConstraint constraint, Set<Integer> shown) {
  /** The embedding of a prompt. */
  static AnswerPlan embedding(int[] prompt, int[] adapters, float[] scales) {
    return new AnswerPlan(prompt, adapters, scales, Sampling.GREEDY, new SplitMix64(0, 0), List.of(), 0, -1, null, Set.of());
  }
}
