package dev.graft.bindings;

/**
 * How the next token is drawn; the filters are applied in this order.
 *
 * @param temperature 0 takes the most likely token
 * @param topK keep only the k most likely; 0 is off
 * @param topP keep the fewest whose probabilities reach this (Holtzman et al. 2019, arXiv:1904.09751); 1 is off
 * @param minP keep those at least this likely, relative to the most likely; 0 is off
 */
public record Sampling(float temperature, int topK, float topP, float minP) {
  /** The most likely token, always. */
  public static final Sampling GREEDY = new Sampling(0, 0, 1, 0);
}
