package dev.graft.eval.judge;

import dev.graft.eval.statistics.Bonferroni;
import dev.graft.eval.statistics.McNemar;
import dev.graft.eval.statistics.PairedTTest;
import dev.graft.trainer.data.DataException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Two systems' scores of the same rows.
 *
 * @param n rows
 * @param mcNemar of right (score 1) and wrong; null unless all scores are 0 or 1
 * @param tTest of the scores
 */
public record Comparison(long n, McNemar mcNemar, PairedTTest tTest) {

  /** Compares predictions of the same rows in the same order. @throws IllegalArgumentException when the lists differ in length or are empty */
  public static Comparison of(List<Prediction> first, List<Prediction> second) {
    double[] a = first.stream().mapToDouble(Prediction::score).toArray();
    double[] b = second.stream().mapToDouble(Prediction::score).toArray();
    boolean binary = first.stream().allMatch(Prediction::binary) && second.stream().allMatch(Prediction::binary);
    return new Comparison(a.length, binary ? McNemar.of(right(a), right(b)) : null, PairedTTest.of(a, b));
  }

  /**
   * Compares two systems, paired by id.
   *
   * @throws DataException naming the line of a row that the other one does not have, or has with another gold answer
   */
  public static Comparison byId(Path firstFile, List<Prediction> first, Path secondFile, List<Prediction> second) {
    Map<String, Prediction> others = new HashMap<>();
    second.forEach(p -> others.put(p.key(), p));
    List<Prediction> paired = first.stream().map(a -> {
      Prediction b = others.remove(a.key());
      if (b == null) {
        throw missing(firstFile, a, secondFile);
      } else if (!Objects.equals(a.gold(), b.gold())) {
        throw new DataException(secondFile, b.line(), "gold of id '" + b.key() + "' is " + quoted(b.gold()) + ", but " + quoted(a.gold()) + " at " + firstFile + ":" + a.line()
            + "; both must be judged on the same data");
      }
      return b;
    }).toList();
    for (Prediction b : second) {
      if (others.containsKey(b.key())) {
        throw missing(secondFile, b, firstFile);
      }
    }
    return of(first, paired);
  }

  /**
   * Compares two systems of files, paired by id. Rows that one of them could not be graded on are left out.
   *
   * @throws DataException naming the line of a row that the other one does not have, or has with another gold answer; or when nothing is left
   */
  public static Comparison of(PredictionFile firstFile, String first, PredictionFile secondFile, String second) {
    Set<String> without = new HashSet<>(firstFile.ungraded(first));
    without.addAll(secondFile.ungraded(second));
    List<Prediction> a = firstFile.systems().get(first).stream().filter(p -> !without.contains(p.key())).toList();
    List<Prediction> b = secondFile.systems().get(second).stream().filter(p -> !without.contains(p.key())).toList();
    if (a.isEmpty() || b.isEmpty()) {
      throw new DataException(firstFile.file(), 0, "shares no graded row with " + secondFile.file() + "; grade the rest, or judge both on the same data");
    }
    return byId(firstFile.file(), a, secondFile.file(), b);
  }

  private static DataException missing(Path file, Prediction p, Path other) {
    return new DataException(file, p.line(), "id '" + p.key() + "' is not among the rows compared of " + other + "; both must hold the same rows, so judge both on the same data");
  }

  private static String quoted(String text) {
    return text == null ? "null" : "'" + (text.length() > 40 ? text.substring(0, 40) + "..." : text) + "'";
  }

  private static boolean[] right(double[] scores) {
    boolean[] right = new boolean[scores.length];
    for (int i = 0; i < scores.length; i++) {
      right[i] = scores[i] == 1;
    }
    return right;
  }

  /** As JSON: {@code {"n", "mcnemar": {"b", "c", "p_exact", "statistic", "p_corrected"}, "t_test": {"t", "df", "p"}}}. */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("n", n);
    json.put("mcnemar", mcNemar == null ? null : mcNemarJson());
    Map<String, Object> t = new LinkedHashMap<>();
    t.put("t", tTest.t());
    t.put("df", tTest.df());
    t.put("p", tTest.p());
    json.put("t_test", t);
    return json;
  }

  /** The same with {@code "bonferroni": {"alpha", "comparisons", "threshold", "p_exact", "p_corrected", "t_test"}}: whether each p is below the threshold. @param bonferroni null for none */
  public Map<String, Object> json(Bonferroni bonferroni) {
    Map<String, Object> json = json();
    if (bonferroni != null) {
      Map<String, Object> decisions = new LinkedHashMap<>();
      decisions.put("alpha", bonferroni.alpha());
      decisions.put("comparisons", bonferroni.comparisons());
      decisions.put("threshold", bonferroni.threshold());
      decisions.put("p_exact", mcNemar == null ? null : bonferroni.significant(mcNemar.pExact()));
      decisions.put("p_corrected", mcNemar == null ? null : bonferroni.significant(mcNemar.pCorrected()));
      decisions.put("t_test", bonferroni.significant(tTest.p()));
      json.put("bonferroni", decisions);
    }
    return json;
  }

  private Map<String, Object> mcNemarJson() {
    Map<String, Object> m = new LinkedHashMap<>();
    m.put("b", mcNemar.b());
    m.put("c", mcNemar.c());
    m.put("p_exact", mcNemar.pExact());
    m.put("statistic", mcNemar.statistic());
    m.put("p_corrected", mcNemar.pCorrected());
    return m;
  }
}
