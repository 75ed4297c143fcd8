package dev.graft.eval.statistics;

/**
 * Counts of a binary judgement, one label against the rest.
 *
 * @param tp positive, found  @param fp negative, called positive  @param tn negative, left alone  @param fn positive, missed
 */
public record Confusion(long tp, long fp, long tn, long fn) {
  /** No rows. */
  public static final Confusion NONE = new Confusion(0, 0, 0, 0);

  /**
   * These counts with one more row. A row whose answer could not be read ({@code said} null) is wrong: fn when positive, fp when
   * negative.
   *
   * @param positive whether the row is of the positive label  @param said whether the answer says so, or null
   */
  public Confusion plus(boolean positive, Boolean said) {
    boolean right = said != null && said == positive;
    return new Confusion(tp + (positive && right ? 1 : 0), fp + (!positive && !right ? 1 : 0), tn + (!positive && right ? 1 : 0), fn + (positive && !right ? 1 : 0));
  }

  /** Rows of the positive label. */
  public long positives() {
    return tp + fn;
  }

  /** Rows of other labels. */
  public long negatives() {
    return tn + fp;
  }

  /** (tp + tn) / n, or null without rows. */
  public Double accuracy() {
    return ratio(tp + tn, positives() + negatives());
  }

  /** 2·tp / (2·tp + fp + fn), the harmonic mean of precision and recall; null when there is neither a positive row nor a positive answer. */
  public Double f1() {
    return ratio(2 * tp, 2 * tp + fp + fn);
  }

  /** Recall of the positive rows, tp / (tp + fn), or null without any. */
  public Double sensitivity() {
    return ratio(tp, positives());
  }

  /** Recall of the negative rows, tn / (tn + fp), or null without any. */
  public Double specificity() {
    return ratio(tn, negatives());
  }

  /** Wilson's 95% interval of {@link #sensitivity}, or null. */
  public Interval sensitivity95() {
    return Wilson.interval95(tp, positives());
  }

  /** Wilson's 95% interval of {@link #specificity}, or null. */
  public Interval specificity95() {
    return Wilson.interval95(tn, negatives());
  }

  private static Double ratio(long part, long whole) {
    return whole == 0 ? null : (double) part / whole;
  }
}
