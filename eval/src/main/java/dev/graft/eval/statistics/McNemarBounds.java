package dev.graft.eval.statistics;

/**
 * What McNemar's exact p can be where only the two systems' numbers of right answers are known, as in a printed table: these give b − c, but
 * not b + c.
 *
 * @param smallest p of the fewest discordant pairs possible  @param largest p of the count that gives the largest
 */
public record McNemarBounds(double smallest, double largest) {
  /**
   * Over every table with these margins.
   *
   * @param rightA right answers of the first  @param rightB of the second  @param n rows that both answered
   * @throws IllegalArgumentException when more are right than there are rows, or a number is negative
   */
  static McNemarBounds of(long rightA, long rightB, long n) {
    if (rightA < 0 || rightB < 0 || rightA > n || rightB > n) {
      throw new IllegalArgumentException(rightA + " and " + rightB + " right of " + n);
    }
    long fewest = Math.max(0, rightA - rightB); // b, with as many rows right by both as can be
    long most = Math.min(rightA, n - rightB);
    double smallest = 1;
    double largest = 0;
    for (long b = fewest; b <= most; b++) {
      double p = McNemar.of(b, b - (rightA - rightB)).pExact();
      smallest = Math.min(smallest, p);
      largest = Math.max(largest, p);
    }
    return new McNemarBounds(smallest, largest);
  }

  /** Whether some table with these margins has this p, as far as can be told from the ends. */
  public boolean admit(double p) {
    return smallest <= p && p <= largest;
  }
}
