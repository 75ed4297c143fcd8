package dev.graft.eval.synthetic.reasoning;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Whom a vignette is about.
 *
 * @param age in {@code unit}s
 * @param unit "week", "month" or "year"
 */
record Patient(int age, String unit, boolean female) {
  static Patient draw(Condition condition, SplittableRandom random) {
    int age = condition.age().draw(random);
    boolean female = switch (condition.sex()) {
      case "female" -> true;
      case "male" -> false;
      default -> random.nextBoolean();
    };
    return new Patient(age, condition.age().unit(), female);
  }

  /** Whole years. */
  int years() {
    return switch (unit) {
      case "week" -> age / 52;
      case "month" -> age / 12;
      default -> age;
    };
  }

  /** A parent speaks for those under 13. */
  boolean child() {
    return years() < 13;
  }

  boolean infant() {
    return years() < 2;
  }

  String noun() {
    if (years() < 18) {
      return female ? "girl" : "boy";
    }
    return female ? "woman" : "man";
  }

  /** {@code 45-year-old}. */
  String aged() {
    return age + "-" + unit + "-old";
  }

  /** {@code 45F}, for clipped notes. */
  String clipped() {
    String between = switch (unit) {
      case "week" -> " wk ";
      case "month" -> " mo ";
      default -> "";
    };
    return age + between + (female ? "F" : "M");
  }

  /** What {@code <he>} and the like stand for. */
  Map<String, String> words() {
    Map<String, String> words = new LinkedHashMap<>();
    words.put("he", female ? "she" : "he");
    words.put("his", female ? "her" : "his");
    words.put("him", female ? "her" : "him");
    words.put("aged", aged());
    words.put("noun", noun());
    return words;
  }
}
