package dev.graft.eval.synthetic;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The rows of a task in their splits. No two rows have the same fingerprint, and none of one split is nearly alike to a row of
 * another: whichever came later was made anew.
 *
 * @param rows of each split
 * @param leakage what the search for near duplicates found
 */
public record DataSet(String task, long seed, Map<Split, List<SyntheticRow>> rows, Leakage leakage) {
  /** Jaccard similarity of word 5-shingles above which two rows are nearly alike. */
  public static final double NEARLY_ALIKE = 0.6;

  private static final int ATTEMPTS = 200;

  /**
   * What the search for near duplicates found.
   *
   * @param threshold similarity above which a row was made anew
   * @param remadeAsExact rows made anew because their text was there already
   * @param remadeAsNear rows made anew because a row of another split was nearly alike
   * @param highestLeft the highest similarity of two rows of different splits that is left
   */
  public record Leakage(double threshold, int remadeAsExact, int remadeAsNear, double highestLeft) {}

  /**
   * Makes a data set.
   *
   * @param n rows in all
   * @throws DataSetException when n is too small for the splits, or the task has not so many different rows
   */
  public static DataSet make(SyntheticTask task, int n, long seed) {
    return make(task, Split.scaled(task.studySplits(), n), seed);
  }

  /**
   * Makes a data set with splits of these sizes.
   *
   * @param counts rows of each split, in their order; each at least 1
   * @throws DataSetException when the task has not so many different rows
   */
  public static DataSet make(SyntheticTask task, int[] counts, long seed) {
    int n = java.util.Arrays.stream(counts).sum();
    Map<Split, List<SyntheticRow>> rows = new EnumMap<>(Split.class);
    ShingleIndex index = new ShingleIndex();
    Set<String> texts = new HashSet<>();
    int exact = 0;
    int near = 0;
    double highest = 0;
    int row = 0;
    for (Split split : Split.values()) {
      List<SyntheticRow> made = new ArrayList<>();
      for (int i = 0; i < counts[split.ordinal()]; i++, row++) {
        for (int attempt = 0; ; attempt++) {
          if (attempt == ATTEMPTS) {
            throw new DataSetException("task " + task.name() + " has not enough different rows for --n " + n + " (row " + row + " came out like an earlier one "
                + ATTEMPTS + " times); give a smaller --n", false);
          }
          SyntheticRow candidate = task.make(row, Dice.stream(task.name(), seed, row, attempt));
          if (texts.contains(ShingleIndex.normalized(candidate.fingerprint()))) {
            exact++;
            continue;
          }
          double similarity = index.nearestOutside(candidate.fingerprint(), split.ordinal()).similarity();
          if (similarity > NEARLY_ALIKE) {
            near++;
            continue;
          }
          highest = Math.max(highest, similarity);
          texts.add(ShingleIndex.normalized(candidate.fingerprint()));
          index.add(candidate.fingerprint(), split.ordinal());
          made.add(candidate);
          break;
        }
      }
      rows.put(split, made);
    }
    return new DataSet(task.name(), seed, rows, new Leakage(NEARLY_ALIKE, exact, near, highest));
  }

  /** Rows of all splits together. */
  public int size() {
    return rows.values().stream().mapToInt(List::size).sum();
  }
}
