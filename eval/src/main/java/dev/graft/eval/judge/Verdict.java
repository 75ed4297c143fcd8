package dev.graft.eval.judge;

import java.util.Map;

/**
 * What a grader makes of an answer.
 *
 * @param label what it was read as, or null when it could not be read
 * @param score 1 right, 0 wrong, or a grade
 * @param details further fields of the prediction's line, such as the facts that were found or a judge's words; values that Jackson writes
 */
public record Verdict(String label, double score, Map<String, Object> details) {
  /** A verdict without details. */
  public Verdict(String label, double score) {
    this(label, score, Map.of());
  }
}
