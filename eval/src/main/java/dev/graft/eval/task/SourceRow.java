package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;

/**
 * A row of a user's file.
 *
 * @param line of the file where it begins, from 1 (of an XLSX sheet: the row)  @param values by name: texts, numbers, lists
 */
public record SourceRow(int line, Map<String, JsonNode> values) {
  /** A value as text, without white space at its ends; empty when it is missing or null. */
  public String text(String name) {
    JsonNode value = values.get(name);
    return value == null || value.isNull() ? "" : value.asText().strip();
  }
}
