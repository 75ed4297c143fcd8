package dev.graft.eval.synthetic;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * A context-free grammar of texts, read from a resource. A rule is {@code [name]} and below it one alternative a line; {@code #}
 * starts a comment line. Within an alternative: <code>{a|b}</code> is one of several, <code>{a|}</code> may be nothing, {@code <3-14>}
 * a whole number of that range, {@code $name} a slot of the caller's or else another rule. Immutable: any thread.
 */
public final class Grammar {
  private static final Pattern RANGE = Pattern.compile("<\\d+-\\d+>");

  private final String source;
  private final Map<String, List<String>> rules;

  private Grammar(String source, Map<String, List<String>> rules) {
    this.source = source;
    this.rules = rules;
  }

  /** Reads resources that lie beside a class; later ones add alternatives. */
  public static Grammar load(Class<?> beside, String... names) {
    Map<String, List<String>> rules = new LinkedHashMap<>();
    for (String name : names) {
      List<String> rule = null;
      for (String line : lines(beside, name)) {
        if (line.startsWith("[") && line.endsWith("]")) {
          rule = rules.computeIfAbsent(line.substring(1, line.length() - 1), k -> new ArrayList<>());
        } else if (rule == null) {
          throw new IllegalStateException(name + ": a line before the first [rule]: " + line);
        } else {
          rule.add(line);
        }
      }
    }
    return new Grammar(String.join(", ", names), rules);
  }

  /** Lines of a resource, without comments and empty ones. */
  public static List<String> lines(Class<?> beside, String name) {
    try (InputStream in = beside.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the resource " + name + " is missing beside " + beside.getName());
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().map(String::strip).filter(l -> !l.isEmpty() && !l.startsWith("#")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Names of the rules, in the order of the resource. */
  public List<String> names() {
    return List.copyOf(rules.keySet());
  }

  /** True when there is such a rule. */
  public boolean has(String rule) {
    return rules.containsKey(rule);
  }

  /** The alternatives of a rule, as written. */
  public List<String> alternatives(String rule) {
    List<String> found = rules.get(rule);
    if (found == null) {
      throw new IllegalStateException(source + ": there is no rule [" + rule + "]");
    }
    return found;
  }

  /** A text of the rule, without slots. */
  public String say(String rule, Dice dice) {
    return say(rule, dice, name -> null);
  }

  /** A text of the rule; {@code slots} gives a slot's text, or null to let a rule of that name speak. */
  public String say(String rule, Dice dice, Function<String, String> slots) {
    return expand(dice.pick(alternatives(rule)), dice, slots);
  }

  /** Expands an alternative that is not in the grammar. */
  public String expand(String pattern, Dice dice, Function<String, String> slots) {
    return new Expansion(pattern, dice, slots).all();
  }

  /** One alternative being expanded. */
  private final class Expansion {
    private final String pattern;
    private final Dice dice;
    private final Function<String, String> slots;
    private int at;

    Expansion(String pattern, Dice dice, Function<String, String> slots) {
      this.pattern = pattern;
      this.dice = dice;
      this.slots = slots;
    }

    String all() {
      StringBuilder out = new StringBuilder();
      while (at < pattern.length()) {
        char c = pattern.charAt(at);
        if (c == '{') {
          at++;
          out.append(new Expansion(dice.pick(choices()), dice, slots).all());
        } else if (c == '$') {
          at++;
          out.append(slot());
        } else if (c == '<' && RANGE.matcher(pattern).region(at, pattern.length()).lookingAt()) {
          out.append(number());
        } else {
          out.append(c);
          at++;
        }
      }
      return out.toString();
    }

    private List<String> choices() {
      List<String> choices = new ArrayList<>();
      int depth = 1;
      int from = at;
      for (; at < pattern.length(); at++) {
        char c = pattern.charAt(at);
        depth += c == '{' ? 1 : c == '}' ? -1 : 0;
        if (depth == 0 || depth == 1 && c == '|') {
          choices.add(pattern.substring(from, at));
          from = at + 1;
        }
        if (depth == 0) {
          at++;
          return choices;
        }
      }
      throw new IllegalStateException(source + ": a { without its }: " + pattern);
    }

    private String slot() {
      int from = at;
      while (at < pattern.length() && (Character.isLetterOrDigit(pattern.charAt(at)) || pattern.charAt(at) == '_')) {
        at++;
      }
      String name = pattern.substring(from, at);
      String given = slots.apply(name);
      return given != null ? given : say(name, dice, slots);
    }

    private int number() {
      int end = pattern.indexOf('>', at);
      String[] range = pattern.substring(at + 1, end).split("-");
      at = end + 1;
      return dice.between(Integer.parseInt(range[0]), Integer.parseInt(range[1]));
    }
  }
}
