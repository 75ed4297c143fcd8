package dev.graft.bindings;

/**
 * A drawn token.
 *
 * @param token its id
 * @param logp its natural log-probability under the untempered, unfiltered softmax
 */
public record Sampled(int token, float logp) {}
