package dev.graft.eval.synthetic.prose;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Counts words, and makes slips of the typist. */
public final class Words {
  private Words() {}

  /** Runs of anything but white space that hold a letter or a digit. */
  public static int count(String text) {
    int words = 0;
    for (String word : text.split("\\s+")) {
      words += word.chars().anyMatch(Character::isLetterOrDigit) ? 1 : 0;
    }
    return words;
  }

  /**
   * Slips in {@code slips} long words: two neighbours swapped, a letter lost or doubled. Only words of seven or more lower-case
   * letters change, so no number, unit, abbreviation or name does.
   *
   * @param spared words that must stay as they are: a text that contains them, lower case
   */
  public static String mistype(String text, int slips, String spared, SplittableRandom random) {
    List<int[]> words = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= text.length(); i++) {
      boolean letter = i < text.length() && text.charAt(i) >= 'a' && text.charAt(i) <= 'z';
      if (!letter) {
        boolean alone = from == 0 || " (\n".indexOf(text.charAt(from - 1)) >= 0;
        if (i - from >= 7 && alone && !spared.contains(text.substring(from, i))) {
          words.add(new int[] {from, i});
        }
        from = i + 1;
      }
    }
    StringBuilder out = new StringBuilder(text);
    List<int[]> hit = Chance.some(words, slips, random);
    hit.sort((a, b) -> Integer.compare(b[0], a[0]));
    for (int[] word : hit) {
      int at = word[0] + 1 + random.nextInt(word[1] - word[0] - 3);
      switch (random.nextInt(3)) {
        case 0 -> {
          char c = out.charAt(at);
          out.setCharAt(at, out.charAt(at + 1));
          out.setCharAt(at + 1, c);
        }
        case 1 -> out.deleteCharAt(at);
        default -> out.insert(at, out.charAt(at));
      }
    }
    return out.toString();
  }
}
