package dev.graft.eval.bench;

import dev.graft.eval.bench.TrainBench.Result;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A {@link Result} as a table for people and as JSON. */
final class TrainBenchReport {
  private static final double MIB = 1024 * 1024;

  private TrainBenchReport() {}

  static void print(Result r, PrintWriter out) {
    double forward = StepTimes.median(r.steps(), StepTimes::forward);
    double backward = StepTimes.median(r.steps(), StepTimes::backward);
    line(out, "model", "%s (%s, %,d parameters, file %.1f MiB)", r.settings().model(), r.model().architecture(), r.model().parameters(),
        r.model().fileBytes() / MIB);
    line(out, "machine", "%s, %d threads; %s", r.runtime().isa(), r.runtime().threads(), r.runtime().describe());
    line(out, "step", "%d x %d tokens, rank %d on %s (%,d trained parameters), recompute %s, median of %d steps", r.settings().batch(),
        r.settings().sequence(), r.settings().rank(), r.settings().targets(), r.adapterParameters(), r.settings().recompute().text(),
        r.steps().size());
    line(out, "f32 FMA peak", "%.1f GFLOP/s before, %.1f after; the higher counts", r.before().fmaFlops() * 1e-9, r.after().fmaFlops() * 1e-9);
    share(out, "forward", forward, r.flops().forward(), r.peakFlops());
    share(out, "backward", backward, r.flops().backward(), r.peakFlops());
    share(out, "forward+backward", StepTimes.median(r.steps(), StepTimes::compute), r.flops().compute(), r.peakFlops());
    line(out, "optimizer", "%.3f s", StepTimes.median(r.steps(), StepTimes::optimizer));
    line(out, "training speed", "%.1f tokens/s", r.tokensPerSecond());
    line(out, "attention", "%.1f GFLOP a step, done within the times above and not counted in them", r.flops().attention() * 1e-9);
    if (r.peakResidentBytes().isPresent()) {
      long peak = r.peakResidentBytes().getAsLong();
      line(out, "memory", "%.1f MiB resident at most; file %.1f MiB; difference %.1f MiB, of which the session takes %.1f MiB", peak / MIB,
          r.model().fileBytes() / MIB, (peak - r.model().fileBytes()) / MIB, r.sessionBytes() / MIB);
    } else {
      line(out, "memory", "the session takes %.1f MiB (this system does not tell the peak)", r.sessionBytes() / MIB);
    }
    line(out, "counting", "products with the weights: 2N FLOP a token forward and 2N backward (dx), head on target rows;%n%20s%s", "",
        "adapter, norms, attention and recomputed work not counted");
    out.flush();
  }

  static Map<String, Object> json(Result r) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", r.settings().model().toString());
    json.put("architecture", r.model().architecture());
    json.put("parameters", r.model().parameters());
    json.put("file_bytes", r.model().fileBytes());
    json.put("adapter_parameters", r.adapterParameters());
    json.put("device", r.runtime().device());
    json.put("isa", r.runtime().isa());
    json.put("threads", r.runtime().threads());
    json.put("describe", r.runtime().describe());
    json.put("seed", r.settings().seed());
    json.put("sequence", r.settings().sequence());
    json.put("batch", r.settings().batch());
    json.put("rank", r.settings().rank());
    json.put("targets", r.settings().targets());
    json.put("recompute", r.settings().recompute().text());
    json.put("peak_fma_flops_before", r.before().fmaFlops());
    json.put("peak_fma_flops_after", r.after().fmaFlops());
    json.put("copy_bytes_per_second", Math.max(r.before().copyBytes(), r.after().copyBytes()));
    List<Map<String, Object>> steps = new ArrayList<>();
    for (StepTimes t : r.steps()) {
      steps.add(times(t.forward(), t.backward(), t.optimizer(), t.loss()));
    }
    json.put("steps", steps);
    json.put("median", times(StepTimes.median(r.steps(), StepTimes::forward), StepTimes.median(r.steps(), StepTimes::backward),
        StepTimes.median(r.steps(), StepTimes::optimizer), StepTimes.median(r.steps(), StepTimes::loss)));
    json.put("tokens_per_second", r.tokensPerSecond());
    json.put("flops_forward", r.flops().forward());
    json.put("flops_backward", r.flops().backward());
    json.put("flops_attention_not_counted", r.flops().attention());
    json.put("flops_per_second", r.flops().compute() / StepTimes.median(r.steps(), StepTimes::compute));
    json.put("ratio_to_fma_peak", r.ratio());
    json.put("session_bytes", r.sessionBytes());
    json.put("peak_resident_bytes", r.peakResidentBytes().isPresent() ? r.peakResidentBytes().getAsLong() : null);
    json.put("peak_resident_minus_file_bytes", r.peakResidentBytes().isPresent() ? r.peakResidentBytes().getAsLong() - r.model().fileBytes() : null);
    return json;
  }

  private static Map<String, Object> times(double forward, double backward, double optimizer, double loss) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("forward_seconds", forward);
    json.put("backward_seconds", backward);
    json.put("optimizer_seconds", optimizer);
    json.put("loss", loss);
    return json;
  }

  private static void share(PrintWriter out, String name, double seconds, double flops, double peak) {
    line(out, name, "%.3f s, %.1f GFLOP, %.1f GFLOP/s, %.1f%% of the FMA peak", seconds, flops * 1e-9, flops / seconds * 1e-9,
        100 * flops / seconds / peak);
  }

  private static void line(PrintWriter out, String name, String format, Object... values) {
    out.println(String.format(Locale.ROOT, "%-18s  ", name) + String.format(Locale.ROOT, format, values));
  }
}
