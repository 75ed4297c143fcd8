package dev.graft.eval.synthetic;

import java.util.List;

/** The four splits of a data set, in the order in which their rows are made. */
public enum Split {
  TRAIN,
  EVAL,
  DEV,
  TEST;

  /** As files name it: {@code train}. */
  public String fileName() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /**
   * Scales the study's splits to {@code n} rows in all, by largest remainders.
   *
   * @throws DataSetException when a split would be left without a row
   */
  public static int[] scaled(int[] study, int n) {
    int total = java.util.Arrays.stream(study).sum();
    int[] counts = counts(study, total, n);
    if (java.util.Arrays.stream(counts).anyMatch(c -> c == 0)) {
      int least = study.length;
      while (java.util.Arrays.stream(counts(study, total, least)).anyMatch(c -> c == 0)) {
        least++;
      }
      throw new DataSetException("--n " + n + " is too small: train, eval, dev and test need a row each; give at least " + least, true);
    }
    return counts;
  }

  private static int[] counts(int[] study, int total, int n) {
    int[] counts = new int[study.length];
    int left = n;
    for (int i = 0; i < study.length; i++) {
      counts[i] = (int) ((long) n * study[i] / total);
      left -= counts[i];
    }
    List<Integer> byRemainder = new java.util.ArrayList<>(List.of(0, 1, 2, 3));
    byRemainder.sort(java.util.Comparator.comparingLong((Integer i) -> -((long) n * study[i] % total)).thenComparing(i -> i));
    for (int i = 0; i < left; i++) {
      counts[byRemainder.get(i)]++;
    }
    return counts;
  }
}
