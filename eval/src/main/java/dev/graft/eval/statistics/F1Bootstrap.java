package dev.graft.eval.statistics;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * A bootstrap interval of F1, bias-corrected and accelerated (BCa; Efron 1987, "Better bootstrap confidence intervals"), since F1 near 1 is
 * skewed and a percentile interval is then too far to the left. Rows are drawn with replacement. F1 only depends on how many of them are
 * true positives, errors of either kind, and the rest, so that drawing these three counts from their multinomial distribution is drawing
 * rows, whatever their number. The acceleration is the jackknife's. Quantiles are interpolated linearly between order statistics.
 *
 * <p>The bootstrap cannot see what no row shows: without any error all resamples have F1 = 1, and the interval is [1, 1].
 */
public final class F1Bootstrap {
  /** Resamples where nobody says otherwise. */
  public static final int RESAMPLES = 10_000;
  /** Seed where nobody says otherwise. */
  public static final long SEED = 42;

  private static final NormalDistribution NORMAL = NormalDistribution.of(0, 1);

  private F1Bootstrap() {}

  /**
   * The 95% interval.
   *
   * @param resamples at least 100; those in which F1 is not defined (neither a positive row nor a positive answer) are left out
   * @return null when F1 is not defined, or in none of the resamples
   * @throws IllegalArgumentException when there are fewer than 100 resamples, or more than 2³¹−1 rows
   */
  public static Interval interval95(Confusion counts, int resamples, long seed) {
    long rows = counts.positives() + counts.negatives();
    if (resamples < 100 || rows > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(resamples + " resamples of " + rows + " rows");
    }
    Double f1 = counts.f1();
    if (f1 == null) {
      return null;
    }
    double[] drawn = draw(counts, (int) rows, resamples, new SplittableRandom(seed));
    if (drawn.length == 0) {
      return null;
    }
    Arrays.sort(drawn);
    double bias = NORMAL.inverseCumulativeProbability(below(drawn, f1));
    double acceleration = acceleration(counts);
    return new Interval(quantile(drawn, adjusted(0.025, bias, acceleration)), quantile(drawn, adjusted(0.975, bias, acceleration)));
  }

  private static double[] draw(Confusion counts, int rows, int resamples, SplittableRandom random) {
    long concerned = counts.tp() + counts.fp() + counts.fn();
    BinomialTable howMany = new BinomialTable(rows, (double) concerned / rows);
    Map<Integer, BinomialTable> howRight = new HashMap<>();
    double right = (double) counts.tp() / concerned;
    double[] drawn = new double[resamples];
    int n = 0;
    for (int i = 0; i < resamples; i++) {
      int k = howMany.draw(random);
      if (k > 0) {
        int tp = howRight.computeIfAbsent(k, trials -> new BinomialTable(trials, right)).draw(random);
        drawn[n++] = 2.0 * tp / (tp + k);
      }
    }
    return Arrays.copyOf(drawn, n);
  }

  /** Share of resamples below the estimate, ties by half; kept from 0 and 1, where the bias would be infinite. */
  private static double below(double[] sorted, double estimate) {
    long less = 0;
    long equal = 0;
    for (double value : sorted) {
      less += value < estimate ? 1 : 0;
      equal += value == estimate ? 1 : 0;
    }
    double share = (less + 0.5 * equal) / sorted.length;
    double least = 0.5 / sorted.length;
    return Math.min(1 - least, Math.max(least, share));
  }

  /** Σ d³ / (6 (Σ d²)^1.5) over rows, d what leaving the row out takes from the mean of all such estimates; 0 where nothing differs. */
  private static double acceleration(Confusion c) {
    double[] values = {jackknife(c.tp() - 1, c.fp() + c.fn()), jackknife(c.tp(), c.fp() + c.fn() - 1), c.f1()};
    long[] times = {c.tp(), c.fp() + c.fn(), c.tn()};
    double mean = 0;
    double n = 0;
    for (int i = 0; i < 3; i++) {
      mean += times[i] == 0 ? 0 : times[i] * values[i];
      n += times[i];
    }
    mean /= n;
    double squares = 0;
    double cubes = 0;
    for (int i = 0; i < 3; i++) {
      if (times[i] > 0) {
        double d = mean - values[i];
        squares += times[i] * d * d;
        cubes += times[i] * d * d * d;
      }
    }
    double acceleration = cubes / (6 * Math.pow(squares, 1.5));
    return Double.isFinite(acceleration) ? acceleration : 0;
  }

  private static double jackknife(long tp, long errors) {
    return 2 * tp + errors == 0 ? 0 : 2.0 * tp / (2.0 * tp + errors);
  }

  private static double adjusted(double level, double bias, double acceleration) {
    double z = bias + NORMAL.inverseCumulativeProbability(level);
    return NORMAL.cumulativeProbability(bias + z / (1 - acceleration * z));
  }

  private static double quantile(double[] sorted, double level) {
    double at = level * (sorted.length - 1);
    int low = (int) Math.floor(at);
    int high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
  }
}
