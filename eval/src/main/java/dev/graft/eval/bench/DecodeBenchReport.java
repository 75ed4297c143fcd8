package dev.graft.eval.bench;

import dev.graft.eval.bench.DecodeBench.PeerSpeed;
import dev.graft.eval.bench.DecodeBench.Result;
import dev.graft.eval.bench.DecodeBench.Written;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** A {@link Result} as a table for people and as JSON. */
final class DecodeBenchReport {
  private DecodeBenchReport() {}

  static void print(Result r, PrintWriter out) {
    line(out, "model", "%s (%s, %,d parameters; a step reads %.1f MB of weights)", r.settings().model(), r.model().architecture(), r.model().parameters(),
        r.stepBytes() * 1e-6);
    line(out, "machine", "%s, %d threads; %s", r.runtime().isa(), r.runtime().threads(), r.runtime().describe());
    line(out, "peaks", "reads %.1f GB/s before, %.1f after; f32 FMA %.1f and %.1f GFLOP/s; the higher counts", r.before().readBytes() * 1e-9,
        r.after().readBytes() * 1e-9, r.before().fmaFlops() * 1e-9, r.after().fmaFlops() * 1e-9);
    line(out, "prompt", "%.1f tokens/s, %d tokens, %.1f%% of the FMA peak%s", r.promptTokensPerSecond(), r.settings().prompt(), 100 * promptShare(r),
        r.peer().map(p -> peer(r.promptTokensPerSecond(), p.promptTokensPerSecond())).orElse(""));
    line(out, "training's forward", "%.1f tokens/s on the same tokens; the prompt is read at %.2f times that", r.trainingTokensPerSecond(),
        r.promptTokensPerSecond() / r.trainingTokensPerSecond());
    for (Written w : r.written()) {
      line(out, "decode, " + w.batch() + " at a time", "%.1f tokens/s, %.2f ms a step, weights read at %.1f%% of the bandwidth, %.1f%% of the FMA peak%s",
          w.tokensPerSecond(), w.seconds() * 1e3, 100 * r.bandwidthShare(w), 100 * r.fmaShare(w),
          w.batch() == 1 ? r.peer().map(p -> peer(w.tokensPerSecond(), p.tokensPerSecond())).orElse("") : "");
    }
    out.flush();
  }

  static Map<String, Object> json(Result r) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", r.settings().model().toString());
    json.put("architecture", r.model().architecture());
    json.put("parameters", r.model().parameters());
    json.put("step_bytes", r.stepBytes());
    json.put("isa", r.runtime().isa());
    json.put("threads", r.runtime().threads());
    json.put("describe", r.runtime().describe());
    json.put("seed", r.settings().seed());
    json.put("prompt", r.settings().prompt());
    json.put("tokens", r.settings().tokens());
    json.put("repeats", r.settings().repeats());
    json.put("read_bytes_per_second", r.readBytes());
    json.put("peak_fma_flops", r.fmaFlops());
    json.put("prompt_tokens_per_second", r.promptTokensPerSecond());
    json.put("prompt_ratio_to_fma_peak", promptShare(r));
    json.put("training_forward_tokens_per_second", r.trainingTokensPerSecond());
    json.put("prompt_ratio_to_training_forward", r.promptTokensPerSecond() / r.trainingTokensPerSecond());
    List<Map<String, Object>> decode = new ArrayList<>();
    for (Written w : r.written()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("batch", w.batch());
      one.put("tokens_per_second", w.tokensPerSecond());
      one.put("step_seconds", w.seconds());
      one.put("ratio_to_read_bandwidth", r.bandwidthShare(w));
      one.put("ratio_to_fma_peak", r.fmaShare(w));
      decode.add(one);
    }
    json.put("decode", decode);
    json.put("peer", r.peer().map(p -> peerJson(r, p)).orElse(null));
    return json;
  }

  private static Map<String, Object> peerJson(Result r, PeerSpeed p) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", "llama.cpp");
    json.put("prompt_tokens_per_second", p.promptTokensPerSecond());
    json.put("tokens_per_second", p.tokensPerSecond());
    json.put("prompt_ratio", r.promptTokensPerSecond() / p.promptTokensPerSecond());
    Optional<Written> alone = r.written().stream().filter(w -> w.batch() == 1).findFirst();
    json.put("decode_ratio", alone.map(w -> w.tokensPerSecond() / p.tokensPerSecond()).orElse(null));
    return json;
  }

  /** Products of a prompt: every row goes through the blocks, one through the head. */
  private static double promptShare(Result r) {
    double head = 2.0 * r.model().width() * r.model().vocabulary();
    double flops = (r.model().flopsPerToken() - head) * r.settings().prompt() + head;
    return flops / (r.settings().prompt() / r.promptTokensPerSecond()) / r.fmaFlops();
  }

  private static String peer(double ours, double theirs) {
    return String.format(Locale.ROOT, "; llama.cpp %.1f, ratio %.2f", theirs, ours / theirs);
  }

  private static void line(PrintWriter out, String name, String format, Object... values) {
    out.println(String.format(Locale.ROOT, "%-22s  ", name) + String.format(Locale.ROOT, format, values));
  }
}
