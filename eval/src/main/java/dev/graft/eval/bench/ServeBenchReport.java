package dev.graft.eval.bench;

import dev.graft.eval.bench.ServeBench.Load;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Loads that servers bore, as a table for people and as JSON. */
final class ServeBenchReport {
  private static final double MILLI = 1e3;

  private ServeBenchReport() {}

  static void print(Map<String, Load> loads, Double ratio, PrintWriter out) {
    out.println(String.format(Locale.ROOT, "%-28s %8s %9s %12s %12s %12s %12s %12s", "", "requests", "tokens/s", "prompt tok/s", "first p50 ms", "first p99 ms", "next p50 ms", "next p99 ms"));
    loads.forEach((name, load) -> out.println(String.format(Locale.ROOT, "%-28s %8d %9.2f %12.1f %12.1f %12.1f %12.1f %12.1f", name, load.requests(), load.tokensPerSecond(),
        load.promptTokens() / load.seconds(), MILLI * Load.quantile(load.firstText(), 0.5), MILLI * Load.quantile(load.firstText(), 0.99), MILLI * Load.quantile(load.gaps(), 0.5),
        MILLI * Load.quantile(load.gaps(), 0.99))));
    if (ratio != null) {
      out.println(String.format(Locale.ROOT, "ours with one adapter writes %.2f times as many tokens a second as java-llama.cpp with it", ratio));
    }
    out.flush();
  }

  static Map<String, Object> json(Map<String, Load> loads, Double ratio) {
    Map<String, Object> json = new LinkedHashMap<>();
    loads.forEach((name, load) -> {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("requests", load.requests());
      row.put("seconds", load.seconds());
      row.put("prompt_tokens", load.promptTokens());
      row.put("answer_tokens", load.answerTokens());
      row.put("tokens_per_second", load.tokensPerSecond());
      row.put("first_text_p50_seconds", Load.quantile(load.firstText(), 0.5));
      row.put("first_text_p99_seconds", Load.quantile(load.firstText(), 0.99));
      row.put("between_p50_seconds", Load.quantile(load.gaps(), 0.5));
      row.put("between_p99_seconds", Load.quantile(load.gaps(), 0.99));
      json.put(name, row);
    });
    json.put("ratio_to_peer", ratio);
    return json;
  }
}
