package dev.graft.trainer.serve;

import java.util.List;

/**
 * A token of an answer and how likely it was.
 *
 * @param token its id
 * @param logp natural log-probability, of the model's own distribution: before bias, penalties, constraint, temperature and filters
 * @param top the likeliest tokens at its place, likeliest first, each without its own {@code top}
 */
public record TokenLogprob(int token, float logp, List<TokenLogprob> top) {}
