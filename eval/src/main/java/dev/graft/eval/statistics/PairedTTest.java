package dev.graft.eval.statistics;

import org.apache.commons.statistics.inference.TTest;

/**
 * Student's paired t-test, two-tailed (Student 1908, "The probable error of a mean"): t = mean(d) / (s(d) / √n), d = first − second.
 *
 * <p>Where all differences are the same the deviation is 0 and t is no number: with differences of 0 neither t nor p is defined; with
 * others t is infinite (null here) and p is its limit, 0, as SciPy has it. With fewer than two pairs both are null.
 *
 * @param t positive when the first has the higher scores, or null  @param df degrees of freedom, n − 1  @param p or null
 */
public record PairedTTest(Double t, long df, Double p) {
  /**
   * The test of the scores of the same things, in the same order.
   *
   * @throws IllegalArgumentException when the lengths differ, there are none, or a score is not finite
   */
  public static PairedTTest of(double[] first, double[] second) {
    if (first.length != second.length || first.length == 0) {
      throw new IllegalArgumentException(first.length + " and " + second.length + " scores");
    }
    double difference = first[0] - second[0];
    boolean constant = true;
    for (int i = 0; i < first.length; i++) {
      if (!Double.isFinite(first[i]) || !Double.isFinite(second[i])) {
        throw new IllegalArgumentException("scores " + first[i] + " and " + second[i] + " at " + i);
      }
      constant &= first[i] - second[i] == difference;
    }
    long df = first.length - 1L;
    if (df == 0 || constant && difference == 0) {
      return new PairedTTest(null, df, null);
    } else if (constant) {
      return new PairedTTest(null, df, 0.0);
    }
    TTest.Result result = TTest.withDefaults().pairedTest(first, second);
    double t = result.getStatistic();
    double p = result.getPValue();
    return new PairedTTest(Double.isFinite(t) ? t : null, df, Double.isFinite(p) ? p : null);
  }
}
