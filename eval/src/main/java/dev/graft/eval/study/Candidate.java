package dev.graft.eval.study;

import java.math.BigDecimal;

/**
 * What a trial of a sweep tries.
 *
 * @param rate peak learning rate  @param beta DPO's, or null for SFT
 */
public record Candidate(double rate, Double beta) {
  /** "1e-6" or "beta0.1-1e-6": a folder's name. */
  public String name() {
    return (beta == null ? "" : "beta" + plain(beta) + "-") + scientific(rate);
  }

  /** "rate 1e-6" or "beta 0.1, rate 1e-6": for people. */
  public String title() {
    return (beta == null ? "" : "beta " + plain(beta) + ", ") + "rate " + scientific(rate);
  }

  /** 1e-6, 2.5e-4: as short as it goes. */
  static String scientific(double value) {
    BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = decimal.signum() == 0 ? 0 : decimal.precision() - decimal.scale() - 1;
    return decimal.movePointLeft(exponent).stripTrailingZeros().toPlainString() + "e" + exponent;
  }

  private static String plain(double value) {
    return new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
  }
}
