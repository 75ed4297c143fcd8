package dev.graft.trainer.template;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Makes JSON of arguments that were written as bare texts, by the function's JSON Schema. Where that allows only strings, a text is one. Where it allows none, or also other
 * types, a text that is JSON of such a type is that (also Python's True, False and None), and any other a string. Where it says nothing of types, whatever is JSON but no string.
 */
final class ArgumentTypes {
  private static final ObjectMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  private static final String STRING = "string";

  /** How far references and parts of parts are followed. */
  private static final int DEPTH = 16;

  private final JsonNode schema;

  /** @param schema of the arguments; null when there is none */
  ArgumentTypes(JsonNode schema) {
    this.schema = schema == null ? JSON.createObjectNode() : schema;
  }

  /** A JSON object. */
  String object(Map<String, String> arguments) {
    StringBuilder out = new StringBuilder("{");
    arguments.forEach((name, text) -> out.append(out.length() == 1 ? "" : ", ").append(new TextNode(name)).append(": ").append(value(name, text)));
    return out.append('}').toString();
  }

  private String value(String name, String text) {
    JsonNode property = property(schema, name, 0);
    Set<String> types = new TreeSet<>();
    types(property, types, 0);
    String bare = text.strip();
    boolean any = types.isEmpty();
    boolean listed = lists(property, text);
    if (!listed && !(types.size() == 1 && types.contains(STRING))) {
      if (types.contains("boolean") && (bare.equals("True") || bare.equals("False"))) {
        return bare.toLowerCase(Locale.ROOT);
      } else if (types.contains("null") && bare.equals("None")) {
        return "null";
      }
      String type = type(bare);
      boolean number = type.equals("integer") && types.contains("number");
      if (!type.isEmpty() && (types.contains(type) && !type.equals(STRING) || number || any && !type.equals(STRING) || !any && !types.contains(STRING))) {
        return bare;
      }
    }
    return new TextNode(text).toString();
  }

  /** The JSON type of a text, empty when it is no JSON. */
  private static String type(String text) {
    try {
      JsonNode node = text.isEmpty() ? null : JSON.readTree(text);
      return node == null ? "" : node.isIntegralNumber() ? "integer" : node.getNodeType().name().toLowerCase(Locale.ROOT);
    } catch (JacksonException e) {
      return "";
    }
  }

  /** Whether an enumeration has exactly this text. */
  private static boolean lists(JsonNode property, String text) {
    for (JsonNode value : property.path("enum")) {
      if (value.isTextual() && value.textValue().equals(text)) {
        return true;
      }
    }
    return property.path("const").isTextual() && property.path("const").textValue().equals(text);
  }

  private JsonNode property(JsonNode of, String name, int depth) {
    JsonNode own = of.path("properties").path(name);
    for (JsonNode part : parts(of, depth)) {
      own = own.isMissingNode() ? property(part, name, depth + 1) : own;
    }
    own = own.isMissingNode() && of.path("additionalProperties").isObject() ? of.get("additionalProperties") : own;
    return own.has("$ref") ? target(own, 0) : own;
  }

  private void types(JsonNode of, Set<String> into, int depth) {
    JsonNode type = of.path("type");
    if (type.isTextual()) {
      into.add(type.textValue());
    }
    type.forEach(each -> into.add(each.asText()));
    if (of.path("nullable").asBoolean()) {
      into.add("null");
    }
    if (type.isMissingNode()) {
      of.path("enum").forEach(value -> into.add(type(value.toString())));
      if (of.has("const")) {
        into.add(type(of.get("const").toString()));
      }
    }
    parts(of, depth).forEach(part -> types(part, into, depth + 1));
  }

  /** The schemas that a schema refers to or consists of. */
  private List<JsonNode> parts(JsonNode of, int depth) {
    List<JsonNode> parts = new ArrayList<>();
    if (depth < DEPTH) {
      if (of.has("$ref")) {
        parts.add(target(of, 0));
      }
      for (String keyword : new String[] {"anyOf", "oneOf", "allOf"}) {
        of.path(keyword).forEach(parts::add);
      }
    }
    return parts;
  }

  private JsonNode target(JsonNode of, int depth) {
    String ref = of.path("$ref").asText();
    if (depth > DEPTH || !ref.startsWith("#/")) {
      return JSON.missingNode();
    }
    JsonNode node = schema.at(JsonPointer.compile(ref.substring(1)));
    return node.has("$ref") ? target(node, depth + 1) : node;
  }
}
