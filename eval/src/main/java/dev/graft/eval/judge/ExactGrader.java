package dev.graft.eval.judge;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Right is what equals the gold answer but for case, white space and punctuation (where nothing else is left of one: but for white space at
 * the ends). An answer's label is the gold answer, of any row, that it equals, or null.
 */
public final class ExactGrader implements Grader {
  private final Map<String, String> known = new LinkedHashMap<>();

  /** @param golds the right answers of all rows */
  public ExactGrader(List<String> golds) {
    golds.forEach(gold -> known.putIfAbsent(key(gold), gold));
  }

  @Override
  public String gold(String text) {
    return known.get(key(text));
  }

  @Override
  public Verdict grade(TestRow row, String answer) {
    String label = known.get(key(answer));
    return new Verdict(label, row.gold().equals(label) ? 1 : 0);
  }

  /** A blank keeps bare punctuation apart from words. */
  private static String key(String text) {
    String plain = PlainText.of(text);
    return plain.isEmpty() ? " " + text.strip() : plain;
  }
}
