package dev.graft.eval.judge;

import java.text.Normalizer;
import java.util.Locale;

/** Text without what does not matter when answers are compared. */
public final class PlainText {
  private PlainText() {}

  /**
   * Compatibility composition (NFKC), lower case, every run of characters that are neither letters, marks nor digits as one space, none
   * at the ends: {@code " No, UTI!"} becomes {@code "no uti"}.
   */
  public static String of(String text) {
    String lower = Normalizer.normalize(text, Normalizer.Form.NFKC).toLowerCase(Locale.ROOT);
    return lower.replaceAll("[^\\p{L}\\p{M}\\p{N}]+", " ").strip();
  }

  /** Where {@code words} stands in {@code text} as whole words (both made by {@link #of}), from a place on, or -1. */
  public static int find(String text, String words, int from) {
    for (int at = text.indexOf(words, from); at >= 0; at = text.indexOf(words, at + 1)) {
      int end = at + words.length();
      if ((at == 0 || text.charAt(at - 1) == ' ') && (end == text.length() || text.charAt(end) == ' ')) {
        return at;
      }
    }
    return -1;
  }
}
