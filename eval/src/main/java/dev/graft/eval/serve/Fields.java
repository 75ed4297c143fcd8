package dev.graft.eval.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.CharConversionException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The fields of a request's JSON object, read strictly: each that is wrong is named, and so is one that nobody asked for. One thread. */
final class Fields {
  static final ObjectMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private final JsonNode root;
  private final Set<String> asked = new HashSet<>();

  private Fields(JsonNode root) {
    this.root = root;
  }

  /** Parses a body. @throws ApiException when it is no JSON object in UTF-8 */
  static Fields parse(byte[] body) {
    try {
      JsonNode root = JSON.readTree(body);
      if (!(root instanceof ObjectNode)) {
        throw ApiException.bad(null, "The body must be a JSON object", "invalid_json");
      }
      return new Fields(root);
    } catch (JsonProcessingException e) {
      String where = e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr() + ")";
      throw ApiException.bad(null, "The body is not valid JSON: " + firstLine(e.getOriginalMessage()) + where, "invalid_json");
    } catch (CharConversionException e) {
      throw ApiException.bad(null, "The body is not UTF-8 text: " + firstLine(e.getMessage()), "invalid_json");
    } catch (IOException e) {
      throw ApiException.bad(null, "The body cannot be read: " + firstLine(e.getMessage()), "invalid_json");
    }
  }

  private static String firstLine(String text) {
    return String.valueOf(text).lines().findFirst().orElse("").replaceAll("\\s*\\(start marker at \\[Source.*", "");
  }

  /** A field as it stands; JSON's null when it is null or absent. */
  JsonNode get(String name) {
    asked.add(name);
    JsonNode node = root.get(name);
    return node == null ? NullNode.instance : node;
  }

  /** An object of these fields alone, as far as they are there. */
  ObjectNode only(List<String> names) {
    ObjectNode some = JSON.createObjectNode();
    for (String name : names) {
      JsonNode value = get(name);
      if (!value.isNull()) {
        some.set(name, value);
      }
    }
    return some;
  }

  boolean has(String name) {
    return !get(name).isNull();
  }

  /** A text, or null when absent. */
  String text(String name) {
    JsonNode node = get(name);
    if (node.isNull()) {
      return null;
    } else if (!node.isTextual()) {
      throw ApiException.bad(name, name + " must be a string");
    }
    return checked(name, node.textValue());
  }

  String requiredText(String name) {
    String value = text(name);
    if (value == null || value.isEmpty()) {
      throw ApiException.bad(name, "You must provide a " + name);
    }
    return value;
  }

  boolean flag(String name, boolean otherwise) {
    JsonNode node = get(name);
    if (!node.isNull() && !node.isBoolean()) {
      throw ApiException.bad(name, name + " must be true or false");
    }
    return node.isNull() ? otherwise : node.booleanValue();
  }

  /** A whole number within bounds, or null when absent. */
  Long whole(String name, long least, long most) {
    JsonNode node = get(name);
    if (node.isNull()) {
      return null;
    }
    boolean fits = node.isNumber() && node.canConvertToExactIntegral() && node.canConvertToLong();
    if (!fits || node.longValue() < least || node.longValue() > most) {
      throw ApiException.bad(name, name + " must be a whole number from " + least + " to " + most);
    }
    return node.longValue();
  }

  int whole(String name, int least, int most, int otherwise) {
    Long value = whole(name, (long) least, (long) most);
    return value == null ? otherwise : value.intValue();
  }

  /** A number within bounds, both included. */
  float number(String name, double least, double most, double otherwise) {
    return has(name) ? number(name, get(name), least, most) : (float) otherwise;
  }

  static float number(String name, JsonNode node, double least, double most) {
    double value = node.isNumber() ? node.doubleValue() : Double.NaN;
    if (!(value >= least && value <= most)) {
      throw ApiException.bad(name, name + " must be a number from " + plain(least) + " to " + plain(most));
    }
    return (float) value;
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  /** A text or a list of texts, none of them empty; an empty list when absent. */
  List<String> texts(String name, int most) {
    JsonNode node = get(name);
    List<String> texts = new ArrayList<>();
    if (node.isTextual()) {
      texts.add(checked(name, node.textValue()));
    } else if (node.isArray()) {
      for (JsonNode item : node) {
        if (!item.isTextual()) {
          throw ApiException.bad(name, name + " must be a string or a list of strings");
        }
        texts.add(checked(name, item.textValue()));
      }
    } else if (!node.isNull()) {
      throw ApiException.bad(name, name + " must be a string or a list of strings");
    }
    if (texts.size() > most || texts.stream().anyMatch(String::isEmpty)) {
      throw ApiException.bad(name, name + " must have at most " + most + " texts, none of them empty");
    }
    return texts;
  }

  /** Fields that OpenAI's clients may send and that change nothing here. */
  void ignore(String... names) {
    asked.addAll(List.of(names));
  }

  /** Fields that would change the answer, which this server cannot do. */
  void refuse(String... names) {
    for (String name : names) {
      if (has(name)) {
        throw ApiException.bad(name, name + " is not supported by this server; leave it out", "unsupported_parameter");
      }
    }
  }

  /** Call last. @throws ApiException naming a field that nothing asked for */
  void done() {
    root.fieldNames().forEachRemaining(name -> {
      if (!asked.contains(name)) {
        String shown = name.length() > 64 ? name.substring(0, 64) + "…" : name;
        throw ApiException.bad(shown, "Unrecognized request argument supplied: " + shown, "unknown_parameter");
      }
    });
  }

  /** Text that has a UTF-8 form. @throws ApiException when a surrogate stands alone */
  static String checked(String name, String text) {
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int c = text.codePointAt(i);
      if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        throw ApiException.bad(name, String.format("%s holds half a character (\\u%04x) at position %d; write the whole character", name, c, i));
      }
    }
    return text;
  }
}
