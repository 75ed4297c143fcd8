package dev.graft.bindings;

/**
 * How likely a token was, and the likeliest in its place.
 *
 * @param logp its natural log-probability under the model's own softmax, before anything of {@link Sampling}
 * @param topIds the likeliest tokens, likeliest first  @param topLogps their log-probabilities
 */
public record Likelihood(float logp, int[] topIds, float[] topLogps) {}
