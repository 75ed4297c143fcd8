package dev.graft.trainer.constrain;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.JsonSchema.As;
import dev.graft.trainer.constrain.JsonSchema.NothingFits;
import dev.graft.trainer.constrain.JsonSchema.Part;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.util.automaton.Automaton;

/** One alternative of a schema: what several schemas without alternatives of their own say together, kind by kind. One use. */
final class SchemaShape {
  private enum Kind {
    NULL,
    BOOLEAN,
    OBJECT,
    ARRAY,
    STRING,
    INTEGER,
    NUMBER
  }

  private static final Map<String, Kind> ABOUT =
      Map.ofEntries(
          Map.entry("properties", Kind.OBJECT), Map.entry("required", Kind.OBJECT), Map.entry("additionalProperties", Kind.OBJECT), Map.entry("items", Kind.ARRAY),
          Map.entry("prefixItems", Kind.ARRAY), Map.entry("minItems", Kind.ARRAY), Map.entry("maxItems", Kind.ARRAY), Map.entry("minLength", Kind.STRING),
          Map.entry("maxLength", Kind.STRING), Map.entry("pattern", Kind.STRING), Map.entry("format", Kind.STRING), Map.entry("minimum", Kind.NUMBER),
          Map.entry("maximum", Kind.NUMBER), Map.entry("exclusiveMinimum", Kind.NUMBER), Map.entry("exclusiveMaximum", Kind.NUMBER));

  private final JsonSchema schema;
  private final JsonParts json;
  private final List<Part> parts;
  private final As as;

  SchemaShape(JsonSchema schema, List<Part> parts, As as) {
    this.schema = schema;
    this.json = schema.json();
    this.parts = parts;
    this.as = as;
  }

  /** Automata of its kinds. @throws NothingFits when no value does */
  List<Automaton> automata() {
    Set<Kind> kinds = kinds();
    Graph words = new Graph();
    boolean any = false;
    List<Automaton> automata = new ArrayList<>();
    Set<JsonNode> values = values();
    if (as == As.ARGUMENTS) {
      return List.of(arguments(kinds, values));
    }
    if (values != null) {
      ValueCheck check = new ValueCheck(parts);
      for (JsonNode value : values) {
        if (kinds.isEmpty() || kinds.stream().anyMatch(kind -> isKind(value, kind))) {
          boolean text = as == As.TEXT && value.isTextual();
          if (check.fits(value) && (!text || schema.arguments().holds(value.textValue()))) {
            words.accept(text ? words.text(0, value.textValue()) : json.literal(words, 0, value));
            any = true;
          }
        }
      }
      if (!any) {
        throw new NothingFits("none of the enumerated values has the type and bounds that are asked for");
      }
      return List.of(Automatons.deterministic(words.finish(), "the enumerated values"));
    }
    if (kinds.isEmpty()) {
      words.accept(words.call(0, as == As.TEXT ? schema.arguments().anyText() : json.anyValue()));
      return List.of(words.finish());
    }
    NothingFits reason = null;
    for (Kind kind : kinds) {
      try {
        automata.add(automaton(kind));
      } catch (NothingFits e) {
        reason = e;
      }
    }
    if (automata.isEmpty()) {
      throw reason;
    }
    return automata;
  }

  private Automaton arguments(Set<Kind> kinds, Set<JsonNode> values) {
    if (values != null || !kinds.isEmpty() && !kinds.contains(Kind.OBJECT)) {
      throw new NothingFits("the arguments of a function are an object with properties");
    }
    return object();
  }

  /** Kinds that are asked for, or that the keywords are about; empty: any. */
  private Set<Kind> kinds() {
    Set<Kind> kinds = null;
    Set<Kind> about = EnumSet.noneOf(Kind.class);
    for (Part part : parts) {
      if (part.node().has("type")) {
        Set<Kind> these = types(part);
        if (kinds == null) {
          kinds = these;
        } else {
          boolean integer = kinds.contains(Kind.INTEGER) && these.contains(Kind.NUMBER) || kinds.contains(Kind.NUMBER) && these.contains(Kind.INTEGER);
          kinds.retainAll(these);
          if (integer) {
            kinds.add(Kind.INTEGER);
          }
        }
      }
      part.node().fieldNames().forEachRemaining(keyword -> {
        if (ABOUT.containsKey(keyword)) {
          about.add(ABOUT.get(keyword));
        }
      });
    }
    if (kinds == null) {
      return values() == null ? about : Set.of();
    }
    if (kinds.isEmpty()) {
      throw new NothingFits("the types that are asked for exclude each other");
    }
    if (kinds.contains(Kind.NUMBER)) {
      kinds.remove(Kind.INTEGER);
    }
    return kinds;
  }

  private static Set<Kind> types(Part part) {
    JsonNode type = part.node().get("type");
    Set<Kind> kinds = EnumSet.noneOf(Kind.class);
    for (JsonNode name : type.isArray() ? type : List.of(type)) {
      try {
        if (!name.isTextual() || !name.textValue().equals(name.textValue().toLowerCase(Locale.ROOT))) {
          throw new IllegalArgumentException();
        }
        kinds.add(Kind.valueOf(name.textValue().toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        throw part.bad("type", name + " is not a type; there are null, boolean, object, array, string, integer, number");
      }
    }
    if (kinds.isEmpty()) {
      throw part.bad("type", "an empty list of types");
    }
    return kinds;
  }

  private static boolean isKind(JsonNode value, Kind kind) {
    return switch (kind) {
      case NULL -> value.isNull();
      case BOOLEAN -> value.isBoolean();
      case OBJECT -> value.isObject();
      case ARRAY -> value.isArray();
      case STRING -> value.isTextual();
      case NUMBER -> value.isNumber();
      case INTEGER -> value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
    };
  }

  /** The values that enum and const leave, or null when there is neither. */
  private Set<JsonNode> values() {
    Set<JsonNode> values = null;
    for (Part part : parts) {
      if (part.node().has("enum")) {
        if (!part.node().get("enum").isArray() || part.node().get("enum").isEmpty()) {
          throw part.bad("enum", "a list of values is wanted");
        }
        Set<JsonNode> these = new LinkedHashSet<>();
        part.node().get("enum").forEach(these::add);
        values = both(values, these);
      }
      if (part.node().has("const")) {
        values = both(values, Set.of(part.node().get("const")));
      }
    }
    return values;
  }

  private static Set<JsonNode> both(Set<JsonNode> values, Set<JsonNode> these) {
    Set<JsonNode> both = new LinkedHashSet<>(values == null ? these : values);
    both.retainAll(these);
    return both;
  }

  private Automaton automaton(Kind kind) {
    Graph graph = new Graph();
    switch (kind) {
      case NULL:
        graph.accept(graph.text(0, "null"));
        break;
      case BOOLEAN:
        graph.accept(graph.text(0, "true"));
        graph.accept(graph.text(0, "false"));
        break;
      case STRING:
        graph.accept(as == As.TEXT ? StringShape.argument(graph, parts, schema.arguments()) : graph.call(0, StringShape.rule(parts, json)));
        break;
      case INTEGER, NUMBER:
        graph.accept(graph.append(0, NumberShape.automaton(parts, kind == Kind.INTEGER, json)));
        break;
      case ARRAY:
        return array();
      case OBJECT:
        return object();
    }
    return Automatons.deterministic(graph.finish(), "a value");
  }

  private Automaton array() {
    List<List<Part>> first = new ArrayList<>();
    int longest = 0;
    for (Part part : parts) {
      longest = Math.max(longest, prefix(part).size());
    }
    boolean open = longest == 0;
    boolean closed = false;
    int min = -1;
    int max = -1;
    List<Part> rest = new ArrayList<>();
    for (int i = 0; i < longest; i++) {
      first.add(new ArrayList<>());
    }
    for (Part part : parts) {
      List<Part> prefix = prefix(part);
      String others = part.node().path("items").isArray() ? "additionalItems" : "items";
      Part other = part.node().has(others) ? part.child(others) : null;
      for (int i = 0; i < longest; i++) {
        if (i < prefix.size()) {
          first.get(i).add(prefix.get(i));
        } else if (other != null) {
          first.get(i).add(other);
        }
      }
      if (other != null) {
        open = true;
        closed |= other.node().isBoolean() && !other.node().booleanValue();
        rest.add(other);
      }
      min = Math.max(min, SchemaKeywords.count(part, "minItems"));
      int most = SchemaKeywords.count(part, "maxItems");
      max = most < 0 ? max : max < 0 ? most : Math.min(max, most);
    }
    open &= !closed;
    int top = open ? max : max < 0 ? longest : Math.min(max, longest);
    int least = min >= 0 ? min : top < 0 ? longest : Math.min(longest, top);
    if (top >= 0 && least > top) {
      throw new NothingFits("an array of at least " + least + " and at most " + top + " elements");
    }
    return json.array(first.stream().map(schema::rule).toList(), open ? schema.rule(rest) : -1, least, top);
  }

  private static List<Part> prefix(Part part) {
    return part.node().path("items").isArray() ? SchemaKeywords.list(part, "items") : SchemaKeywords.list(part, "prefixItems");
  }

  private Automaton object() {
    Set<String> names = new LinkedHashSet<>();
    Set<String> required = new LinkedHashSet<>();
    boolean open = false;
    boolean closed = false;
    List<Part> extra = new ArrayList<>();
    for (Part part : parts) {
      JsonNode properties = part.node().get("properties");
      if (properties != null) {
        if (!properties.isObject()) {
          throw part.bad("properties", "an object of schemas is wanted");
        }
        properties.fieldNames().forEachRemaining(names::add);
      }
      for (JsonNode name : part.node().path("required")) {
        if (!name.isTextual()) {
          throw part.bad("required", "a list of names is wanted");
        }
        required.add(name.textValue());
      }
      if (part.node().has("required") && !part.node().get("required").isArray()) {
        throw part.bad("required", "a list of names is wanted");
      }
      if (part.node().has("additionalProperties")) {
        Part others = part.child("additionalProperties");
        open = true;
        closed |= others.node().isBoolean() && !others.node().booleanValue();
        extra.add(others);
      }
    }
    names.addAll(required);
    open = (open || names.isEmpty() && parts.stream().noneMatch(part -> part.node().has("properties"))) && !closed;
    Map<String, List<Part>> members = new LinkedHashMap<>();
    for (String name : names) {
      List<Part> value = member(name);
      if (value != null) {
        members.put(name, value);
      } else if (required.contains(name)) {
        throw new NothingFits("the property " + name + " is required, and additionalProperties forbids it");
      }
    }
    As values = as == As.ARGUMENTS ? As.TEXT : As.JSON;
    List<JsonParts.Member> all = new ArrayList<>();
    members.forEach((name, value) -> all.add(new JsonParts.Member(name, schema.rule(value, values), required.contains(name))));
    int others = open ? schema.rule(extra, values) : -1;
    return as == As.ARGUMENTS ? schema.arguments().object(all, others) : json.object(all, others);
  }

  /** What a property must be, or null when it may not be there. */
  private List<Part> member(String name) {
    List<Part> value = new ArrayList<>();
    for (Part part : parts) {
      if (part.node().path("properties").has(name)) {
        value.add(new Part(part.node().get("properties").get(name), part.at() + "/properties/" + name.replace("~", "~0").replace("/", "~1")));
      } else if (part.node().has("additionalProperties")) {
        Part others = part.child("additionalProperties");
        if (others.node().isBoolean() && !others.node().booleanValue()) {
          return null;
        }
        value.add(others);
      }
    }
    return value;
  }
}
