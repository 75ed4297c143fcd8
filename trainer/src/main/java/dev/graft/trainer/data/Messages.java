package dev.graft.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a list of chat messages, strictly. */
final class Messages {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final int line;

  Messages(Path file, int line) {
    this.file = file;
    this.line = line;
  }

  /** Messages as maps with a string role and a string content (absent only where there are tool calls). */
  List<Map<String, Object>> read(String name, JsonNode list) {
    if (!list.isArray() || list.isEmpty()) {
      throw bad(name + (list.isArray() ? " is empty" : " is " + JsonLine.kind(list)) + "; it must be a list of at least one message");
    }
    List<Map<String, Object>> messages = new ArrayList<>(list.size());
    for (int i = 0; i < list.size(); i++) {
      messages.add(message(name + "[" + i + "]", list.get(i)));
    }
    return messages;
  }

  private Map<String, Object> message(String name, JsonNode node) {
    if (!node.isObject()) {
      throw bad(name + " is " + JsonLine.kind(node) + "; a message is {\"role\", \"content\"}");
    }
    JsonNode role = node.path("role");
    if (!role.isTextual() || role.textValue().isBlank()) {
      throw bad(name + " has no role; a message is {\"role\": \"user\" (or assistant, system, tool), \"content\": \"...\"}");
    }
    Map<String, Object> message = new LinkedHashMap<>();
    node.properties().forEach(field -> message.put(field.getKey(), JSON.convertValue(field.getValue(), Object.class)));
    message.put("role", role.textValue());
    JsonNode content = node.path("content");
    if (content.isTextual()) {
      message.put("content", checked(file, line, name + ".content", content.textValue()));
    } else if (content.isArray()) {
      message.put("content", parts(name, content));
    } else if (!node.path("tool_calls").isEmpty()) {
      message.put("content", content.isNull() ? null : "");
    } else {
      throw bad(name + ".content is " + JsonLine.kind(content) + "; it must be a string");
    }
    return message;
  }

  /** {@code [{"type": "text", "text": "..."}]} is the texts end to end. */
  private String parts(String name, JsonNode content) {
    StringBuilder text = new StringBuilder();
    for (JsonNode part : content) {
      if (!part.path("type").asText("text").equals("text") || !part.path("text").isTextual()) {
        throw bad(name + ".content has a part that is not text; only text can be learnt");
      }
      text.append(part.path("text").textValue());
    }
    return checked(file, line, name + ".content", text.toString());
  }

  /** Text that has an UTF-8 form: every surrogate is paired. */
  static String checked(Path file, int line, String name, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c) || i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1))) {
          throw new DataException(
              file, line, String.format("%s holds half a character (\\u%04x) at position %d; write the whole character", name, (int) c, i));
        }
        i++;
      }
    }
    return text;
  }

  private DataException bad(String what) {
    return new DataException(file, line, what);
  }
}
