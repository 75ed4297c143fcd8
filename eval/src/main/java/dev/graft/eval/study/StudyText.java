package dev.graft.eval.study;

import dev.graft.eval.report.StudyResults;
import dev.graft.eval.statistics.Interval;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A study's results as text: a table of outcomes, what they cost, and where everything lies. Stateless. */
public final class StudyText {
  /** What the study itself measured, in time. */
  private static final String STUDY_RATIO = "the study: 2 to 4 times";

  private StudyText() {}

  /** The outcomes: figures of each system with 95% intervals, and P of each pair. */
  public static void tables(StudyResults results, PrintWriter out) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("outcome", "figure", "n", "base [95%]", "SFT [95%]", "DPO [95%]", "P base-SFT", "P SFT-DPO", "P base-DPO", "test"));
    for (StudyResults.Task task : results.tasks()) {
      for (StudyResults.Outcome outcome : task.outcomes()) {
        List<String> row = new ArrayList<>(List.of(outcome.name(), outcome.metric(), Long.toString(outcome.systems().get(0).n())));
        results.systems().forEach(system -> row.add(figure(outcome, system)));
        row.add(p(outcome, "base", "SFT"));
        row.add(p(outcome, "SFT", "DPO"));
        row.add(p(outcome, "base", "DPO"));
        row.add(outcome.comparisons().isEmpty() ? "-" : outcome.comparisons().get(0).test());
        rows.add(row);
      }
    }
    print(rows, out);
    out.println(String.format(Locale.ROOT, "* significant: P below %.2g, which is %.2g shared out over %d outcomes (Bonferroni)", results.threshold(), results.alpha(), results.comparisons()));
    out.flush();
  }

  /** Seconds and memory by task, and DPO's price. */
  public static void costs(StudyResults results, PrintWriter out) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("task", "chosen", "SFT s/step", "DPO s/step", "DPO : SFT", "seconds in all", "memory"));
    for (StudyResults.Task task : results.tasks()) {
      double seconds = task.costs().stream().mapToDouble(stage -> stage.seconds() == null ? 0 : stage.seconds()).sum();
      long bytes = task.costs().stream().mapToLong(stage -> stage.peakMemoryBytes() == null ? 0 : stage.peakMemoryBytes()).max().orElse(0);
      rows.add(List.of(task.name(), "SFT " + task.settings().getOrDefault("chosen sft", "-") + "; DPO " + task.settings().getOrDefault("chosen dpo", "-"), number(task.secondsPerStep("sft")),
          number(task.secondsPerStep("dpo")), task.dpoToSft() == null ? "-" : String.format(Locale.ROOT, "%.2f", task.dpoToSft()), String.format(Locale.ROOT, "%.0f", seconds),
          bytes == 0 ? "-" : (bytes >> 20) + " MiB"));
    }
    print(rows, out);
    out.println("a step's seconds have their share of evaluations, of DPO's reference and of starting; " + STUDY_RATIO);
    out.flush();
  }

  private static String figure(StudyResults.Outcome outcome, String system) {
    StudyResults.Metric metric = outcome.system(system).map(found -> found.metrics().get(outcome.metric())).orElse(null);
    if (metric == null || metric.value() == null) {
      return "-";
    }
    Interval ci = metric.ci95();
    return String.format(Locale.ROOT, "%.3f", metric.value()) + (ci == null ? "" : String.format(Locale.ROOT, " [%.3f, %.3f]", ci.low(), ci.high()));
  }

  private static String p(StudyResults.Outcome outcome, String first, String second) {
    return outcome.comparisons().stream().filter(pair -> pair.first().equals(first) && pair.second().equals(second)).findFirst()
        .map(pair -> pair.p() == null ? "-" : (pair.p() != 0 && pair.p() < 1e-3 ? String.format(Locale.ROOT, "%.2g", pair.p()) : String.format(Locale.ROOT, "%.4f", pair.p())) + (pair.significant() ? " *" : ""))
        .orElse("-");
  }

  private static String number(Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, "%.3f", value);
  }

  private static void print(List<List<String>> rows, PrintWriter out) {
    int columns = rows.get(0).size();
    int[] widths = new int[columns];
    rows.forEach(row -> {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    });
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String pad = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? "" : "  ").append(row.get(i)).append(pad);
      }
      out.println(line.toString().stripTrailing());
    }
  }
}
