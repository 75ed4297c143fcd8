package dev.graft.eval.judge;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How an evaluation ended.
 *
 * @param predictions the file of all judged answers
 * @param rows of the test data  @param answered answers made by this process  @param resumed answers found there
 * @param systems metrics of each system, in the order asked for; empty when stopped before the end
 * @param comparisons of every two systems, by "first vs second"
 * @param systemSeconds for each system, wall time of its answers, over all processes; what was computed together is shared out by tokens
 * @param systemTokens for each system, tokens of those answers
 * @param seconds wall time of answering, over all processes  @param peakMemoryBytes most memory resident in this process, 0 when unknown
 * @param stopped whether it was asked to stop before the end
 */
public record EvalReport(Path predictions, int rows, int answered, int resumed, Map<String, SystemMetrics> systems, Map<String, Comparison> comparisons,
    Map<String, Double> systemSeconds, Map<String, Long> systemTokens, double seconds, long peakMemoryBytes, boolean stopped) {

  /**
   * As JSON: {@code {"predictions", "rows", "answered", "resumed", "seconds", "peak_memory_bytes", "systems": {NAME: {metrics, "seconds",
   * "tokens"}}, "comparisons": [{"systems": [A, B], "n", "mcnemar", "t_test"}]}}.
   */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("predictions", predictions.toString());
    json.put("rows", rows);
    json.put("answered", answered);
    json.put("resumed", resumed);
    json.put("stopped", stopped);
    json.put("seconds", seconds);
    json.put("peak_memory_bytes", peakMemoryBytes);
    Map<String, Object> all = new LinkedHashMap<>();
    systems.forEach((name, metrics) -> {
      Map<String, Object> one = metrics.json();
      one.put("seconds", systemSeconds.get(name));
      one.put("tokens", systemTokens.get(name));
      all.put(name, one);
    });
    json.put("systems", all);
    List<Object> pairs = new ArrayList<>();
    List<String> names = List.copyOf(systems.keySet());
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        Map<String, Object> pair = new LinkedHashMap<>();
        pair.put("systems", List.of(names.get(i), names.get(j)));
        pair.putAll(comparisons.get(versus(names.get(i), names.get(j))).json());
        pairs.add(pair);
      }
    }
    json.put("comparisons", pairs);
    return json;
  }

  static String versus(String first, String second) {
    return first + " vs " + second;
  }

  /** As tables for people. */
  public void print(PrintWriter out) {
    MetricsTable.print(out, systems, systemSeconds);
    if (!comparisons.isEmpty()) {
      out.println();
      MetricsTable.print(out, comparisons);
    }
  }
}
