package dev.graft.eval.judge;

/**
 * What a grader makes of an answer.
 *
 * @param label what it was read as, or null when it could not be read
 * @param score 1 right, 0 wrong, or a grade
 */
public record Verdict(String label, double score) {}
