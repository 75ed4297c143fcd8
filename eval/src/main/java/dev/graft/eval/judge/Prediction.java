package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A judged answer: a line of {@code predictions.jsonl}.
 *
 * @param line of the file it was read from, from 1
 * @param id of the row, a string or a number
 * @param system who answered
 * @param outcome what of the answer was judged, or "" where there is only one thing to judge
 * @param gold the right answer, as text
 * @param answer what was answered, or null where the file does not say
 * @param label what the answer was read as, or null when it could not be read
 * @param score 1 right, 0 wrong, or a grade; finite
 * @param scaled whether the score is a grade on a scale ({@code "scale": [1, 5]} on the line), so that a 1 does not mean right
 */
public record Prediction(int line, JsonNode id, String system, String outcome, String gold, String answer, String label, double score, boolean scaled) {
  /** One whose score is right or wrong where it is 1 or 0. */
  public Prediction(int line, JsonNode id, String system, String outcome, String gold, String answer, String label, double score) {
    this(line, id, system, outcome, gold, answer, label, score, false);
  }

  /** The id as text: what pairs rows. */
  public String key() {
    return id.asText();
  }

  /** True for a score of 0 or 1 that is no grade on a scale. */
  public boolean binary() {
    return !scaled && (score == 0 || score == 1);
  }

  /** The line as it is written; callers may add fields. */
  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set("id", id);
    json.put("system", system);
    if (!outcome.isEmpty()) {
      json.put("outcome", outcome);
    }
    json.put("gold", gold);
    json.put("answer", answer);
    json.put("label", label);
    if (score == Math.rint(score) && Math.abs(score) < 1e15) {
      json.put("score", (long) score);
    } else {
      json.put("score", score);
    }
    return json;
  }
}
