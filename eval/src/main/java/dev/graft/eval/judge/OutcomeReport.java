package dev.graft.eval.judge;

import dev.graft.eval.task.Outcome;
import dev.graft.trainer.run.RunException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What came out for one outcome.
 *
 * @param outcome of the task; empty without one
 * @param systems metrics of each system's graded answers, in the order asked for
 * @param comparisons of every two systems, by "first vs second", on the rows that both have a grade on
 * @param ungraded answers without a grade, of the systems that have such
 */
public record OutcomeReport(Optional<Outcome> outcome, Map<String, SystemMetrics> systems, Map<String, Comparison> comparisons, Map<String, Integer> ungraded) {
  /**
   * Of each system's graded predictions, in the order of the rows.
   *
   * @param positive the label for F1 and its kin, or null
   * @throws RunException when a system, or two together, have no graded row
   */
  static OutcomeReport of(Optional<Outcome> outcome, Map<String, List<Prediction>> judged, Map<String, Integer> ungraded, String positive) {
    Map<String, SystemMetrics> systems = new LinkedHashMap<>();
    judged.forEach((name, list) -> {
      if (list.isEmpty()) {
        throw RunException.failed("none of the answers of '" + name + "' got a grade: " + ungraded.get(name) + " have none; the lines with \"ungraded\" in predictions.jsonl say why", null);
      }
      systems.put(name, SystemMetrics.of(list, positive));
    });
    Map<String, Comparison> comparisons = new LinkedHashMap<>();
    List<String> names = List.copyOf(systems.keySet());
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        comparisons.put(EvalReport.versus(names.get(i), names.get(j)), compared(judged.get(names.get(i)), judged.get(names.get(j))));
      }
    }
    return new OutcomeReport(outcome, systems, comparisons, ungraded);
  }

  private static Comparison compared(List<Prediction> first, List<Prediction> second) {
    Set<String> a = first.stream().map(Prediction::key).collect(Collectors.toSet());
    Set<String> b = second.stream().map(Prediction::key).collect(Collectors.toSet());
    return Comparison.of(first.stream().filter(p -> b.contains(p.key())).toList(), second.stream().filter(p -> a.contains(p.key())).toList());
  }

  /** As JSON: {@code {"title", "grader", "metric", "test", "positive", "systems": {NAME: metrics}, "comparisons": [...]}}; the first five with a task. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    outcome.ifPresent(o -> {
      json.put("title", o.title());
      json.put("grader", o.grader().id());
      json.put("metric", o.metric().id());
      json.put("test", o.test().id());
      json.put("positive", o.positive());
    });
    Map<String, Object> all = new LinkedHashMap<>();
    systems.forEach((name, metrics) -> {
      Map<String, Object> one = metrics.json();
      if (ungraded.containsKey(name)) {
        one.put("ungraded", ungraded.get(name));
      }
      all.put(name, one);
    });
    json.put("systems", all);
    json.put("comparisons", pairs());
    return json;
  }

  private List<Object> pairs() {
    List<Object> pairs = new ArrayList<>();
    List<String> names = List.copyOf(systems.keySet());
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        Map<String, Object> pair = new LinkedHashMap<>();
        pair.put("systems", List.of(names.get(i), names.get(j)));
        pair.putAll(comparisons.get(EvalReport.versus(names.get(i), names.get(j))).json());
        pairs.add(pair);
      }
    }
    return pairs;
  }
}
