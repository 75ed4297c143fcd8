package dev.graft.trainer.constrain;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.lucene.util.automaton.Automaton;

/**
 * A JSON Schema as a grammar of the JSON that it describes. Every answer satisfies the schema; not every value that does is among the answers:
 *
 * <ul>
 *   <li>{@code type} (one or a list; where it is missing, the kinds that the other keywords are about), {@code enum}, {@code const}, {@code nullable};
 *   <li>{@code properties} in their order, those not {@code required} maybe left out; others only with {@code additionalProperties} true or a schema, after them (as in
 *       llama.cpp, missing means none; an object without any {@code properties} is free);
 *   <li>{@code items, prefixItems, minItems, maxItems}; of prefixItems all are written unless minItems or maxItems says fewer, and nothing follows them without items;
 *   <li>{@code minLength, maxLength, pattern} (see {@link Regex}), {@code format} (see {@link Formats}); text that a pattern, format or enum describes has no needless escapes;
 *   <li>{@code minimum, maximum, exclusiveMinimum, exclusiveMaximum}: numbers with bounds have no exponent; integers have at most 16 digits;
 *   <li>{@code anyOf, oneOf} as alternatives (that only one of oneOf holds is not checked), {@code allOf} merged, {@code $ref} within the schema, also to itself.
 * </ul>
 *
 * <p>Annotations ({@code title, description, default, examples} and the like) mean nothing here. Any other keyword is an error that names its place. White space: {@link JsonParts}.
 */
final class JsonSchema {
  /** A schema and where it stands. */
  record Part(JsonNode node, String at) {
    ConstraintException bad(String keyword, String what) {
      return new ConstraintException("JSON schema at " + at + (keyword == null ? "" : "/" + escaped(keyword)) + ": " + what);
    }

    Part child(String keyword) {
      return new Part(node.get(keyword), at + "/" + escaped(keyword));
    }

    private static String escaped(String name) {
      return name.replace("~", "~0").replace("/", "~1");
    }
  }

  /** What says that nothing fits an alternative. */
  static final class NothingFits extends RuntimeException {
    private static final long serialVersionUID = 1L;

    NothingFits(String message) {
      super(message, null, false, false);
    }
  }

  /** How a value is written. */
  enum As {
    JSON,
    /** As an argument between texts: strings as they are, all else as JSON. */
    TEXT,
    /** All arguments: an object. */
    ARGUMENTS
  }

  private record Waiting(int rule, List<Part> parts, As as) {}

  private final JsonNode schema;
  private final Grammar grammar;
  private final JsonParts json;
  private final ArgumentParts arguments;
  private final Map<String, Integer> rules = new HashMap<>();
  private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

  /** @param schema as {@link #checked} gave it */
  JsonSchema(JsonNode schema, Grammar grammar) {
    this(schema, grammar, new JsonParts(grammar), null);
  }

  /** The same with parts that several schemas of one grammar share. @param arguments null when an answer is JSON */
  JsonSchema(JsonNode schema, Grammar grammar, JsonParts json, ArgumentParts arguments) {
    this.schema = schema;
    this.grammar = grammar;
    this.json = json;
    this.arguments = arguments;
  }

  /** A copy. @throws ConstraintException when it is not a schema, too large, nested too deep, or has numbers or texts that JSON cannot write */
  static JsonNode checked(JsonNode schema) {
    if (schema == null || !schema.isObject() && !schema.isBoolean()) {
      throw new ConstraintException("JSON schema: an object is wanted, as {\"type\": \"object\", ...}");
    }
    record Level(JsonNode node, int depth) {}
    ArrayDeque<Level> open = new ArrayDeque<>(List.of(new Level(schema, 0)));
    int count = 0;
    while (!open.isEmpty()) {
      Level level = open.pop();
      JsonNode node = level.node();
      if (++count > Limits.SCHEMA_VALUES) {
        throw new ConstraintException("JSON schema has more than " + Limits.SCHEMA_VALUES + " values; make it smaller");
      }
      if (level.depth() > Limits.SCHEMA_DEPTH) {
        throw new ConstraintException("JSON schema nests more than " + Limits.SCHEMA_DEPTH + " deep; move parts to $defs");
      }
      if (node.isFloatingPointNumber() && !Double.isFinite(node.doubleValue()) && !node.isBigDecimal() || node.isTextual() && halved(node.textValue()) || node.isPojo() || node.isBinary()) {
        throw new ConstraintException("JSON schema has a number or text that JSON cannot write: NaN, infinity, or half of a surrogate pair");
      }
      node.fieldNames().forEachRemaining(name -> {
        if (halved(name)) {
          throw new ConstraintException("JSON schema has a name with half of a surrogate pair");
        }
      });
      node.forEach(child -> open.push(new Level(child, level.depth() + 1)));
    }
    return schema.deepCopy();
  }

  private static boolean halved(String text) {
    return text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
  }

  JsonParts json() {
    return json;
  }

  ArgumentParts arguments() {
    return arguments;
  }

  /** Rule of a whole answer. */
  int root() {
    int root = rule(List.of(new Part(schema, "#")), arguments == null ? As.JSON : As.ARGUMENTS);
    while (!waiting.isEmpty()) {
      Waiting next = waiting.poll();
      try {
        grammar.define(next.rule(), automaton(next.parts(), next.as()));
      } catch (ConstraintException e) {
        throw e.getMessage().startsWith("JSON schema at ") ? e : next.parts().get(0).bad(null, e.getMessage());
      }
    }
    return root;
  }

  /** Rule of the values that satisfy all of some schemas, as JSON. */
  int rule(List<Part> parts) {
    return rule(parts, As.JSON);
  }

  int rule(List<Part> parts, As as) {
    Map<String, Part> distinct = new LinkedHashMap<>();
    parts.stream().filter(part -> !free(part.node())).forEach(part -> distinct.putIfAbsent(part.at(), part));
    if (distinct.isEmpty() && as == As.ARGUMENTS) {
      parts.forEach(part -> distinct.put(part.at(), part));
    } else if (distinct.isEmpty()) {
      return as == As.TEXT ? arguments.anyText() : json.anyValue();
    }
    String key = as + " " + String.join(" ", new TreeSet<>(distinct.keySet()));
    Integer rule = rules.get(key);
    if (rule == null) {
      rule = grammar.declare("JSON schema at " + parts.get(0).at());
      rules.put(key, rule);
      waiting.add(new Waiting(rule, List.copyOf(distinct.values()), as));
    }
    return rule;
  }

  private static boolean free(JsonNode node) {
    return node.isBoolean() ? node.booleanValue() : node.isObject() && node.properties().stream().allMatch(entry -> SchemaKeywords.isAnnotation(entry.getKey()));
  }

  private Automaton automaton(List<Part> parts, As as) {
    List<List<Part>> alternatives = List.of(List.of());
    for (Part part : parts) {
      alternatives = product(alternatives, expand(part, 0), part);
    }
    List<Automaton> automata = new ArrayList<>();
    NothingFits reason = null;
    for (List<Part> alternative : alternatives) {
      try {
        automata.addAll(new SchemaShape(this, alternative, as).automata());
      } catch (NothingFits e) {
        reason = e;
      }
    }
    if (automata.isEmpty() && reason != null) {
      throw parts.get(0).bad(null, "no value fits: " + reason.getMessage());
    }
    return union(automata);
  }

  private Automaton union(List<Automaton> automata) {
    if (automata.size() == 1) {
      return automata.get(0);
    }
    try {
      Graph graph = new Graph();
      automata.forEach(a -> graph.accept(graph.append(0, a)));
      return Automatons.deterministic(graph.finish(), "a choice of alternatives");
    } catch (ConstraintException e) {
      Graph graph = new Graph(); // too much in common to be merged: followed side by side
      automata.forEach(a -> graph.accept(graph.call(0, grammar.add("an alternative", a))));
      return Automatons.deterministic(graph.finish(), "a choice of alternatives");
    }
  }

  /** The alternatives that a schema consists of, each as schemas without $ref, allOf, anyOf, oneOf and nullable that hold together. */
  private List<List<Part>> expand(Part part, int depth) {
    JsonNode node = part.node();
    if (node.isBoolean()) {
      return node.booleanValue() ? List.of(List.of()) : List.of();
    }
    if (!node.isObject()) {
      throw part.bad(null, "a schema is wanted: an object, true or false");
    }
    if (depth > Limits.SCHEMA_DEPTH) {
      throw part.bad(null, "refers to itself without an end, or through more than " + Limits.SCHEMA_DEPTH + " references");
    }
    SchemaKeywords.check(part);
    List<List<Part>> all = List.of(List.of(part));
    if (node.has("$ref")) {
      all = product(all, expand(target(part), depth + 1), part);
    }
    for (Part each : SchemaKeywords.list(part, "allOf")) {
      all = product(all, expand(each, depth + 1), part);
    }
    for (String either : List.of("anyOf", "oneOf")) {
      if (node.has(either)) {
        List<List<Part>> some = new ArrayList<>();
        for (Part each : SchemaKeywords.list(part, either)) {
          some.addAll(expand(each, depth + 1));
          if (some.size() > Limits.ALTERNATIVES) {
            throw tooMany(part);
          }
        }
        all = product(all, some, part);
      }
    }
    if (SchemaKeywords.flag(part, "nullable", false)) {
      ObjectNode isNull = JsonNodeFactory.instance.objectNode().put("type", "null");
      all = new ArrayList<>(all);
      all.add(List.of(new Part(isNull, part.at() + "/nullable")));
    }
    return all;
  }

  private static List<List<Part>> product(List<List<Part>> a, List<List<Part>> b, Part part) {
    if ((long) a.size() * b.size() > Limits.ALTERNATIVES) {
      throw tooMany(part);
    }
    List<List<Part>> all = new ArrayList<>();
    for (List<Part> left : a) {
      for (List<Part> right : b) {
        List<Part> both = new ArrayList<>(left);
        both.addAll(right);
        all.add(both);
      }
    }
    return all;
  }

  private static ConstraintException tooMany(Part part) {
    return part.bad(null, "more than " + Limits.ALTERNATIVES + " alternatives; nest anyOf, oneOf and allOf less");
  }

  private Part target(Part part) {
    String ref = SchemaKeywords.text(part, "$ref");
    if (!ref.startsWith("#") || ref.length() > 1 && ref.charAt(1) != '/') {
      throw part.bad("$ref", "only references within the schema are supported, as #/$defs/name; this is " + ref);
    }
    try {
      String pointer = URLDecoder.decode(ref.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
      JsonNode node = schema.at(JsonPointer.compile(pointer));
      if (!node.isMissingNode()) {
        return new Part(node, "#" + pointer);
      }
    } catch (IllegalArgumentException e) {
      throw part.bad("$ref", "is not a JSON pointer: " + ref);
    }
    throw part.bad("$ref", "nothing is at " + ref);
  }
}
