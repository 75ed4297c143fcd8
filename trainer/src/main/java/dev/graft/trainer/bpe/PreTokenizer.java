package dev.graft.trainer.bpe;

/**
 * Splits text into the words that merges never cross, as llama.cpp's {@code llama-bpe} does, which is Llama 3's expression:
 *
 * <pre>(?i:'s|'t|'re|'ve|'m|'ll|'d) | [^\r\n\p{L}\p{N}]?\p{L}+ | \p{N}{1,3} | ?[^\s\p{L}\p{N}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+</pre>
 *
 * <p>Chosen over {@code gpt-2} and {@code qwen2}, which llama.cpp knows too: it keeps line ends and indentation in one token each, where
 * {@code gpt-2} spends one a line end; and llama.cpp has it as code of linear time, where {@code qwen2} runs a backtracking expression,
 * whose stack a long line overflows. What {@code qwen2} does better, one token a digit, is done in learning: see {@link WordCounts}.
 */
final class PreTokenizer {
  /** The name that llama.cpp knows it by. */
  static final String NAME = "llama-bpe";

  private static final int DIGITS = 3;

  private PreTokenizer() {}

  /**
   * End of the word that begins at a place in the text.
   *
   * @param at below the length, and a place that this gave before, or 0
   */
  static int end(String text, int at) {
    int first = text.codePointAt(at);
    if (first == '\'') {
      int contraction = contraction(text, at + 1);
      if (contraction > 0) {
        return at + 1 + contraction;
      }
    }
    byte kind = CharacterClasses.of(first);
    int second = at + Character.charCount(first);
    if (kind == CharacterClasses.LETTER || kind != CharacterClasses.NUMBER && first != '\r' && first != '\n' && is(text, second, CharacterClasses.LETTER)) {
      return run(text, second, CharacterClasses.LETTER, Integer.MAX_VALUE);
    } else if (kind == CharacterClasses.NUMBER) {
      return run(text, second, CharacterClasses.NUMBER, DIGITS - 1);
    }
    int sign = first == ' ' ? second : at;
    if (is(text, sign, CharacterClasses.OTHER)) {
      return lineEnds(text, run(text, sign, CharacterClasses.OTHER, Integer.MAX_VALUE));
    }
    return space(text, at);
  }

  /** Characters of {@code s}, {@code t}, {@code re}, ... behind an apostrophe, or 0. */
  private static int contraction(String text, int at) {
    char first = lower(text, at);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return 1;
    }
    char second = lower(text, at + 1);
    return first == 'r' && second == 'e' || first == 'v' && second == 'e' || first == 'l' && second == 'l' ? 2 : 0;
  }

  private static char lower(String text, int at) {
    char c = at < text.length() ? text.charAt(at) : 0;
    return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
  }

  private static boolean is(String text, int at, byte kind) {
    return at < text.length() && CharacterClasses.of(text.codePointAt(at)) == kind;
  }

  private static int run(String text, int from, byte kind, int most) {
    int at = from;
    for (int count = 0; count < most && at < text.length(); count++) {
      int c = text.codePointAt(at);
      if (CharacterClasses.of(c) != kind) {
        break;
      }
      at += Character.charCount(c);
    }
    return at;
  }

  private static int lineEnds(String text, int from) {
    int at = from;
    while (at < text.length() && (text.charAt(at) == '\r' || text.charAt(at) == '\n')) {
      at++;
    }
    return at;
  }

  /** White space up to its last line end; without one, all of it, but for the last character before a word. */
  private static int space(String text, int from) {
    int at = from;
    int lineEnd = 0;
    while (at < text.length() && CharacterClasses.of(text.charAt(at)) == CharacterClasses.SPACE) { // none lies beyond the basic plane
      char c = text.charAt(at++);
      lineEnd = c == '\r' || c == '\n' ? at : lineEnd;
    }
    if (lineEnd > 0) {
      return lineEnd;
    }
    return at < text.length() && at - from > 1 ? at - 1 : at;
  }
}
