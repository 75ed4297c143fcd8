package dev.graft.eval.bench;

import dev.graft.eval.bench.ServeBench.Load;
import dev.graft.eval.bench.ServeBench.UnfinishedException;
import dev.graft.trainer.llama.LlamaSlots;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Loads that servers bore, as a table for people and as JSON. */
final class ServeBenchReport {
  private static final double MILLI = 1e3;

  private ServeBenchReport() {}

  static void print(ServeComparison result, PrintWriter out) {
    out.println(String.format(Locale.ROOT, "%-28s %8s %9s %12s %12s %12s %12s %12s", "", "requests", "tokens/s", "prompt tok/s", "first p50 ms", "first p99 ms", "next p50 ms", "next p99 ms"));
    result.loads().forEach((name, load) -> out.println(String.format(Locale.ROOT, "%-28s %8d %9.2f %12.1f %12.1f %12.1f %12.1f %12.1f", name, load.requests(), load.tokensPerSecond(),
        load.promptTokens() / load.seconds(), MILLI * Load.quantile(load.firstText(), 0.5), MILLI * Load.quantile(load.firstText(), 0.99), MILLI * Load.quantile(load.gaps(), 0.5),
        MILLI * Load.quantile(load.gaps(), 0.99))));
    out.println(String.format(Locale.ROOT, "%d clients at once, %d thread%s on either side", result.clients(), result.threads(), result.threads() == 1 ? "" : "s"));
    if (result.loads().containsKey(ServeComparison.PEER) || result.unfinished() != null) {
      out.println("llama.cpp: " + LlamaSlots.describe(result.slots()));
    }
    if (result.ratio() != null) {
      out.println(String.format(Locale.ROOT, "ours with one adapter writes %.2f times as many tokens a second as java-llama.cpp with it", result.ratio()));
    } else if (result.unfinished() != null) {
      out.println("llama.cpp did not finish, so there is no ratio: " + result.unfinished().getMessage());
    }
    out.flush();
  }

  static Map<String, Object> json(ServeComparison result) {
    Map<String, Object> json = new LinkedHashMap<>();
    result.loads().forEach((name, load) -> {
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
    json.put("clients", result.clients());
    json.put("threads", result.threads());
    boolean peer = result.loads().containsKey(ServeComparison.PEER) || result.unfinished() != null;
    json.put("peer_settings", peer ? LlamaSlots.describe(result.slots()) : null);
    json.put("peer_unfinished", unfinished(result.unfinished()));
    json.put("ratio_to_peer", result.ratio());
    return json;
  }

  private static Map<String, Object> unfinished(UnfinishedException what) {
    if (what == null) {
      return null;
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("seconds", what.seconds());
    json.put("requests", what.requests());
    json.put("answers", what.answers());
    json.put("pieces", what.pieces());
    return json;
  }
}
