package dev.graft.eval.statistics;

/**
 * Bonferroni's correction for several comparisons (Dunn 1961, "Multiple comparisons among means"): each is tested at alpha / comparisons, so
 * that the chance of any false finding among them is at most alpha. The study's five tasks at .05 are tested at .01.
 *
 * @param alpha level of all comparisons together, above 0 and below 1
 * @param comparisons how many are made, at least 1
 */
public record Bonferroni(double alpha, int comparisons) {
  /** @throws IllegalArgumentException when alpha is not between 0 and 1, or there are no comparisons */
  public Bonferroni {
    if (!(alpha > 0 && alpha < 1) || comparisons < 1) {
      throw new IllegalArgumentException("alpha " + alpha + " over " + comparisons + " comparisons");
    }
  }

  /** What p must be below. */
  public double threshold() {
    return alpha / comparisons;
  }

  /** Whether p is below the threshold; null for a p that is not defined. */
  public Boolean significant(Double p) {
    return p == null ? null : (Boolean) (p < threshold());
  }
}
