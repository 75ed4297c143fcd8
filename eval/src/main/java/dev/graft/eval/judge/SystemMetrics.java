package dev.graft.eval.judge;

import dev.graft.eval.statistics.Confusion;
import dev.graft.eval.statistics.F1Bootstrap;
import dev.graft.eval.statistics.Interval;
import dev.graft.eval.statistics.Wilson;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one system's predictions amount to.
 *
 * @param n rows
 * @param accuracy share of right rows: those of score 1 where every score is 0 or 1; among grades, those whose label is the gold one, or null
 *     where no row has a label
 * @param accuracy95 Wilson's 95% interval of it, or null
 * @param meanScore mean of the scores
 * @param unparsed rows without a label
 * @param positive the label that the confusion counts are about, or null
 * @param confusion counts, or null without a positive label
 * @param f195 bootstrap interval of F1 (BCa, 95%), or null
 */
public record SystemMetrics(long n, Double accuracy, Interval accuracy95, double meanScore, long unparsed, String positive, Confusion confusion, Interval f195) {

  /**
   * The metrics of at least one prediction.
   *
   * @param positive the label that counts as positive, the others being negative; null for none
   */
  public static SystemMetrics of(List<Prediction> rows, String positive) {
    return of(rows, positive, F1Bootstrap.RESAMPLES, F1Bootstrap.SEED);
  }

  /** The same with another number of resamples behind the interval of F1, 100 at least, and another seed. */
  public static SystemMetrics of(List<Prediction> rows, String positive, int resamples, long seed) {
    boolean binary = rows.stream().allMatch(Prediction::binary);
    long unparsed = rows.stream().filter(p -> p.label() == null).count();
    long right = rows.stream().filter(p -> binary ? p.score() == 1 : p.label() != null && p.label().equals(p.gold())).count();
    boolean known = binary || unparsed < rows.size();
    double sum = 0;
    Confusion confusion = positive == null ? null : Confusion.NONE;
    for (Prediction p : rows) {
      sum += p.score();
      if (positive != null) {
        confusion = confusion.plus(positive.equals(p.gold()), p.label() == null ? null : positive.equals(p.label()));
      }
    }
    return new SystemMetrics(rows.size(), known ? (Double) ((double) right / rows.size()) : null, known ? Wilson.interval95(right, rows.size()) : null, sum / rows.size(),
        unparsed, positive, confusion, confusion == null ? null : F1Bootstrap.interval95(confusion, resamples, seed));
  }

  /** As JSON: {@code n, accuracy, accuracy_ci95, mean_score, unparsed}, and what the positive label adds. An interval is {@code [low, high]}. */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("n", n);
    json.put("accuracy", accuracy);
    json.put("accuracy_ci95", pair(accuracy95));
    json.put("mean_score", meanScore);
    json.put("unparsed", unparsed);
    if (confusion != null) {
      json.put("positive", positive);
      json.put("tp", confusion.tp());
      json.put("fp", confusion.fp());
      json.put("tn", confusion.tn());
      json.put("fn", confusion.fn());
      json.put("f1", confusion.f1());
      json.put("f1_ci95", pair(f195));
      json.put("sensitivity", confusion.sensitivity());
      json.put("sensitivity_ci95", pair(confusion.sensitivity95()));
      json.put("specificity", confusion.specificity());
      json.put("specificity_ci95", pair(confusion.specificity95()));
    }
    return json;
  }

  private static double[] pair(Interval interval) {
    return interval == null ? null : new double[] {interval.low(), interval.high()};
  }
}
