package dev.graft.eval.study;

import dev.graft.eval.judge.Comparison;
import dev.graft.eval.judge.Prediction;
import dev.graft.eval.judge.SystemMetrics;
import dev.graft.eval.report.StudyResults;
import dev.graft.eval.statistics.Bonferroni;
import dev.graft.eval.statistics.F1Bootstrap;
import dev.graft.eval.statistics.Interval;
import dev.graft.eval.task.Outcome;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.commons.statistics.distribution.TDistribution;

/** Turns judged answers of the test rows into the results of an outcome. Stateless. */
final class OutcomeResults {
  private static final int SAMPLES = 12;
  private static final int PROMPT_CHARACTERS = 1200;

  private OutcomeResults() {}

  /** How reports name a system of the study: base, SFT, DPO. */
  static String title(String system) {
    return system.equals("base") ? system : system.toUpperCase(Locale.ROOT);
  }

  /** @param systems predictions of each, in the order of the rows  @param prompts by row id */
  static StudyResults.Outcome of(Outcome outcome, Map<String, List<Prediction>> systems, Map<String, String> prompts, Bonferroni level) {
    List<StudyResults.SystemResult> results = new ArrayList<>();
    systems.forEach((system, rows) -> results.add(system(outcome, title(system), rows)));
    List<StudyResults.Pair> pairs = new ArrayList<>();
    List<String> names = List.copyOf(systems.keySet());
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        pairs.add(pair(outcome, names.get(i), systems.get(names.get(i)), names.get(j), systems.get(names.get(j)), level));
      }
    }
    boolean scale = graded(outcome);
    return new StudyResults.Outcome(outcome.name(), outcome.title(), grader(outcome), metric(outcome), scale ? 1 : 0, scale ? 5 : 1, outcome.positive(), results, pairs,
        samples(systems, prompts, scale), List.of());
  }

  /** Key of the metric that is compared. */
  static String metric(Outcome outcome) {
    return outcome.metric() == Outcome.Metric.MEAN_SCORE ? "mean_grade" : outcome.metric().id();
  }

  private static String grader(Outcome outcome) {
    return switch (outcome.grader()) {
      case LABEL -> "the label read from the answer (" + outcome.part() + "): " + String.join(", ", outcome.labels());
      case EXACT -> "equal to the right answer but for case, space and punctuation";
      case EQUIVALENCE -> "the right answer or an alias, normalised";
      case CHECKLIST -> "the row's facts that the answer states and does not contradict, by weight, as a grade from 1 to 5";
      case LIKERT -> "a judge model's grade from 1 to 5";
    };
  }

  private static StudyResults.SystemResult system(Outcome outcome, String name, List<Prediction> rows) {
    SystemMetrics m = SystemMetrics.of(rows, outcome.positive());
    Map<String, StudyResults.Metric> metrics = new LinkedHashMap<>();
    boolean labels = outcome.grader() == Outcome.Kind.LABEL;
    if (outcome.metric() == Outcome.Metric.MEAN_SCORE) {
      metrics.put("mean_grade", new StudyResults.Metric(m.meanScore(), mean95(rows.stream().mapToDouble(Prediction::score).toArray()), "Student's t"));
    } else {
      metrics.put("accuracy", new StudyResults.Metric(m.accuracy(), m.accuracy95(), "Wilson"));
    }
    if (m.confusion() != null) {
      metrics.put("f1", new StudyResults.Metric(m.confusion().f1(), m.f195(),
          "bootstrap, BCa, " + F1Bootstrap.RESAMPLES + " resamples"));
      metrics.put("sensitivity", new StudyResults.Metric(m.confusion().sensitivity(), m.confusion().sensitivity95(), "Wilson"));
      metrics.put("specificity", new StudyResults.Metric(m.confusion().specificity(), m.confusion().specificity95(), "Wilson"));
    }
    return new StudyResults.SystemResult(name, m.n(), labels ? (Long) m.unparsed() : null, metrics, m.confusion(), labels ? matrix(outcome.labels(), rows) : null);
  }

  /** The 95% interval of a mean: mean ± t(.975, n − 1) · s / √n; null for fewer than two. */
  static Interval mean95(double[] values) {
    int n = values.length;
    if (n < 2) {
      return null;
    }
    double mean = 0;
    for (double value : values) {
      mean += value / n;
    }
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    double half = TDistribution.of(n - 1.0).inverseSurvivalProbability(0.025) * Math.sqrt(squares / (n - 1) / n);
    return new Interval(mean - half, mean + half);
  }

  private static StudyResults.LabelMatrix matrix(List<String> labels, List<Prediction> rows) {
    List<String> answers = new ArrayList<>(labels);
    answers.add("unread");
    List<List<Long>> counts = new ArrayList<>();
    for (String gold : labels) {
      List<Long> line = new ArrayList<>();
      for (String answer : answers) {
        line.add(rows.stream().filter(row -> gold.equals(row.gold()) && answer.equals(row.label() == null ? "unread" : row.label())).count());
      }
      counts.add(line);
    }
    return new StudyResults.LabelMatrix(labels, answers, counts);
  }

  private static StudyResults.Pair pair(Outcome outcome, String first, List<Prediction> a, String second, List<Prediction> b, Bonferroni level) {
    Comparison c = Comparison.of(a, b);
    if (outcome.test() == Outcome.Test.MCNEMAR && c.mcNemar() != null) {
      double p = c.mcNemar().pExact();
      return new StudyResults.Pair(title(first), title(second), "McNemar, exact", c.n(), c.mcNemar().b(), c.mcNemar().c(), c.mcNemar().statistic(), null, p,
          Boolean.TRUE.equals(level.significant(p)));
    }
    return new StudyResults.Pair(title(first), title(second), "paired t", c.n(), null, null, c.tTest().t(), c.tTest().df(), c.tTest().p(),
        Boolean.TRUE.equals(level.significant(c.tTest().p())));
  }

  /** Rows on which not all systems have the same score, spread over the test. */
  private static List<StudyResults.Sample> samples(Map<String, List<Prediction>> systems, Map<String, String> prompts, boolean scale) {
    List<Prediction> first = systems.values().iterator().next();
    List<Integer> differ = new ArrayList<>();
    for (int i = 0; i < first.size(); i++) {
      int row = i;
      if (systems.values().stream().mapToDouble(rows -> rows.get(row).score()).distinct().count() > 1) {
        differ.add(i);
      }
    }
    List<StudyResults.Sample> samples = new ArrayList<>();
    for (int k = 0; k < Math.min(SAMPLES, differ.size()); k++) {
      int row = differ.get((int) ((long) k * differ.size() / Math.min(SAMPLES, differ.size())));
      List<StudyResults.Answer> answers = new ArrayList<>();
      systems.forEach((system, rows) -> answers.add(answer(title(system), rows.get(row), scale)));
      String prompt = prompts.getOrDefault(first.get(row).key(), "");
      samples.add(new StudyResults.Sample(first.get(row).key(), prompt.length() > PROMPT_CHARACTERS ? prompt.substring(0, PROMPT_CHARACTERS) + "…" : prompt, first.get(row).gold(),
          answers));
    }
    return samples;
  }

  private static StudyResults.Answer answer(String system, Prediction p, boolean scale) {
    String grade = String.format(Locale.ROOT, "%.3g", p.score()).replaceFirst("\\.0+$", "");
    String verdict = scale ? grade + " of 5" : p.score() == 1 ? "right" : p.score() == 0 ? "wrong" : grade;
    return new StudyResults.Answer(system, p.answer(), p.label(), p.score(), verdict);
  }

  /** Whether answers get a grade from 1 to 5. */
  private static boolean graded(Outcome outcome) {
    return outcome.grader() == Outcome.Kind.LIKERT || outcome.grader() == Outcome.Kind.CHECKLIST;
  }
}
