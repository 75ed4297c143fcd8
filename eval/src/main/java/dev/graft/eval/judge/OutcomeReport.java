package dev.graft.eval.judge;

import dev.graft.eval.task.Outcome;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What came out for one outcome.
 *
 * @param outcome of the task; empty without one
 * @param systems metrics of each system, in the order asked for  @param comparisons of every two systems, by "first vs second"
 */
public record OutcomeReport(Optional<Outcome> outcome, Map<String, SystemMetrics> systems, Map<String, Comparison> comparisons) {
  /** Of each system's predictions, in the order of the rows. @param positive the label for F1 and its kin, or null */
  static OutcomeReport of(Optional<Outcome> outcome, Map<String, List<Prediction>> judged, String positive) {
    Map<String, SystemMetrics> systems = new LinkedHashMap<>();
    judged.forEach((name, list) -> systems.put(name, SystemMetrics.of(list, positive)));
    Map<String, Comparison> comparisons = new LinkedHashMap<>();
    List<String> names = List.copyOf(systems.keySet());
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        comparisons.put(EvalReport.versus(names.get(i), names.get(j)), Comparison.of(judged.get(names.get(i)), judged.get(names.get(j))));
      }
    }
    return new OutcomeReport(outcome, systems, comparisons);
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
    systems.forEach((name, metrics) -> all.put(name, metrics.json()));
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
