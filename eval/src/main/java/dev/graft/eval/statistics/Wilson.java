package dev.graft.eval.statistics;

/** The score interval of a binomial proportion (Wilson 1927, "Probable inference, the law of succession, and statistical inference"). */
public final class Wilson {
  /** The 0.975 quantile of the normal distribution. */
  private static final double Z95 = 1.959963984540054;

  private Wilson() {}

  /**
   * The 95% interval, without continuity correction: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) with p = successes / n. Its
   * ends are exactly 0 and 1 where all trials failed and succeeded.
   *
   * @return null when there are no trials
   * @throws IllegalArgumentException when there are fewer trials than successes, or a count is negative
   */
  public static Interval interval95(long successes, long trials) {
    if (successes < 0 || successes > trials) {
      throw new IllegalArgumentException(successes + " successes of " + trials + " trials");
    } else if (trials == 0) {
      return null;
    }
    double n = trials;
    double p = successes / n;
    double z2 = Z95 * Z95;
    double middle = p + z2 / (2 * n);
    double half = Z95 * Math.sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    double scale = 1 + z2 / n;
    double low = successes == 0 ? 0 : Math.max(0, (middle - half) / scale);
    double high = successes == trials ? 1 : Math.min(1, (middle + half) / scale);
    return new Interval(low, high);
  }
}
