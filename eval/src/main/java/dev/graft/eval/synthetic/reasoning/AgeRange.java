package dev.graft.eval.synthetic.reasoning;

import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Ages at which a condition is typical.
 *
 * @param unit "week", "month" or "year"
 * @param low first age
 * @param high last age
 */
record AgeRange(String unit, int low, int high) {
  private static final Pattern TEXT = Pattern.compile("(\\d+)(w|mo|)-(\\d+)\\2");

  /** Reads {@code 45-80}, {@code 9mo-35mo} or {@code 3w-7w}. */
  static AgeRange parse(String text) {
    Matcher range = TEXT.matcher(text);
    if (!range.matches()) {
      throw new IllegalArgumentException("not a range of ages: " + text);
    }
    String unit = switch (range.group(2)) {
      case "w" -> "week";
      case "mo" -> "month";
      default -> "year";
    };
    return new AgeRange(unit, Integer.parseInt(range.group(1)), Integer.parseInt(range.group(3)));
  }

  int draw(SplittableRandom random) {
    return random.nextInt(low, high + 1);
  }
}
