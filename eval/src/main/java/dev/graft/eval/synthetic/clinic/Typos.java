package dev.graft.eval.synthetic.clinic;

import dev.graft.eval.synthetic.Dice;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Slips of the keyboard in a few notes: two letters exchanged, or one left out or doubled. */
final class Typos {
  /** Share of notes with a slip. */
  private static final double NOTES = 0.12;

  private static final Pattern WORD = Pattern.compile("\\b[a-z]{6,}\\b");

  /** Words that frame a symptom, and those for white cells in the urine, stay as they are: no slip changes what the note says. */
  private static final Set<String> KEPT = Set.of("denies", "denied", "without", "negative", "resolved", "absent", "present", "cleared", "settled", "stopped", "treated", "cured",
      "recovered", "longer", "another", "resident", "neighbour", "unchanged", "unlike", "episode", "pyuria", "leukocytes", "leukocyte");

  private Typos() {}

  static String maybe(String text, Dice dice) {
    if (!dice.chance(NOTES)) {
      return text;
    }
    String typed = text;
    for (int i = dice.between(1, 2); i > 0; i--) {
      typed = one(typed, dice);
    }
    return typed;
  }

  private static String one(String text, Dice dice) {
    List<int[]> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(text);
    while (matcher.find()) {
      if (!KEPT.contains(matcher.group())) {
        words.add(new int[] {matcher.start(), matcher.end()});
      }
    }
    if (words.isEmpty()) {
      return text;
    }
    int[] word = dice.pick(words);
    int at = dice.between(word[0] + 1, word[1] - 3);
    char a = text.charAt(at);
    char b = text.charAt(at + 1);
    String slip = switch (dice.below(3)) {
      case 0 -> "" + b + a;
      case 1 -> "" + b;
      default -> "" + a + a + b;
    };
    return text.substring(0, at) + slip + text.substring(at + 2);
  }
}
