package dev.graft.eval.statistics;

import java.util.Arrays;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Agreement of two graders beyond chance: Cohen's kappa (Cohen 1960, "A coefficient of agreement for nominal scales"), and the one weighted by
 * the square of the distance between grades (Cohen 1968, "Weighted kappa"). The standard error is that of Fleiss, Cohen and Everitt 1969,
 * "Large sample standard errors of kappa and weighted kappa", for a kappa that is not 0; the interval is kappa ± 1.96 of it, cut at −1 and 1.
 *
 * @param n things that both graded
 * @param agreement share of them with the same grade
 * @param kappa unweighted, or null where it is not defined: both gave one and the same grade to all
 * @param standardError of it, or null
 * @param interval95 of it, or null
 * @param quadratic weighted, or null where it is not defined
 */
public record Kappa(long n, double agreement, Double kappa, Double standardError, Interval interval95, Double quadratic) {
  private static final double Z95 = 1.959963984540054;

  /**
   * The agreement of grades of the same things, in the same order.
   *
   * @throws IllegalArgumentException when the lengths differ, or there are none
   */
  public static Kappa of(int[] first, int[] second) {
    if (first.length != second.length || first.length == 0) {
      throw new IllegalArgumentException(first.length + " and " + second.length + " grades");
    }
    SortedSet<Integer> grades = new TreeSet<>();
    Arrays.stream(first).forEach(grades::add);
    Arrays.stream(second).forEach(grades::add);
    int[] values = grades.stream().mapToInt(Integer::intValue).toArray();
    double[][] table = new double[values.length][values.length];
    for (int i = 0; i < first.length; i++) {
      table[Arrays.binarySearch(values, first[i])][Arrays.binarySearch(values, second[i])] += 1.0 / first.length;
    }
    double[][] same = new double[values.length][values.length];
    double[][] near = new double[values.length][values.length];
    double span = values[values.length - 1] - (double) values[0];
    for (int i = 0; i < values.length; i++) {
      for (int j = 0; j < values.length; j++) {
        double distance = i == j ? 0 : (values[i] - (double) values[j]) / span;
        same[i][j] = i == j ? 1 : 0;
        near[i][j] = 1 - distance * distance;
      }
    }
    long agree = 0;
    for (int i = 0; i < first.length; i++) {
      agree += first[i] == second[i] ? 1 : 0;
    }
    double[] plain = weighted(table, same, first.length);
    double[] quadratic = weighted(table, near, first.length);
    boolean known = plain != null;
    Interval interval = known ? new Interval(Math.max(-1, plain[0] - Z95 * plain[1]), Math.min(1, plain[0] + Z95 * plain[1])) : null;
    return new Kappa(first.length, (double) agree / first.length, known ? (Double) plain[0] : null, known ? (Double) plain[1] : null, interval,
        quadratic == null ? null : (Double) quadratic[0]);
  }

  /** Kappa and its standard error with these weights of agreement, or null where chance alone would give full agreement. */
  private static double[] weighted(double[][] table, double[][] weights, long n) {
    int k = table.length;
    double[] rows = new double[k];
    double[] columns = new double[k];
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        rows[i] += table[i][j];
        columns[j] += table[i][j];
      }
    }
    double observed = 0;
    double expected = 0;
    double[] rowWeight = new double[k];
    double[] columnWeight = new double[k];
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        observed += weights[i][j] * table[i][j];
        expected += weights[i][j] * rows[i] * columns[j];
        rowWeight[i] += weights[i][j] * columns[j];
        columnWeight[j] += weights[i][j] * rows[i];
      }
    }
    if (k == 1) {
      return null;
    }
    double kappa = (observed - expected) / (1 - expected);
    double sum = 0;
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        double part = weights[i][j] - (rowWeight[i] + columnWeight[j]) * (1 - kappa);
        sum += table[i][j] * part * part;
      }
    }
    double rest = kappa - expected * (1 - kappa);
    double variance = Math.max(0, (sum - rest * rest) / (n * (1 - expected) * (1 - expected)));
    return new double[] {kappa, Math.sqrt(variance)};
  }
}
