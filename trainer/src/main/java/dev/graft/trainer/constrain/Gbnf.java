package dev.graft.trainer.constrain;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Grammars in llama.cpp's notation (GBNF): rules {@code name ::= ...}, literals {@code "..."}, classes {@code [a-z] [^...]}, {@code .} (any character), groups, alternatives, {@code * + ? {n} {n,} {n,m}},
 * comments {@code # ...}, escapes {@code \n \r \t \\ \" \[ \] \xHH \\uHHHH \UHHHHHHHH}. A rule goes on in the next line within a group, after {@code |}, and until another rule begins.
 * The answer is what {@code root} describes. Rules that begin with themselves are an error, as in llama.cpp.
 */
final class Gbnf {
  private final String text;
  private final Grammar grammar;
  private final Map<String, Integer> rules = new LinkedHashMap<>();
  private final Map<String, Expr> bodies = new HashMap<>();
  private int at;
  private int depth;

  private Gbnf(String text, Grammar grammar) {
    this.text = text;
    this.grammar = grammar;
  }

  /** Adds a grammar's rules. @return the root rule @throws ConstraintException saying in which line */
  static int read(String text, Grammar grammar) {
    if (text.length() > Limits.TEXT) {
      throw new ConstraintException("grammar of " + text.length() + " characters; at most " + Limits.TEXT + " are taken");
    }
    return new Gbnf(text, grammar).read();
  }

  private int read() {
    for (space(true); at < text.length(); space(true)) {
      String name = name();
      space(true);
      if (!text.startsWith("::=", at)) {
        throw bad("::= expected after " + name);
      }
      at += 3;
      rule(name);
      if (bodies.putIfAbsent(name, alternatives()) != null) {
        throw bad("the rule " + name + " is there twice");
      }
    }
    if (!bodies.containsKey("root")) {
      throw new ConstraintException("grammar: there is no rule named root, which is where answers begin");
    }
    rules.forEach((name, rule) -> {
      Expr body = bodies.get(name);
      if (body == null) {
        throw new ConstraintException("grammar: there is no rule named " + name);
      }
      Graph graph = new Graph();
      graph.accept(body.append(graph, 0, true));
      grammar.define(rule, Automatons.deterministic(graph.finish(), "the rule " + name));
    });
    return rules.get("root");
  }

  private int rule(String name) {
    return rules.computeIfAbsent(name, key -> grammar.declare("the rule " + key));
  }

  private Expr alternatives() {
    if (++depth > Limits.EXPRESSION_DEPTH) {
      throw bad("more than " + Limits.EXPRESSION_DEPTH + " groups within each other");
    }
    List<Expr> all = new ArrayList<>();
    all.add(sequence());
    while (take('|')) {
      all.add(sequence());
    }
    depth--;
    Expr expr = new Expr.Alt(all);
    if (expr.size() > Limits.EXPRESSION_SIZE) {
      throw bad("a rule is too large: with its repetitions written out it has more than " + Limits.EXPRESSION_SIZE + " characters");
    }
    return expr;
  }

  private Expr sequence() {
    List<Expr> items = new ArrayList<>();
    for (space(true); at < text.length() && "|)".indexOf(text.charAt(at)) < 0 && !ruleBegins(); space(true)) {
      items.add(repeated(item()));
    }
    return new Expr.Seq(items);
  }

  /** Whether {@code name ::=} stands here. */
  private boolean ruleBegins() {
    int here = at;
    while (at < text.length() && isName(text.charAt(at))) {
      at++;
    }
    boolean named = at > here;
    space(true);
    boolean begins = named && text.startsWith("::=", at);
    at = here;
    return begins;
  }

  private Expr repeated(Expr item) {
    Expr expr = item;
    for (space(false); at < text.length() && "*+?{".indexOf(text.charAt(at)) >= 0; space(false)) {
      char c = text.charAt(at++);
      int min = c == '+' ? 1 : 0;
      int max = c == '?' ? 1 : -1;
      if (c == '{') {
        min = number();
        max = min;
        if (take(',')) {
          space(false);
          max = at < text.length() && Character.isDigit(text.charAt(at)) ? number() : -1;
        }
        if (!take('}') || max >= 0 && max < min) {
          throw bad("{n}, {n,} or {n,m} expected");
        }
      }
      expr = new Expr.Repeat(expr, min, max);
      if (expr.size() > Limits.EXPRESSION_SIZE) {
        throw bad("repeated too often: written out it has more than " + Limits.EXPRESSION_SIZE + " characters");
      }
    }
    return expr;
  }

  private int number() {
    space(false);
    int start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    if (start == at || at - start > 7) {
      throw bad("a number of at most 7 digits expected");
    }
    return Integer.parseInt(text.substring(start, at));
  }

  private Expr item() {
    char c = text.charAt(at);
    if (c == '"') {
      at++;
      List<Expr> items = new ArrayList<>();
      while (!closes('"')) {
        items.add(new Expr.Chars(CharSet.of(character())));
      }
      return new Expr.Seq(items);
    }
    if (c == '[') {
      at++;
      return new Expr.Chars(bracket());
    }
    if (c == '.') {
      at++;
      return new Expr.Chars(CharSet.ALL);
    }
    if (c == '(') {
      at++;
      Expr inner = alternatives();
      if (!take(')')) {
        throw bad("'(' without ')'");
      }
      return inner;
    }
    return new Expr.Call(rule(name()));
  }

  private CharSet bracket() {
    boolean not = at < text.length() && text.charAt(at) == '^';
    at += not ? 1 : 0;
    List<CharSet> parts = new ArrayList<>();
    while (!closes(']')) {
      int first = character();
      int last = first;
      if (at + 1 < text.length() && text.charAt(at) == '-' && text.charAt(at + 1) != ']') {
        at++;
        last = character();
      }
      if (last < first) {
        throw bad("a range whose first character comes after its last");
      }
      parts.add(CharSet.of(first, last));
    }
    CharSet set = CharSet.union(parts);
    return not ? set.not() : set;
  }

  private int character() {
    int c = text.codePointAt(at);
    at += Character.charCount(c);
    if (c == '\\') {
      if (at == text.length()) {
        throw bad("'\\' with nothing after it");
      }
      char e = text.charAt(at++);
      int digits = e == 'x' ? 2 : e == 'u' ? 4 : e == 'U' ? 8 : 0;
      int simple = "nrt\\\"[]".indexOf(e);
      if (digits > 0) {
        c = hex(digits);
      } else if (simple >= 0) {
        c = "\n\r\t\\\"[]".charAt(simple);
      } else {
        throw bad("the escape \\" + e + " is not supported");
      }
    }
    if (c > Character.MAX_CODE_POINT || c < 0 || c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
      throw bad("no Unicode character has this number");
    }
    return c;
  }

  private int hex(int digits) {
    String value = text.substring(at, Math.min(text.length(), at + digits));
    if (value.length() < digits || !value.matches("[0-9A-Fa-f]+")) {
      throw bad(digits + " hexadecimal digits expected");
    }
    at += digits;
    return (int) Math.min(Long.parseLong(value, 16), Integer.MAX_VALUE);
  }

  private String name() {
    int start = at;
    while (at < text.length() && isName(text.charAt(at))) {
      at++;
    }
    if (start == at) {
      throw bad("a rule's name expected, not " + text.substring(at, Math.min(text.length(), at + 10)));
    }
    return text.substring(start, at);
  }

  private static boolean isName(char c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_';
  }

  private void space(boolean lines) {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '#') {
        while (at < text.length() && text.charAt(at) != '\n') {
          at++;
        }
      } else if (c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r')) {
        at++;
      } else {
        return;
      }
    }
  }

  private boolean take(char c) {
    space(true);
    return at < text.length() && text.charAt(at) == c && at++ >= 0;
  }

  /** As {@link #take} without white space before, and the text must not end. */
  private boolean closes(char c) {
    if (at == text.length()) {
      throw bad("'" + c + "' expected before the end");
    }
    return text.charAt(at) == c && at++ >= 0;
  }

  private ConstraintException bad(String what) {
    int line = 1 + (int) text.substring(0, Math.min(at, text.length())).chars().filter(c -> c == '\n').count();
    return new ConstraintException("grammar, line " + line + ": " + what);
  }
}
