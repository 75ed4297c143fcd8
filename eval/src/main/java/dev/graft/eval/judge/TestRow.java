package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A row to be answered.
 *
 * @param line of the file, from 1
 * @param id its "id", or its position from 0
 * @param prompt as the row has it, a string or a list of messages; null for ready ids
 * @param gold the right answer (null where a task takes it from another field), as the grader's {@link Grader#gold} spells it where it has been asked
 * @param data the whole line, with whatever a grader may need besides: aliases, facts, options
 */
public record TestRow(int line, JsonNode id, JsonNode prompt, String gold, JsonNode data) {
  /** The same row with another right answer. */
  public TestRow withGold(String other) {
    return new TestRow(line, id, prompt, other, data);
  }
}
