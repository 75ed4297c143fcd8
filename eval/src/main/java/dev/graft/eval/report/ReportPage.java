package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Metric;
import dev.graft.eval.report.StudyResults.Outcome;
import dev.graft.eval.report.StudyResults.Pair;
import dev.graft.eval.report.StudyResults.Point;
import dev.graft.eval.report.StudyResults.SystemResult;
import dev.graft.eval.report.StudyResults.Task;
import dev.graft.eval.report.StudyResults.Trial;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What the templates show: results, with charts drawn and sentences made. Immutable.
 *
 * @param results of the study  @param published what the study of that name reported, or null
 * @param gaps what is missing  @param caveats what to be careful about  @param drawing why there are no charts, or null
 * @param tasks in order  @param ratioChart SVG, or empty  @param css of the page
 */
public record ReportPage(StudyResults results, PublishedStudy published, List<String> gaps, List<String> caveats, String drawing, List<TaskView> tasks, String ratioChart,
    String css) {
  /** Samples shown for an outcome. */
  public static final int SAMPLES = 8;
  private static final int CURVE_ROWS = 60;

  /** A task. @param id unique in the page */
  public record TaskView(Task task, String id, String title, List<OutcomeView> outcomes, List<CurveView> curves) {}

  /** An outcome. @param svg its bars, or empty @param published what the study reported, or null */
  public record OutcomeView(Outcome outcome, String id, String title, String svg, PublishedStudy.Reported published) {
    /** Names of all metrics that a system has. */
    public Set<String> metrics() {
      Set<String> names = new LinkedHashSet<>();
      outcome.systems().forEach(s -> names.addAll(s.metrics().keySet()));
      return names;
    }

    /** The compared metric of a system, or null. */
    public Metric of(String system) {
      return outcome.system(system).map(s -> s.metrics().get(outcome.metric())).orElse(null);
    }

    /** "0.95", or "–". */
    public String value(String system) {
      Metric metric = of(system);
      return Words.value(outcome.metric(), metric == null ? null : metric.value());
    }

    /** "0.91 to 0.98", or "". */
    public String interval(String system) {
      Metric metric = of(system);
      return metric == null || metric.ci95() == null ? "" : Words.interval(outcome.metric(), metric.ci95());
    }

    /** Systems with a confusion or label matrix. */
    public List<SystemResult> withCounts() {
      return outcome.systems().stream().filter(s -> s.confusion() != null || s.labels() != null).toList();
    }
  }

  /** Trainings drawn together. @param table for each step, a loss of each training; null where it has none */
  public record CurveView(String title, String svg, Double cut, List<String> names, Map<Long, List<Double>> table) {}

  /** Lays out the results. */
  static ReportPage of(StudyResults results, String css, String drawing) {
    PublishedStudy published = PublishedStudy.of(results.study()).orElse(null);
    List<TaskView> tasks = new ArrayList<>();
    for (Task task : results.tasks()) {
      tasks.add(view(task, "t" + tasks.size(), results, published, drawing == null));
    }
    List<RatioChart.Bar> bars = ratios(results, published);
    String ratio = drawing != null || bars.stream().noneMatch(RatioChart.Bar::ours) ? "" : RatioChart.svg("ratio", bars);
    return new ReportPage(results, published, Gaps.of(results), Caveats.of(results), drawing, tasks, ratio, css);
  }

  private static TaskView view(Task task, String id, StudyResults results, PublishedStudy published, boolean draw) {
    List<OutcomeView> outcomes = new ArrayList<>();
    for (Outcome outcome : task.outcomes()) {
      String key = id + "-o" + outcomes.size();
      PublishedStudy.Reported reported = published == null ? null : published.outcomes().get(outcome.name());
      boolean comparable = reported != null && reported.metric().equals(outcome.metric());
      boolean drawn = draw && !outcome.systems().isEmpty() && !results.systems().isEmpty();
      outcomes.add(new OutcomeView(outcome, key, title(outcome.title(), outcome.name()), drawn ? OutcomeChart.svg(key, outcome, results.systems(), comparable ? reported : null) : "", reported));
    }
    List<CurveView> curves = new ArrayList<>();
    List<Double> rates = task.trials().stream().map(Trial::learningRate).distinct().toList();
    groups(task.trials()).forEach((name, trials) -> {
      if (CurveChart.drawable(trials)) {
        List<String> names = trials.stream().map(ReportPage::name).toList();
        String key = id + "-c" + curves.size();
        String title = title(task.title(), task.name()) + ", " + name;
        curves.add(new CurveView(name, draw ? CurveChart.svg(key, trials, names, rates, title + ": loss over steps") : "", CurveChart.cut(trials), names, table(trials)));
      }
    });
    return new TaskView(task, id, title(task.title(), task.name()), outcomes, curves);
  }

  private static String title(String title, String name) {
    return Words.text(title == null || title.isBlank() ? name : title);
  }

  private static Map<String, List<Trial>> groups(List<Trial> trials) {
    Map<String, List<Trial>> groups = new LinkedHashMap<>();
    for (Trial trial : trials) {
      String name = method(trial.method()) + " " + Words.text(trial.phase()) + (trial.beta() == null ? "" : ", β " + Words.plain(trial.beta()));
      groups.computeIfAbsent(name, key -> new ArrayList<>()).add(trial);
    }
    return groups;
  }

  private static String name(Trial trial) {
    return Words.rate(trial.learningRate()) + (trial.chosen() ? " (chosen)" : "");
  }

  /** SFT, DPO. */
  public static String method(String method) {
    return "sft".equals(method) || "dpo".equals(method) ? method.toUpperCase(java.util.Locale.ROOT) : Words.text(method);
  }

  private static Map<Long, List<Double>> table(List<Trial> trials) {
    boolean evaluated = trials.stream().anyMatch(t -> !t.evaluation().isEmpty());
    Map<Long, List<Double>> table = new TreeMap<>();
    for (int i = 0; i < trials.size(); i++) {
      for (Point point : evaluated ? trials.get(i).evaluation() : trials.get(i).training()) {
        List<Double> row = table.computeIfAbsent(point.step(), step -> new ArrayList<>(java.util.Collections.nCopies(trials.size(), null)));
        row.set(i, point.loss());
      }
    }
    List<Long> steps = List.copyOf(table.keySet());
    for (int i = 0; steps.size() > CURVE_ROWS && i < steps.size() - 1; i++) {
      if (i * CURVE_ROWS / steps.size() == (i + 1) * CURVE_ROWS / steps.size()) {
        table.remove(steps.get(i));
      }
    }
    return table;
  }

  private static List<RatioChart.Bar> ratios(StudyResults results, PublishedStudy published) {
    List<RatioChart.Bar> bars = new ArrayList<>();
    for (Task task : results.tasks()) {
      if (task.dpoToSft() != null) {
        bars.add(new RatioChart.Bar(title(task.title(), task.name()), task.dpoToSft(), true));
      }
      PublishedStudy.Minutes minutes = published == null ? null : published.minutes().get(task.name());
      if (minutes != null) {
        bars.add(new RatioChart.Bar(title(task.title(), task.name()) + " (study)", minutes.ratio(), false));
      }
    }
    return bars;
  }

  /** "Base, SFT and DPO". */
  public String systemNames() {
    List<String> names = results.systems();
    String joined = names.size() < 2 ? String.join("", names) : String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.get(names.size() - 1);
    return joined.isEmpty() ? "Study" : Character.toUpperCase(joined.charAt(0)) + joined.substring(1);
  }

  /** All outcomes of all tasks. */
  public List<OutcomeView> outcomes() {
    return tasks.stream().flatMap(t -> t.outcomes().stream()).toList();
  }

  /** Every two systems, in order. */
  public List<Pair> pairs() {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < results.systems().size(); i++) {
      for (int j = i + 1; j < results.systems().size(); j++) {
        pairs.add(new Pair(results.systems().get(i), results.systems().get(j), null, 0, null, null, null, null, null, false));
      }
    }
    return pairs;
  }

  /** The comparison of two systems in an outcome, either way round; or null. */
  public static Pair find(Outcome outcome, Pair wanted) {
    return outcome.comparisons().stream()
        .filter(p -> wanted.first().equals(p.first()) && wanted.second().equals(p.second()) || wanted.first().equals(p.second()) && wanted.second().equals(p.first()))
        .findFirst().orElse(null);
  }

  /** Our outcome of this name, or null. */
  public OutcomeView outcome(String name) {
    return outcomes().stream().filter(o -> name.equals(o.outcome().name())).findFirst().orElse(null);
  }

  /** "0.63 → 0.98 → 0.95". */
  public static String arrows(String metric, List<Double> values) {
    return String.join(" → ", values.stream().map(v -> Words.value(metric, v)).toList());
  }

  /** The same of ours, or "not run". */
  public String arrows(OutcomeView outcome) {
    return outcome == null ? "not run" : String.join(" → ", results.systems().stream().map(outcome::value).toList());
  }
}
