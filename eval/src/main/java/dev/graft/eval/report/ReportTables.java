package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Metric;
import dev.graft.eval.report.StudyResults.Outcome;
import dev.graft.eval.report.StudyResults.Pair;
import dev.graft.eval.report.StudyResults.Point;
import dev.graft.eval.report.StudyResults.SystemResult;
import dev.graft.eval.report.StudyResults.Task;
import dev.graft.eval.report.StudyResults.Trial;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVPrinter;

/** A study as CSV (RFC 4180, UTF-8): all digits, an empty field for what is not known. Stateless. */
final class ReportTables {
  private ReportTables() {}

  /** Texts by file name. */
  static Map<String, String> all(StudyResults results) {
    Map<String, String> files = new LinkedHashMap<>();
    files.put("metrics.csv", table(List.of("task", "outcome", "system", "n", "metric", "value", "ci95_low", "ci95_high", "ci_method", "positive", "tp", "fp", "tn", "fn", "unread"),
        printer -> metrics(results, printer)));
    files.put("comparisons.csv", table(List.of("task", "outcome", "first", "second", "test", "n", "b", "c", "statistic", "df", "p", "threshold", "significant"),
        printer -> comparisons(results, printer)));
    files.put("trials.csv", table(List.of("task", "trial", "method", "phase", "learning_rate", "beta", "steps", "plateau_step", "dev_metric", "dev_score", "chosen", "seconds",
        "tokens", "peak_memory_bytes", "note"), printer -> trials(results, printer)));
    files.put("curves.csv", table(List.of("task", "trial", "method", "phase", "learning_rate", "beta", "curve", "step", "loss"), printer -> curves(results, printer)));
    return files;
  }

  private static void metrics(StudyResults results, CSVPrinter out) throws IOException {
    for (Task task : results.tasks()) {
      for (Outcome outcome : task.outcomes()) {
        for (SystemResult s : outcome.systems()) {
          boolean counted = s.confusion() != null;
          for (Map.Entry<String, Metric> entry : s.metrics().entrySet()) {
            Metric m = entry.getValue();
            out.printRecord(task.name(), outcome.name(), s.system(), s.n(), entry.getKey(), m.value(), m.ci95() == null ? null : m.ci95().low(),
                m.ci95() == null ? null : m.ci95().high(), m.method(), outcome.positive(), counted ? s.confusion().tp() : null, counted ? s.confusion().fp() : null,
                counted ? s.confusion().tn() : null, counted ? s.confusion().fn() : null, s.unread());
          }
        }
      }
    }
  }

  private static void comparisons(StudyResults results, CSVPrinter out) throws IOException {
    for (Task task : results.tasks()) {
      for (Outcome outcome : task.outcomes()) {
        for (Pair p : outcome.comparisons()) {
          out.printRecord(task.name(), outcome.name(), p.first(), p.second(), p.test(), p.n(), p.b(), p.c(), p.statistic(), p.df(), p.p(), results.threshold(), p.significant());
        }
      }
    }
  }

  private static void trials(StudyResults results, CSVPrinter out) throws IOException {
    for (Task task : results.tasks()) {
      for (Trial t : task.trials()) {
        out.printRecord(task.name(), t.id(), t.method(), t.phase(), t.learningRate(), t.beta(), t.steps(), t.plateauStep(), t.devMetric(), t.devScore(), t.chosen(), t.seconds(),
            t.tokens(), t.peakMemoryBytes(), t.note());
      }
    }
  }

  private static void curves(StudyResults results, CSVPrinter out) throws IOException {
    for (Task task : results.tasks()) {
      for (Trial t : task.trials()) {
        points(task, t, "training", t.training(), out);
        points(task, t, "evaluation", t.evaluation(), out);
      }
    }
  }

  private static void points(Task task, Trial t, String curve, List<Point> points, CSVPrinter out) throws IOException {
    for (Point point : points) {
      out.printRecord(task.name(), t.id(), t.method(), t.phase(), t.learningRate(), t.beta(), curve, point.step(), point.loss());
    }
  }

  private interface Rows {
    void print(CSVPrinter printer) throws IOException;
  }

  private static String table(List<String> head, Rows rows) {
    StringBuilder text = new StringBuilder();
    try (CSVPrinter printer = new CSVPrinter(text, CSVFormat.RFC4180.builder().setHeader(head.toArray(new String[0])).get())) {
      rows.print(printer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }
}
