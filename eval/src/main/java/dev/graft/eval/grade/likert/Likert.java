package dev.graft.eval.grade.likert;

/**
 * A grade that a judge gave.
 *
 * @param grade 1 to 5
 * @param expected mean of the five grades under their probabilities, where the judge gives these; else null
 * @param mass probability that the judge gave the five grades together, or null
 * @param reply its words, or null where it only chose
 */
public record Likert(int grade, Double expected, Double mass, String reply) {}
