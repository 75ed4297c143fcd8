package dev.graft.eval.judge;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How an evaluation ended.
 *
 * @param task its name, or "" without one
 * @param predictions the file of all judged answers
 * @param rows of the test data  @param answered answers made by this process  @param resumed answers found there
 * @param outcomes what came out for each outcome, by name ("" without a task); empty when stopped before the end
 * @param systemSeconds for each system, wall time of its answers, over all processes; what was computed together is shared out by tokens
 * @param systemTokens for each system, tokens of those answers
 * @param seconds wall time of answering, over all processes  @param peakMemoryBytes most memory resident in this process, 0 when unknown
 * @param stopped whether it was asked to stop before the end
 */
public record EvalReport(String task, Path predictions, int rows, int answered, int resumed, Map<String, OutcomeReport> outcomes, Map<String, Double> systemSeconds,
    Map<String, Long> systemTokens, double seconds, long peakMemoryBytes, boolean stopped) {

  /**
   * As JSON: {@code {"predictions", "rows", "answered", "resumed", "seconds", "peak_memory_bytes", "systems": {NAME: {metrics, "seconds",
   * "tokens"}}, "comparisons": [{"systems": [A, B], "n", "mcnemar", "t_test"}]}}. With a task also {@code "task"} and {@code "outcomes": {NAME:
   * {"title", "grader", "metric", "test", "positive", "systems", "comparisons"}}}; where these are several, the systems above them have but
   * seconds and tokens, and there are no comparisons there.
   */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    if (!task.isEmpty()) {
      json.put("task", task);
    }
    json.put("predictions", predictions.toString());
    json.put("rows", rows);
    json.put("answered", answered);
    json.put("resumed", resumed);
    json.put("stopped", stopped);
    json.put("seconds", seconds);
    json.put("peak_memory_bytes", peakMemoryBytes);
    Map<String, Object> only = outcomes.size() == 1 ? outcomes.values().iterator().next().json() : Map.of();
    Map<String, Object> all = new LinkedHashMap<>();
    if (!outcomes.isEmpty()) {
      systemSeconds.forEach((name, s) -> {
        Map<String, Object> one = new LinkedHashMap<>();
        if (only.get("systems") instanceof Map<?, ?> systems && systems.get(name) instanceof Map<?, ?> metrics) {
          metrics.forEach((key, value) -> one.put((String) key, value));
        }
        one.put("seconds", s);
        one.put("tokens", systemTokens.get(name));
        all.put(name, one);
      });
    }
    json.put("systems", all);
    json.put("comparisons", only.getOrDefault("comparisons", java.util.List.of()));
    if (!task.isEmpty()) {
      Map<String, Object> each = new LinkedHashMap<>();
      outcomes.forEach((name, outcome) -> each.put(name, outcome.json()));
      json.put("outcomes", each);
    }
    return json;
  }

  static String versus(String first, String second) {
    return first + " vs " + second;
  }

  /** As tables for people. */
  public void print(PrintWriter out) {
    boolean first = true;
    for (OutcomeReport outcome : outcomes.values()) {
      if (!first) {
        out.println();
      }
      first = false;
      outcome.outcome().ifPresent(o -> out.println(o.title() + " (" + o.name() + "): " + o.metric().id() + (o.positive() == null ? "" : " of " + o.positive()) + ", test " + o.test().id()));
      MetricsTable.print(out, outcome.systems(), systemSeconds);
      if (!outcome.comparisons().isEmpty()) {
        out.println();
        MetricsTable.print(out, outcome.comparisons());
      }
    }
  }
}
