package dev.graft.trainer.constrain;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.Transition;

/**
 * JSON's parts as rules of a grammar. Between tokens, after {@code { [ , :} and before {@code } ]}, stands nothing, one space, or one line feed and up to {@value #INDENT} spaces
 * or tabs; before a colon nothing or one space; around the whole value nothing. So answers cannot run on in white space, and may be written on one line or indented.
 */
final class JsonParts {
  private static final int INDENT = 40;

  /** JSON numbers of at most 16 digits before and after the point and an exponent of at most two: all are finite doubles. */
  private static final String NUMBER = "-?(0|[1-9][0-9]{0,15})(\\.[0-9]{1,16})?([eE][+-]?[0-9]{1,2})?";

  private static final String INTEGER = "0|-?[1-9][0-9]{0,15}";

  /** A character of a string, in any way that JSON writes it; escaped surrogates come in pairs. */
  private static final String CHARACTER =
      "[^\"\\\\\\x00-\\x1F]|\\\\([\"\\\\/bfnrt]|u([0-9A-Ca-cE-Fe-f][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2}|[Dd][89ABab][0-9A-Fa-f]{2}\\\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}))";

  private final Grammar grammar;
  private final Map<Object, Integer> known = new HashMap<>();

  /** A property of an object. */
  record Member(String name, int value, boolean required) {}

  private record Lengths(int min, int max) {}

  private record Keys(List<String> but) {}

  JsonParts(Grammar grammar) {
    this.grammar = grammar;
  }

  private int space() {
    return once("space", () -> grammar.add("white space", bytes(Regex.compile("( |\\n[ \\t]{0," + INDENT + "})?", true))));
  }

  int number() {
    return once("number", () -> grammar.add("a number", bytes(Regex.compile(NUMBER, true))));
  }

  int integer() {
    return once("integer", () -> grammar.add("an integer", bytes(Regex.compile(INTEGER, true))));
  }

  private int once(Object key, IntSupplier make) {
    Integer rule = known.get(key);
    if (rule == null) {
      rule = make.getAsInt();
      known.put(key, rule);
    }
    return rule;
  }

  private static Automaton bytes(Automaton codePoints) {
    return Automatons.deterministic(Automatons.utf8(codePoints), "a part of JSON");
  }

  /** A string whose decoded text an automaton over code points describes. */
  int string(Automaton text, String name) {
    Graph graph = new Graph();
    int body = graph.append(graph.text(0, "\""), Automatons.deterministic(Automatons.utf8(Automatons.jsonEscaped(text)), name));
    graph.accept(graph.text(body, "\""));
    return grammar.add(name, Automatons.deterministic(graph.finish(), name));
  }

  /** A string of some number of characters (code points). @param max -1: no most */
  int string(int min, int max) {
    return once(new Lengths(min, max), () -> {
      int rule = grammar.declare("a string");
      defineString(rule, min, max);
      return rule;
    });
  }

  /**
   * One copy of a character's automaton for each place, put in a row: no character's encoding begins another's, so the row is deterministic. Places so far from both the least
   * and the greatest length that no token reaches either have the same tokens.
   */
  private void defineString(int rule, int min, int max) {
    Automaton c = bytes(Regex.compile(CHARACTER, true));
    int last = -1; // the only accepting state, without transitions
    for (int s = 0; s < c.getNumStates(); s++) {
      last = c.isAccept(s) ? s : last;
    }
    int width = c.getNumStates();
    int places = (max < 0 ? min : max) + 1;
    if ((long) places * width > Limits.STATES) {
      throw Automatons.tooLarge("a string of " + places + " characters");
    }
    Automaton row = new Automaton();
    int end = 1 + places * width;
    int[] like = new int[end + 1];
    for (int s = 0; s <= end; s++) {
      row.createState();
    }
    like[end] = end;
    row.setAccept(end, true);
    row.addTransition(0, 1, '"');
    Transition t = new Transition();
    for (int p = 0; p < places; p++) {
      int offset = 1 + p * width;
      int next = max < 0 && p == min ? offset : offset + width;
      boolean more = max < 0 || p < max;
      int alike = p + grammar.longestToken < min ? 0 : p >= min && p + grammar.longestToken <= max ? min : p;
      for (int s = 0; s < width; s++) {
        like[offset + s] = 1 + alike * width + s;
        if (s == 0 && p >= min) {
          row.addTransition(offset, end, '"');
        }
        for (int i = more ? c.initTransition(s, t) : 0; i > 0; i--) {
          c.getNextTransition(t);
          row.addTransition(offset + s, t.dest == last ? next : offset + t.dest, t.min, t.max);
        }
      }
    }
    row.finishState();
    grammar.define(rule, row, like);
  }

  /** A string that is none of some names. */
  private int key(Collection<String> but) {
    if (but.isEmpty()) {
      return string(0, -1);
    }
    return once(new Keys(List.copyOf(but)), () -> {
      Automaton names = Automatons.deterministic(Operations.union(but.stream().map(Automata::makeString).toList()), "the properties' names");
      Automaton others = Automatons.minus(Regex.compile("[\\s\\S]*", true), names, "the other properties' names");
      return string(others, "a property's name");
    });
  }

  int anyValue() {
    Integer rule = known.get("value");
    if (rule == null) {
      rule = grammar.declare("a JSON value");
      known.put("value", rule);
      Graph graph = new Graph();
      graph.accept(graph.append(0, object(List.of(), rule)));
      graph.accept(graph.append(0, array(List.of(), rule, 0, -1)));
      graph.accept(graph.call(0, string(0, -1)));
      graph.accept(graph.call(0, number()));
      for (String word : List.of("true", "false", "null")) {
        graph.accept(graph.text(0, word));
      }
      grammar.define(rule, Automatons.deterministic(graph.finish(), "a JSON value"));
    }
    return rule;
  }

  int anyObject() {
    int value = anyValue();
    return once("object", () -> grammar.add("a JSON object", object(List.of(), value)));
  }

  /**
   * An object: its members in this order, those that are not required maybe left out, then any number of others.
   *
   * @param extra rule of the values of others; -1: there are none
   */
  Automaton object(List<Member> members, int extra) {
    long optional = members.stream().filter(member -> !member.required()).count();
    if (optional > Limits.OPTIONAL_PROPERTIES) {
      throw new ConstraintException("an object has " + optional + " properties that are not required; at most " + Limits.OPTIONAL_PROPERTIES + " are taken");
    }
    boolean byRule = optional > 40;
    Graph graph = new Graph();
    int none = graph.call(graph.text(0, "{"), space()); // no member yet
    int some = graph.state(); // members before
    for (Member member : members) {
      int rule = byRule ? memberRule(member) : -1;
      int after = graph.state();
      graph.free(member(graph, none, member, rule), after);
      graph.free(member(graph, comma(graph, some), member, rule), after);
      int noneAfter = graph.state();
      if (!member.required()) {
        graph.free(none, noneAfter);
        graph.free(some, after);
      }
      none = noneAfter;
      some = after;
    }
    if (extra >= 0) {
      int key = key(members.stream().map(Member::name).toList());
      graph.free(value(graph, graph.call(none, key), extra), some);
      graph.free(value(graph, graph.call(comma(graph, some), key), extra), some);
    }
    int close = graph.call(some, space());
    graph.free(none, close);
    graph.accept(graph.text(close, "}"));
    return Automatons.deterministic(graph.finish(), "an object");
  }

  private int memberRule(Member member) {
    return once(member, () -> {
      Graph graph = new Graph();
      graph.accept(member(graph, 0, member, -1));
      return grammar.add("the property " + member.name(), Automatons.deterministic(graph.finish(), "a property"));
    });
  }

  private int member(Graph graph, int from, Member member, int rule) {
    return rule >= 0 ? graph.call(from, rule) : value(graph, graph.text(from, quoted(member.name())), member.value());
  }

  private int comma(Graph graph, int from) {
    return graph.call(graph.text(from, ","), space());
  }

  /** Colon and value. */
  private int value(Graph graph, int from, int rule) {
    int colon = graph.text(from, " ");
    graph.free(from, colon);
    return graph.call(graph.call(graph.text(colon, ":"), space()), rule);
  }

  /**
   * An array.
   *
   * @param first rules of its first elements  @param rest of the others; -1: there are none
   * @param max -1: no most
   */
  Automaton array(List<Integer> first, int rest, int min, int max) {
    Graph graph = new Graph();
    int at = graph.call(graph.text(0, "["), space());
    int before = graph.state();
    int close = graph.text(before, "]");
    graph.accept(close);
    if (min == 0) {
      graph.free(at, before);
    }
    int most = rest < 0 ? first.size() : Integer.MAX_VALUE;
    most = max < 0 ? most : Math.min(most, max);
    int loop = Math.max(first.size(), min);
    for (int i = 0; i < most; i++) {
      int element = graph.call(i == 0 ? at : comma(graph, at), i < first.size() ? first.get(i) : rest);
      at = element;
      if (i + 1 >= min) {
        graph.edge(at, Grammar.CALL + space(), before);
      }
      if (most == Integer.MAX_VALUE && i + 1 >= Math.max(1, loop)) {
        graph.free(graph.call(comma(graph, at), rest), at);
        break;
      }
    }
    return Automatons.deterministic(graph.finish(), "an array");
  }

  /** Appends a value as a schema gives it, with room for white space. */
  int literal(Graph graph, int from, JsonNode value) {
    if (value.isObject()) {
      int at = graph.call(graph.text(from, "{"), space());
      boolean first = true;
      for (Map.Entry<String, JsonNode> entry : value.properties()) {
        int key = graph.text(first ? at : comma(graph, at), quoted(entry.getKey()));
        int colon = graph.text(key, " ");
        graph.free(key, colon);
        at = literal(graph, graph.call(graph.text(colon, ":"), space()), entry.getValue());
        first = false;
      }
      return graph.text(first ? at : graph.call(at, space()), "}");
    }
    if (value.isArray()) {
      int at = graph.call(graph.text(from, "["), space());
      boolean first = true;
      for (JsonNode item : value) {
        at = literal(graph, first ? at : comma(graph, at), item);
        first = false;
      }
      return graph.text(first ? at : graph.call(at, space()), "]");
    }
    return graph.text(from, value.isTextual() ? quoted(value.textValue()) : value.toString());
  }

  private static String quoted(String text) {
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
  }
}
