package dev.graft.eval.task;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.graft.trainer.data.DataException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A value of a YAML file that knows its line, so that whatever is wrong with it can be said where it stands. Immutable. */
final class YamlNode {
  private static final int MAX_DEPTH = 20;

  private final Path file;
  private final int line;
  private final String text;
  private final List<YamlNode> items;
  private final Map<String, YamlNode> fields;

  private YamlNode(Path file, int line, String text, List<YamlNode> items, Map<String, YamlNode> fields) {
    this.file = file;
    this.line = line;
    this.text = text;
    this.items = items;
    this.fields = fields;
  }

  /**
   * Reads one document that is a mapping.
   *
   * @param file as messages name it  @param yaml its text
   * @throws DataException naming the line when it is no YAML, is something else than one mapping, or has a key twice
   */
  static YamlNode read(Path file, String yaml) {
    YAMLFactory factory = YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
        .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build()).build();
    try (YAMLParser parser = factory.createParser(yaml)) {
      JsonToken first = parser.nextToken();
      if (first != JsonToken.START_OBJECT) {
        throw new DataException(file, first == null ? 0 : line(parser), first == null ? "is empty; a task is a mapping of keys to values, such as 'name: uti'"
            : "must be a mapping of keys to values, such as 'name: uti'");
      }
      YamlNode root = value(file, parser, line(parser));
      if (parser.nextToken() != null) {
        throw new DataException(file, line(parser), "a second YAML document begins; keep one task a file");
      }
      return root;
    } catch (JsonProcessingException e) {
      String message = e.getOriginalMessage().lines().filter(part -> !part.isBlank() && !part.startsWith(" ")).collect(Collectors.joining(", ")); // without the excerpt
      throw new DataException(file, e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getLineNr()), "is not valid YAML: " + message, e);
    } catch (IOException e) {
      throw new IllegalStateException("a text cannot fail to be read", e);
    }
  }

  /** @param line of its key, or its own */
  private static YamlNode value(Path file, YAMLParser parser, int line) throws IOException {
    if (parser.isCurrentAlias()) {
      throw new DataException(file, line, "'*" + parser.getText() + "' is an alias; write the value itself");
    }
    switch (parser.currentToken()) {
      case START_OBJECT -> {
        Map<String, YamlNode> fields = new LinkedHashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          String key = parser.currentName();
          int at = line(parser);
          parser.nextToken();
          fields.put(key, value(file, parser, at));
        }
        return new YamlNode(file, line, null, null, fields);
      }
      case START_ARRAY -> {
        List<YamlNode> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          items.add(value(file, parser, line(parser)));
        }
        return new YamlNode(file, line, null, items, null);
      }
      case VALUE_NULL -> {
        return new YamlNode(file, line, null, null, null);
      }
      default -> {
        return new YamlNode(file, line, parser.getText(), null, null);
      }
    }
  }

  private static int line(JsonParser parser) {
    return Math.max(0, parser.currentTokenLocation().getLineNr());
  }

  /** Line in the file, from 1. */
  int line() {
    return line;
  }

  /** What is wrong here. */
  DataException wrong(String what) {
    return new DataException(file, line, what);
  }

  /** Refuses keys that are not of the list. @param what a mapping of these keys is, for the message */
  void only(String what, List<String> keys) {
    for (Map.Entry<String, YamlNode> field : mapping(what).entrySet()) {
      if (!keys.contains(field.getKey())) {
        throw field.getValue().wrong("unknown key '" + field.getKey() + "'; the keys of " + what + " are " + String.join(", ", keys));
      }
    }
  }

  boolean has(String key) {
    return fields != null && fields.containsKey(key);
  }

  /** The value of a key. @throws DataException when it is missing */
  YamlNode get(String key) {
    if (!has(key)) {
      throw wrong("'" + key + "' is missing; give it a value");
    }
    return fields.get(key);
  }

  /** Fields in the order of the file. @param what this is, for the message */
  Map<String, YamlNode> mapping(String what) {
    if (fields == null) {
      throw wrong("'" + what + "' must be a mapping of keys to values, not " + kind());
    }
    return fields;
  }

  /** A text, a number or a truth value as the file has it, not blank. */
  String text(String key) {
    YamlNode node = get(key);
    if (node.text == null || node.text.isBlank()) {
      throw node.wrong("'" + key + "' must be a text, not " + node.kind());
    }
    return node.text;
  }

  /** The same, or what stands for a missing key. */
  String text(String key, String missing) {
    return has(key) ? text(key) : missing;
  }

  /** A whole number of at least 1. */
  int count(String key) {
    String value = text(key);
    try {
      int count = Integer.parseInt(value);
      if (count >= 1) {
        return count;
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw get(key).wrong("'" + key + "' must be a whole number of at least 1, not '" + value + "'");
  }

  /** A list of texts, or a single one; empty when the key is missing. */
  List<String> texts(String key) {
    if (!has(key)) {
      return List.of();
    } else if (get(key).items == null) {
      return List.of(text(key));
    }
    List<String> texts = new ArrayList<>();
    for (YamlNode item : get(key).items) {
      if (item.text == null || item.text.isBlank()) {
        throw item.wrong("'" + key + "' must be a list of texts; one of them is " + item.kind());
      }
      texts.add(item.text);
    }
    return List.copyOf(texts);
  }

  /** A list of mappings. */
  List<YamlNode> list(String key) {
    YamlNode node = get(key);
    if (node.items == null || node.items.isEmpty()) {
      throw node.wrong("'" + key + "' must be a list with one entry at least, not " + node.kind());
    }
    return List.copyOf(node.items);
  }

  /** A mapping of texts; empty when the key is missing. */
  Map<String, String> textMap(String key) {
    Map<String, String> map = new LinkedHashMap<>();
    if (has(key)) {
      YamlNode node = get(key);
      node.mapping(key).keySet().forEach(name -> map.put(name, node.text(name)));
    }
    return map;
  }

  private String kind() {
    if (fields != null) {
      return "a mapping";
    } else if (items != null) {
      return items.isEmpty() ? "an empty list" : "a list";
    }
    return text == null ? "nothing" : text.isBlank() ? "an empty text" : "'" + text + "'";
  }
}
