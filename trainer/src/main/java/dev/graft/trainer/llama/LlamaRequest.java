package dev.graft.trainer.llama;

import java.time.Duration;
import java.util.List;

/**
 * A completion asked of llama.cpp.
 *
 * @param prompt ids that it continues, used exactly as given
 * @param maxTokens most tokens to write
 * @param temperature 0 is greedy
 * @param topK 0 is off
 * @param topP 1 is off
 * @param minP 0 is off
 * @param seed of the sampler
 * @param stop texts that end the answer
 * @param timeout most time to wait
 * @param grammar GBNF that the answer must follow, or empty for none
 */
public record LlamaRequest(
    int[] prompt, int maxTokens, float temperature, int topK, float topP, float minP, long seed, List<String> stop, Duration timeout, String grammar) {

  /** A completion that follows no grammar. */
  public LlamaRequest(int[] prompt, int maxTokens, float temperature, int topK, float topP, float minP, long seed, List<String> stop, Duration timeout) {
    this(prompt, maxTokens, temperature, topK, topP, minP, seed, stop, timeout, "");
  }

  /** A greedy completion; an hour to answer. */
  public static LlamaRequest greedy(int[] prompt, int maxTokens) {
    return new LlamaRequest(prompt, maxTokens, 0, 0, 1, 0, 0, List.of(), Duration.ofHours(1));
  }

  /** The same under a grammar. A malformed one makes llama.cpp fail, or end its process. */
  public LlamaRequest withGrammar(String gbnf) {
    return new LlamaRequest(prompt, maxTokens, temperature, topK, topP, minP, seed, stop, timeout, gbnf);
  }
}
