package dev.graft.eval.statistics;

import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.apache.commons.statistics.distribution.ChiSquaredDistribution;

/**
 * McNemar's test of two paired proportions (McNemar 1947, "Note on the sampling error of the difference between correlated proportions or
 * percentages"), two-tailed. Figures are those of statsmodels' {@code mcnemar}.
 *
 * @param b pairs in which only the first is right  @param c pairs in which only the second is
 * @param pExact p of the exact test: min(1, 2·P(X ≤ min(b, c))) with X binomial of b + c trials at ½; 1 without discordant pairs
 * @param statistic (|b − c| − 1)² / (b + c): chi-square with Edwards' continuity correction, not floored at |b − c| = 0; null without
 *     discordant pairs
 * @param pCorrected P(χ² with one degree of freedom ≥ statistic), or null
 */
public record McNemar(long b, long c, double pExact, Double statistic, Double pCorrected) {
  private static final ChiSquaredDistribution CHI_SQUARED = ChiSquaredDistribution.of(1);

  /**
   * The test of these counts.
   *
   * @throws IllegalArgumentException when a count is negative, or there are more than 2³¹−1 pairs
   */
  public static McNemar of(long b, long c) {
    if (b < 0 || c < 0 || b + c > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("discordant pairs " + b + " and " + c);
    }
    int n = (int) (b + c);
    if (n == 0) {
      return new McNemar(b, c, 1, null, null);
    }
    double exact = Math.min(1, 2 * BinomialDistribution.of(n, 0.5).cumulativeProbability((int) Math.min(b, c)));
    double over = Math.abs(b - c) - 1.0;
    double statistic = over * over / n;
    return new McNemar(b, c, exact, statistic, CHI_SQUARED.survivalProbability(statistic));
  }

  /** The test of right and wrong answers to the same questions, in the same order. @throws IllegalArgumentException when the lengths differ */
  public static McNemar of(boolean[] first, boolean[] second) {
    if (first.length != second.length) {
      throw new IllegalArgumentException(first.length + " and " + second.length + " answers");
    }
    long b = 0;
    long c = 0;
    for (int i = 0; i < first.length; i++) {
      b += first[i] && !second[i] ? 1 : 0;
      c += !first[i] && second[i] ? 1 : 0;
    }
    return of(b, c);
  }

  /**
   * The smallest and largest exact p of all tables with these numbers of right answers.
   *
   * @param rightA right answers of the first  @param rightB of the second  @param n rows that both answered
   * @throws IllegalArgumentException when more are right than there are rows, or a number is negative
   */
  public static McNemarBounds bounds(long rightA, long rightB, long n) {
    return McNemarBounds.of(rightA, rightB, n);
  }
}
