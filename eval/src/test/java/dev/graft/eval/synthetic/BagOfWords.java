package dev.graft.eval.synthetic;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** How far the presence of a single word gives the label away. */
public final class BagOfWords {
  private BagOfWords() {}

  /** The word that separates best, and its accuracy: rows with it on one side, rows without it on the other. */
  public record Best(String word, double accuracy) {}

  /** Tries every word of the fingerprints. */
  public static Best best(List<SyntheticRow> rows, Predicate<SyntheticRow> label) {
    Map<String, int[]> counts = new TreeMap<>();
    int positive = 0;
    for (SyntheticRow row : rows) {
      boolean yes = label.test(row);
      positive += yes ? 1 : 0;
      Set<String> words = new HashSet<>(List.of(ShingleIndex.normalized(row.fingerprint()).split(" ")));
      words.forEach(word -> counts.computeIfAbsent(word, k -> new int[2])[yes ? 0 : 1]++);
    }
    Best best = new Best("", 0);
    for (Map.Entry<String, int[]> entry : counts.entrySet()) {
      double right = (double) (entry.getValue()[0] + (rows.size() - positive) - entry.getValue()[1]) / rows.size();
      double accuracy = Math.max(right, 1 - right);
      best = accuracy > best.accuracy() ? new Best(entry.getKey(), accuracy) : best;
    }
    return best;
  }
}
