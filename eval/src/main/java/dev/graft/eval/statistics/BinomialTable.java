package dev.graft.eval.statistics;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.apache.commons.statistics.distribution.BinomialDistribution;

/** Draws from a binomial distribution by looking a uniform number up in its cumulative probabilities. */
final class BinomialTable {
  /** Outcomes further from the mean than this many standard deviations (and 12 more) have less than 1e-17 of probability together. */
  private static final double REACH = 9;

  private final int first;
  private final double[] cumulative;

  BinomialTable(int trials, double p) {
    double mean = trials * p;
    double reach = REACH * Math.sqrt(mean * (1 - p)) + 12;
    this.first = (int) Math.max(0, Math.floor(mean - reach));
    int last = (int) Math.min(trials, Math.ceil(mean + reach));
    BinomialDistribution distribution = BinomialDistribution.of(trials, p);
    this.cumulative = new double[last - first + 1];
    double sum = 0;
    for (int i = 0; i < cumulative.length; i++) {
      sum += distribution.probability(first + i);
      cumulative[i] = sum;
    }
    for (int i = 0; i < cumulative.length; i++) {
      cumulative[i] /= sum;
    }
  }

  int draw(SplittableRandom random) {
    double u = random.nextDouble();
    int at = Arrays.binarySearch(cumulative, u);
    while (at > 0 && cumulative[at - 1] == cumulative[at]) {
      at--; // outcomes whose probability vanished beside the sum
    }
    return first + (at < 0 ? -at - 1 : Math.min(at + 1, cumulative.length - 1));
  }
}
