package dev.graft.trainer.constrain;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Reads a regular expression; {@link Regex} says which. One use. */
final class RegexParser {
  static final CharSet DIGIT = CharSet.of('0', '9');
  private static final CharSet WORD = CharSet.union(List.of(DIGIT, CharSet.of('A', 'Z'), CharSet.of('a', 'z'), CharSet.of('_')));
  private static final CharSet SPACE = CharSet.anyOf(" \t\n\r\f\u000B");
  private static final CharSet LINE = CharSet.anyOf("\n\r\u0085\u2028\u2029").not();
  private static final Map<Character, CharSet> CLASSES =
      Map.of('d', DIGIT, 'D', DIGIT.not(), 'w', WORD, 'W', WORD.not(), 's', SPACE, 'S', SPACE.not());
  private static final Map<Character, Character> CONTROLS = Map.of('t', '\t', 'n', '\n', 'r', '\r', 'f', '\f', 'v', '\u000B', '0', '\0');

  private final String text;
  private int at;
  private int depth;

  private RegexParser(String text) {
    this.text = text;
  }

  /** @throws ConstraintException saying at which character, from 0 */
  static Expr parse(String text) {
    if (text.length() > Limits.TEXT) {
      throw new ConstraintException("regular expression of " + text.length() + " characters; at most " + Limits.TEXT + " are taken");
    }
    RegexParser parser = new RegexParser(text);
    Expr expr = parser.alternatives();
    if (parser.at < text.length()) {
      throw parser.bad("')' without '('; write \\) for the character");
    }
    if (expr.size() > Limits.EXPRESSION_SIZE) {
      throw new ConstraintException("regular expression is too large: with its repetitions written out it has more than " + Limits.EXPRESSION_SIZE + " characters; repeat fewer times");
    }
    return expr;
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
    return all.size() == 1 ? all.get(0) : new Expr.Alt(all);
  }

  private Expr sequence() {
    List<Expr> items = new ArrayList<>();
    while (at < text.length() && peek() != '|' && peek() != ')') {
      items.add(repeated());
    }
    return items.size() == 1 ? items.get(0) : new Expr.Seq(items);
  }

  private Expr repeated() {
    int start = at;
    Expr item = item();
    boolean again = false;
    while (at < text.length()) {
      int before = at;
      int[] range = quantifier();
      if (range == null) {
        break;
      }
      if (again) {
        at = before;
        throw bad("a second quantifier; put a group around the first");
      }
      if (item.hasAnchor()) {
        at = start;
        throw bad("an anchor cannot be repeated");
      }
      again = true;
      if (at < text.length() && peek() == '+') {
        throw bad("possessive quantifiers are not supported");
      }
      take('?'); // lazy: the same texts
      item = new Expr.Repeat(item, range[0], range[1]);
      if (item.size() > Limits.EXPRESSION_SIZE) {
        at = before;
        throw bad("repeated too often: written out it has more than " + Limits.EXPRESSION_SIZE + " characters");
      }
    }
    return item;
  }

  /** Least and most (-1: no most), or null when none stands here. */
  private int[] quantifier() {
    switch (peek()) {
      case '*':
        at++;
        return new int[] {0, -1};
      case '+':
        at++;
        return new int[] {1, -1};
      case '?':
        at++;
        return new int[] {0, 1};
      case '{':
        return counts();
      default:
        return null;
    }
  }

  private int[] counts() {
    int start = at++;
    int min = number();
    int max = min;
    if (take(',')) {
      max = number();
      if (min < 0 && max >= 0) {
        at = start;
        throw bad("a repetition without a least number; write {0," + max + "}");
      }
    }
    if (min < 0 || !take('}')) {
      at = start; // not a quantifier: the character itself
      return null;
    }
    if (max >= 0 && max < min) {
      at = start;
      throw bad("a repetition of at least " + min + " and at most " + max);
    }
    return new int[] {min, max};
  }

  /** A number, or -1 when none stands here. */
  private int number() {
    int start = at;
    while (at < text.length() && peek() >= '0' && peek() <= '9') {
      at++;
    }
    return start == at ? -1 : at - start > 7 ? 10_000_000 : Integer.parseInt(text.substring(start, at));
  }

  private Expr item() {
    char c = peek();
    switch (c) {
      case '(':
        return group();
      case '[':
        return new Expr.Chars(bracket());
      case '.':
        at++;
        return new Expr.Chars(LINE);
      case '^', '$':
        at++;
        return new Expr.Anchor(c == '^');
      case '*', '+', '?':
        throw bad("'" + c + "' with nothing before it to repeat; write \\" + c + " for the character");
      case '\\':
        return new Expr.Chars(escape(false));
      default:
        return new Expr.Chars(CharSet.of(codePoint()));
    }
  }

  private Expr group() {
    int start = at++;
    if (take('?')) {
      if (text.startsWith("=", at) || text.startsWith("!", at) || text.startsWith("<=", at) || text.startsWith("<!", at)) {
        at = start;
        throw bad("look-ahead and look-behind are not supported");
      }
      int name = text.startsWith("P<", at) ? at + 2 : text.startsWith("<", at) ? at + 1 : -1;
      if (name >= 0 && text.indexOf('>', name) > name) {
        at = text.indexOf('>', name) + 1;
      } else if (!take(':')) {
        at = start;
        throw bad("groups of this kind (flags, conditions, atoms) are not supported; write (...) or (?:...)");
      }
    }
    Expr inner = alternatives();
    if (!take(')')) {
      at = start;
      throw bad("'(' without ')'; write \\( for the character");
    }
    return inner;
  }

  private CharSet bracket() {
    int start = at++;
    boolean not = take('^');
    List<CharSet> parts = new ArrayList<>();
    while (at < text.length() && peek() != ']') {
      if (text.startsWith("[:", at)) {
        throw bad("classes by name such as [:alpha:] are not supported; write \\p{L}, a-z and the like");
      }
      CharSet first = peek() == '\\' ? escape(true) : CharSet.of(codePoint());
      if (at + 1 < text.length() && peek() == '-' && text.charAt(at + 1) != ']') {
        at++;
        CharSet last = peek() == '\\' ? escape(true) : CharSet.of(codePoint());
        first = range(first, last);
      }
      parts.add(first);
    }
    if (!take(']')) {
      at = start;
      throw bad("'[' without ']'; write \\[ for the character");
    }
    if (parts.isEmpty()) {
      at = start;
      throw bad("an empty class; write \\[ for the character");
    }
    CharSet set = CharSet.union(parts);
    set = not ? set.not() : set;
    if (set.isEmpty()) {
      at = start;
      throw bad("a class that no character is in");
    }
    return set;
  }

  private CharSet range(CharSet first, CharSet last) {
    if (first.ranges() != 1 || first.first(0) != first.last(0) || last.ranges() != 1 || last.first(0) != last.last(0)) {
      throw bad("a range from or to a class; put the '-' last for the character");
    }
    if (first.first(0) > last.first(0)) {
      throw bad("a range whose first character comes after its last");
    }
    return CharSet.of(first.first(0), last.first(0));
  }

  private CharSet escape(boolean inBracket) {
    int start = at++;
    if (at == text.length()) {
      at = start;
      throw bad("'\\' with nothing after it");
    }
    char c = text.charAt(at++);
    if (CLASSES.containsKey(c)) {
      return CLASSES.get(c);
    }
    if (c == '0' && at < text.length() && Character.isDigit(peek())) {
      at = start;
      throw bad("octal escapes are not supported; write \\xHH");
    }
    if (CONTROLS.containsKey(c)) {
      return CharSet.of(CONTROLS.get(c));
    }
    switch (c) {
      case 'x':
        return hex(start, 2);
      case 'u':
        return unicode(start);
      case 'p', 'P':
        return property(start, c == 'P');
      case 'b':
        if (inBracket) {
          return CharSet.of('\b');
        }
        break;
      default:
    }
    if (c >= '1' && c <= '9' || c == 'k') {
      at = start;
      throw bad("back references are not supported");
    }
    if (c == 'b' || c == 'B') {
      at = start;
      throw bad("word boundaries are not supported");
    }
    if (Character.isLetterOrDigit(c)) {
      at = start;
      throw bad("the escape \\" + c + " is not supported");
    }
    at--;
    return CharSet.of(codePoint());
  }

  private CharSet unicode(int start) {
    if (at < text.length() && peek() == '{') {
      int end = text.indexOf('}', at);
      if (end < 0 || end - at > 9) {
        at = start;
        throw bad("\\u{...} wants one to eight hexadecimal digits");
      }
      at++;
      CharSet set = hex(start, end - at);
      at++;
      return set;
    }
    int high = hexValue(start, 4);
    if (Character.isHighSurrogate((char) high) && text.startsWith("\\u", at)) {
      at += 2;
      int low = hexValue(start, 4);
      if (Character.isLowSurrogate((char) low)) {
        return CharSet.of(Character.toCodePoint((char) high, (char) low));
      }
    }
    return scalar(start, high);
  }

  private CharSet hex(int start, int digits) {
    return scalar(start, hexValue(start, digits));
  }

  private int hexValue(int start, int digits) {
    String value = text.substring(at, Math.min(text.length(), at + digits));
    if (value.length() < Math.max(1, digits) || !value.chars().allMatch(c -> Character.digit(c, 16) >= 0 && c < 0x80)) {
      at = start;
      throw bad("hexadecimal digits expected");
    }
    at += digits;
    return (int) Math.min(Long.parseLong(value, 16), Integer.MAX_VALUE);
  }

  private CharSet scalar(int start, int value) {
    if (value > Character.MAX_CODE_POINT || value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE) {
      at = start;
      throw bad("no Unicode character has this number");
    }
    return CharSet.of(value);
  }

  private CharSet property(int start, boolean not) {
    int end = text.indexOf('}', at);
    if (at == text.length() || peek() != '{' || end < 0) {
      at = start;
      throw bad("\\p wants a category in braces, as \\p{L}");
    }
    String name = text.substring(at + 1, end);
    at = end + 1;
    CharSet set = UnicodeCategories.of(name).orElseThrow(() -> {
      at = start;
      return bad("\\p{" + name + "} is not supported; general categories such as L, Lu or Nd are");
    });
    return not ? set.not() : set;
  }

  private int codePoint() {
    int c = text.codePointAt(at);
    if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
      throw bad("half of a surrogate pair");
    }
    at += Character.charCount(c);
    return c;
  }

  private char peek() {
    return text.charAt(at);
  }

  private boolean take(char c) {
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private ConstraintException bad(String what) {
    return new ConstraintException("regular expression, character " + at + ": " + what);
  }
}
