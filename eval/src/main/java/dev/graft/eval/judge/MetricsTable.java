package dev.graft.eval.judge;

import dev.graft.eval.statistics.Bonferroni;
import dev.graft.eval.statistics.Interval;
import dev.graft.eval.statistics.McNemar;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Metrics and comparisons as tables for people; - is what is not defined. */
public final class MetricsTable {
  private MetricsTable() {}

  /**
   * A row for each system.
   *
   * @param seconds of each system for a last column, or null
   */
  public static void print(PrintWriter out, Map<String, SystemMetrics> systems, Map<String, Double> seconds) {
    boolean positive = systems.values().stream().anyMatch(m -> m.confusion() != null);
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("system", "n", "accuracy [95%]", "mean score", "unread"));
    if (positive) {
      head.addAll(List.of("F1 [95%]", "sensitivity [95%]", "specificity [95%]", "tp", "fp", "tn", "fn"));
    }
    if (seconds != null) {
      head.add("seconds");
    }
    rows.add(head);
    systems.forEach((name, m) -> {
      List<String> row = new ArrayList<>(List.of(name.isEmpty() ? "-" : name, "" + m.n(), share(m.accuracy(), m.accuracy95()), number(m.meanScore()), "" + m.unparsed()));
      if (positive) {
        row.addAll(List.of(share(m.confusion().f1(), m.f195()), share(m.confusion().sensitivity(), m.confusion().sensitivity95()),
            share(m.confusion().specificity(), m.confusion().specificity95()), "" + m.confusion().tp(), "" + m.confusion().fp(), "" + m.confusion().tn(), "" + m.confusion().fn()));
      }
      if (seconds != null) {
        Double s = seconds.get(name);
        row.add(s == null ? "-" : String.format(Locale.ROOT, "%.1f", s));
      }
      rows.add(row);
    });
    print(out, rows);
  }

  /** A row for each comparison. @param comparisons by "a vs b" */
  public static void print(PrintWriter out, Map<String, Comparison> comparisons) {
    print(out, comparisons, null);
  }

  /** The same with a decision for each, on McNemar's exact p, or the t-test's where scores are grades. @param bonferroni null for none */
  public static void print(PrintWriter out, Map<String, Comparison> comparisons, Bonferroni bonferroni) {
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("paired", "n", "only 1st right", "only 2nd right", "McNemar p (exact)", "chi-square (corrected)", "McNemar p (corrected)", "t", "df",
        "t-test p"));
    if (bonferroni != null) {
      head.add(String.format(Locale.ROOT, "p < %.3g (%.3g / %d)", bonferroni.threshold(), bonferroni.alpha(), bonferroni.comparisons()));
    }
    rows.add(head);
    comparisons.forEach((name, c) -> {
      McNemar m = c.mcNemar();
      List<String> row = new ArrayList<>(List.of(name, "" + c.n()));
      row.addAll(m == null ? List.of("-", "-", "-", "-", "-")
          : List.of("" + m.b(), "" + m.c(), p(m.pExact()), number(m.statistic()), p(m.pCorrected())));
      row.addAll(List.of(number(c.tTest().t()), "" + c.tTest().df(), p(c.tTest().p())));
      if (bonferroni != null) {
        Boolean decided = bonferroni.significant(m == null ? c.tTest().p() : (Double) m.pExact());
        row.add(decided == null ? "-" : (decided ? "yes" : "no") + (m == null ? " (t-test)" : " (exact)"));
      }
      rows.add(row);
    });
    print(out, rows);
  }

  private static void print(PrintWriter out, List<List<String>> rows) {
    int[] widths = new int[rows.get(0).size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String pad = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? row.get(i) + pad : "  " + pad + row.get(i));
      }
      out.println(line.toString().stripTrailing());
    }
    out.flush();
  }

  private static String share(Double value, Interval interval) {
    return value == null || interval == null ? number(value) : String.format(Locale.ROOT, "%.3f [%.3f, %.3f]", value, interval.low(), interval.high());
  }

  private static String number(Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, "%.3f", value);
  }

  private static String p(Double value) {
    return value == null ? "-" : value != 0 && value < 1e-3 ? String.format(Locale.ROOT, "%.2g", value) : String.format(Locale.ROOT, "%.4f", value);
  }
}
