package dev.graft.eval.synthetic.prose;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Expands one line of text. {@code a | b} and {@code {a|b}} are alternatives (they nest, an empty one is allowed), {@code {3..9}} is a
 * whole number, {@code {6.8..9.2}} one with as many decimals as its lower bound, {@code <name>} a named value, itself not expanded. White space
 * around a whole line's alternatives does not count; inside braces it does.
 * Stateless.
 */
public final class Grammar {
  private static final Pattern RANGE = Pattern.compile("(\\d+(?:\\.(\\d+))?)\\.\\.(\\d+(?:\\.\\d+)?)");
  private static final Pattern NAME = Pattern.compile("<([A-Za-z][A-Za-z0-9_]*)>");
  private static final Pattern ARTICLE = Pattern.compile("\\b([Aa]) (?=(?:8\\d?|11|18)(?:[^\\d]|$))");
  private static final Pattern SPACES = Pattern.compile(" {2,}");
  private static final Pattern SPACE_BEFORE = Pattern.compile(" +([.,;:](?:\\s|$))");

  private Grammar() {}

  /**
   * One way of saying {@code text}.
   *
   * @param values what {@code <name>} stands for
   * @param random picks alternatives and numbers
   * @throws IllegalArgumentException naming the text, if a brace has no partner or a name no value
   */
  public static String expand(String text, Map<String, String> values, SplittableRandom random) {
    return named(choose(text, random).strip(), values);
  }

  /** Puts the values in, and chooses nothing. */
  public static String named(String text, Map<String, String> values) {
    Matcher names = NAME.matcher(text);
    StringBuilder out = new StringBuilder();
    while (names.find()) {
      String value = values.get(names.group(1));
      if (value == null) {
        throw new IllegalArgumentException("no value for <" + names.group(1) + "> in: " + text);
      }
      names.appendReplacement(out, Matcher.quoteReplacement(value));
    }
    return names.appendTail(out).toString();
  }

  /** The alternatives of a line that are outside braces, trimmed. */
  public static List<String> alternatives(String text) {
    return split(text).stream().map(String::strip).toList();
  }

  private static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int from = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '{') {
        depth++;
      } else if (c == '}') {
        depth--;
      } else if (c == '|' && depth == 0) {
        parts.add(text.substring(from, i));
        from = i + 1;
      }
      if (depth < 0) {
        throw new IllegalArgumentException("} without { in: " + text);
      }
    }
    if (depth != 0) {
      throw new IllegalArgumentException("{ without } in: " + text);
    }
    parts.add(text.substring(from));
    return parts;
  }

  /**
   * One alternative with its numbers, values not yet put in.
   */
  public static String choose(String text, SplittableRandom random) {
    List<String> parts = split(text);
    return braces(parts.get(random.nextInt(parts.size())), random);
  }

  private static String braces(String text, SplittableRandom random) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) != '{') {
        out.append(text.charAt(i));
        continue;
      }
      int end = i + 1;
      for (int depth = 1; depth > 0; end++) {
        char c = text.charAt(end);
        depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      }
      String inner = text.substring(i + 1, end - 1);
      Matcher range = RANGE.matcher(inner);
      out.append(range.matches() ? number(range, random) : choose(inner, random));
      i = end - 1;
    }
    return out.toString();
  }

  private static String number(Matcher range, SplittableRandom random) {
    int decimals = range.group(2) == null ? 0 : range.group(2).length();
    long unit = Math.round(Math.pow(10, decimals));
    long low = Math.round(Double.parseDouble(range.group(1)) * unit);
    long high = Math.round(Double.parseDouble(range.group(3)) * unit);
    long value = random.nextLong(low, high + 1);
    if (decimals == 0) {
      return Long.toString(value);
    }
    String fraction = Long.toString(value % unit);
    return value / unit + "." + "0".repeat(decimals - fraction.length()) + fraction;
  }

  /** Sets spaces, the article before 8, 11 and 18, and a capital at the start of each sentence right. */
  public static String tidy(String text) {
    String spaced = SPACE_BEFORE.matcher(SPACES.matcher(text).replaceAll(" ")).replaceAll("$1");
    StringBuilder out = new StringBuilder(ARTICLE.matcher(spaced).replaceAll("$1n ").strip());
    boolean start = true;
    for (int i = 0; i < out.length(); i++) {
      char c = out.charAt(i);
      if (start && Character.isLetterOrDigit(c)) {
        out.setCharAt(i, Character.toUpperCase(c));
        start = false;
      } else if ((c == '.' || c == '?') && i + 2 < out.length() && Character.isWhitespace(out.charAt(i + 1))) {
        start = !abbreviation(out, i);
      }
    }
    return out.toString();
  }

  private static boolean abbreviation(CharSequence text, int dot) {
    String before = text.subSequence(Math.max(0, dot - 3), dot).toString();
    return before.endsWith("Mr") || before.endsWith("Mrs") || before.endsWith("Ms") || before.endsWith("Dr");
  }

  /** {@code a, b and c}. */
  public static String list(List<String> items, String conjunction) {
    int last = items.size() - 1;
    if (last <= 0) {
      return String.join("", items);
    }
    return String.join(", ", items.subList(0, last)) + (last > 1 && "or".equals(conjunction) ? ", " : " ") + conjunction + " " + items.get(last);
  }
}
