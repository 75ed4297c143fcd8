package dev.graft.trainer.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Path;

/** A line of JSONL, read strictly: one object, no name twice, nothing after it. */
public final class JsonLine {
  static final ObjectMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(LineReader.MAX_BYTES).maxNestingDepth(100).build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private JsonLine() {}

  /**
   * The object on a line.
   *
   * @param shape what an object should be, for the message about one that is not
   * @throws DataException naming file and line
   */
  public static JsonNode object(Path file, int line, String text, String shape) {
    JsonNode node;
    try {
      node = MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new DataException(file, line, "is not valid JSON" + column(e) + ": " + firstLine(e.getOriginalMessage()) + "; each line must be one JSON object", e);
    }
    if (node.isArray()) {
      throw new DataException(file, line, "is a JSON array, not an object; write one object a line (jq -c '.[]' turns an array into lines)");
    } else if (!node.isObject()) {
      throw new DataException(file, line, "is not a JSON object; " + shape);
    }
    return node;
  }

  /** "a string", "a number", ...: what a value is, for messages. */
  public static String kind(JsonNode value) {
    return switch (value.getNodeType()) {
      case STRING -> "a string";
      case NUMBER -> "a number";
      case BOOLEAN -> "a boolean";
      case NULL, MISSING -> "null";
      case ARRAY -> "a list";
      default -> "an object";
    };
  }

  private static String column(JsonProcessingException e) {
    return e.getLocation() == null ? "" : " (column " + e.getLocation().getColumnNr() + ")";
  }

  /** The parser's message without its own words on where. */
  private static String firstLine(String message) {
    String line = message.lines().findFirst().orElse("");
    return line.replaceAll("\\s*\\(start marker at \\[Source.*\\]\\)", "");
  }
}
