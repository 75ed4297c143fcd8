package dev.graft.bindings;

import java.util.Map;

/**
 * How the next token is drawn: first the logits are changed (bias, penalties), then the filters apply in the order of the parameters.
 *
 * @param temperature 0 takes the most likely token
 * @param topK keep only the k most likely; 0 is off
 * @param topP keep the fewest whose probabilities reach this (Holtzman et al. 2019, arXiv:1904.09751); 1 is off
 * @param minP keep those at least this likely, relative to the most likely; 0 is off
 * @param repetitionPenalty above 0; divides positive logits and multiplies negative ones of tokens that the prompt or the answer has (Keskar et al.
 *     2019, arXiv:1909.05858); 1 is off
 * @param presencePenalty subtracted once from the logits of tokens that the answer has; 0 is off
 * @param frequencyPenalty subtracted from a logit for each time that the answer has the token; 0 is off
 * @param logitBias added to the logits of these ids
 */
public record Sampling(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    float presencePenalty,
    float frequencyPenalty,
    Map<Integer, Float> logitBias) {
  /** The most likely token, always. */
  public static final Sampling GREEDY = new Sampling(0, 0, 1, 0);

  /** Copies the bias. */
  public Sampling {
    logitBias = Map.copyOf(logitBias);
  }

  /** @throws UsageException naming what is out of its range for a vocabulary of so many ids */
  public void check(int vocabulary) {
    GraftLibrary.require();
    int[] ids = biasIds();
    float[] biases = biases(ids);
    Calls.run((m, n) -> GraftLibrary.graft_sampler_check(vocabulary, temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, ids.length, ids,
        biases, m, n));
  }

  int[] biasIds() {
    return logitBias.keySet().stream().mapToInt(id -> id).sorted().toArray();
  }

  float[] biases(int[] ids) {
    float[] values = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      values[i] = logitBias.get(ids[i]);
    }
    return values;
  }

  /** Without changes of the logits. */
  public Sampling(float temperature, int topK, float topP, float minP) {
    this(temperature, topK, topP, minP, 1, 0, 0, Map.of());
  }
}
