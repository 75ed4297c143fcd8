package dev.graft.eval.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** "Did you mean": names close to a mistyped one, by optimal string alignment distance (Levenshtein with transpositions). */
final class NearMatches {
  private NearMatches() {}

  /** The nearest names, three at most; dashes in front do not count. Empty when nothing is near. */
  static List<String> of(String typed, Collection<String> names) {
    String wanted = plain(typed);
    record Scored(String name, int distance) {}
    List<Scored> near =
        names.stream()
            .distinct()
            .map(name -> new Scored(name, score(wanted, plain(name))))
            .filter(scored -> scored.distance <= Math.max(1, wanted.length() / 3))
            .sorted(Comparator.comparingInt(Scored::distance).thenComparing(Scored::name))
            .toList();
    return near.stream().filter(scored -> scored.distance == near.get(0).distance).limit(3).map(Scored::name).toList();
  }

  /** {@code "; did you mean a or b?"}, or the empty string. */
  static String hint(String typed, Collection<String> names) {
    List<String> near = of(typed, names);
    return near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?";
  }

  private static String plain(String name) {
    return name.replaceFirst("^-+", "").replace('_', '-').toLowerCase(Locale.ROOT);
  }

  private static int score(String typed, String name) {
    boolean part = typed.length() >= 3 && (name.startsWith(typed) || name.endsWith("-" + typed));
    return part ? Math.min(1, distance(typed, name)) : distance(typed, name);
  }

  static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(Math.min(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + substitution);
        if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
