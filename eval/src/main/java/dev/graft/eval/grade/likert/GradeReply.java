package dev.graft.eval.grade.likert;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a grade from 1 to 5 out of a judge's words, or nothing where it is in doubt. */
final class GradeReply {
  private static final Pattern THOUGHTS = Pattern.compile("(?s)<think(?:ing)?>.*?</think(?:ing)?>");
  private static final Pattern SCALE = Pattern.compile("(?i)\\s*(?:/|\\bout of\\b)\\s*5(?:\\.0)?\\b|\\b1\\s*(?:-|\u2013|to|through|and)\\s*5\\b|\\bfive-point\\b|\\b5-point\\b");
  private static final Pattern NAMED = Pattern.compile("(?i)[\"'*]*\\b(?:grade|score|rating)\\b[\"'*]*\\s*(?::|=|is|of)?\\s*[\"'*]*([0-9]+(?:\\.[0-9]+)?)");
  private static final Pattern NUMBER = Pattern.compile("(?<![\\p{L}\\p{N}.,-])[0-9]+(?:[.,][0-9]+)?(?![\\p{L}\\p{N}])");

  private GradeReply() {}

  /**
   * The grade: the only number in the reply ("4", "4.0", "4/5"); else the only one after "grade", "score" or "rating". Words that name the
   * scale ("out of 5", "1 to 5") and thoughts in {@code <think>} do not count. Several different numbers, fractions and other numbers are no grade.
   */
  static OptionalInt read(String reply) {
    String text = SCALE.matcher(THOUGHTS.matcher(reply).replaceAll(" ")).replaceAll(" ");
    OptionalInt only = only(NUMBER.matcher(text), 0);
    return only.isPresent() ? only : only(NAMED.matcher(text), 1);
  }

  private static OptionalInt only(Matcher matcher, int group) {
    double found = Double.NaN;
    while (matcher.find()) {
      double value = Double.parseDouble(matcher.group(group).replace(',', '.'));
      if (!Double.isNaN(found) && value != found) {
        return OptionalInt.empty();
      }
      found = value;
    }
    return found >= 1 && found <= 5 && found == Math.rint(found) ? OptionalInt.of((int) found) : OptionalInt.empty();
  }
}
