package dev.graft.eval.bench;

import dev.graft.eval.bench.DpoBench.Composition;
import dev.graft.eval.bench.DpoBench.Result;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A {@link Result} as a table for people and as JSON. */
final class DpoBenchReport {
  /** What DPO with sharing and cache may cost at most, as a multiple of SFT. */
  static final double MOST_OF_SFT = 1.35;
  /** What DPO without either must cost at least, as a multiple of DPO with both. */
  static final double LEAST_SAVED = 2.2;

  /** Below this share of processor time, times are those of the whole machine. */
  private static final double BUSY = 0.9;

  private DpoBenchReport() {}

  static void print(Result r, List<Integer> epochs, PrintWriter out) {
    line(out, "model", "%s (%s, %,d parameters)", r.settings().model(), r.model().architecture(), r.model().parameters());
    line(out, "machine", "%s, %d threads; %s", r.runtime().isa(), r.runtime().threads(), r.runtime().describe());
    line(out, "pairs", "prompt %d, answers of %d tokens; a step of %d pairs in micro-batches of at most %d tokens; rank %d on %s; median of %d rounds",
        r.settings().prompt(), r.settings().response(), r.settings().pairs(), r.settings().microBatchTokens(), r.settings().rank(), r.settings().targets(),
        r.settings().rounds());
    out.println();
    out.println(String.format(Locale.ROOT, "%-44s %9s %9s %9s %9s %9s %9s  %s", "seconds a pair", "all", "forward", "backward", "reference", "loss", "update",
        "micro-batches"));
    row(out, r, DpoBenchMethod.SFT, "(a) SFT on prompt + chosen");
    row(out, r, DpoBenchMethod.DPO, "(b) DPO, shared prompt, cached reference");
    row(out, r, DpoBenchMethod.PLAIN_DPO, "(c) DPO, two sequences, online reference");
    out.println();
    line(out, "(b) / (a)", "%.3f (at most %.2f wanted; by operations %.3f; by processor time %.3f)", r.ratio(DpoBenchMethod.DPO, DpoBenchMethod.SFT), MOST_OF_SFT,
        r.floor(DpoBenchMethod.DPO, DpoBenchMethod.SFT), r.cpuRatio(DpoBenchMethod.DPO, DpoBenchMethod.SFT));
    line(out, "(c) / (b)", "%.3f (at least %.2f wanted; by operations %.3f; by processor time %.3f)", r.ratio(DpoBenchMethod.PLAIN_DPO, DpoBenchMethod.DPO), LEAST_SAVED,
        r.floor(DpoBenchMethod.PLAIN_DPO, DpoBenchMethod.DPO), r.cpuRatio(DpoBenchMethod.PLAIN_DPO, DpoBenchMethod.DPO));
    line(out, "reference cache", "%.3f s a pair, once", r.cacheSeconds());
    for (int n : epochs) {
      line(out, "", "over %d epoch%s: (b) takes %.3f s a pair, %.3f of (a)", n, n == 1 ? "" : "s", r.amortized(n), r.amortized(n) / r.seconds(DpoBenchMethod.SFT));
    }
    line(out, "sharing", r.shareError() == 0 ? "log-probabilities are those of two sequences, bit for bit" : "log-probabilities differ by at most %.2g from those of two sequences",
        r.shareError());
    if (r.processorShare() < BUSY) {
      line(out, "busy machine", "the threads had a processor for %.0f%% of the time only: other work ran here; believe the ratios by processor time", 100 * r.processorShare());
    }
    out.flush();
  }


  private static void row(PrintWriter out, Result r, DpoBenchMethod method, String name) {
    List<DpoBenchTimes> rounds = r.rounds().get(method);
    Composition c = r.compositions().get(method);
    out.println(String.format(Locale.ROOT, "%-44s %9.3f %9.3f %9.3f %9.3f %9.4f %9.3f  %s", name, r.seconds(method), DpoBenchTimes.median(rounds, DpoBenchTimes::forward),
        DpoBenchTimes.median(rounds, DpoBenchTimes::backward), DpoBenchTimes.median(rounds, DpoBenchTimes::reference), DpoBenchTimes.median(rounds, DpoBenchTimes::loss),
        DpoBenchTimes.median(rounds, DpoBenchTimes::optimizer), batches(c)));
  }

  /** "2 of 1 pair: 894 tokens, 128 targets each". */
  private static String batches(Composition c) {
    int pairs = c.pairsOfBatches().get(0);
    return String.format(Locale.ROOT, "%d of %d pair%s: %d tokens, %d targets", c.pairsOfBatches().size(), pairs, pairs == 1 ? "" : "s", c.mostTokens(), c.mostTargets());
  }

  static Map<String, Object> json(Result r, List<Integer> epochs) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", r.settings().model().toString());
    json.put("architecture", r.model().architecture());
    json.put("parameters", r.model().parameters());
    json.put("device", r.runtime().device());
    json.put("isa", r.runtime().isa());
    json.put("threads", r.runtime().threads());
    json.put("describe", r.runtime().describe());
    json.put("seed", r.settings().seed());
    json.put("prompt", r.settings().prompt());
    json.put("response", r.settings().response());
    json.put("pairs", r.settings().pairs());
    json.put("micro_batch_tokens", r.settings().microBatchTokens());
    json.put("rank", r.settings().rank());
    json.put("targets", r.settings().targets());
    json.put("recompute", r.settings().recompute().text());
    json.put("rounds", r.settings().rounds());
    Map<String, Object> methods = new LinkedHashMap<>();
    for (DpoBenchMethod method : DpoBenchMethod.values()) {
      methods.put(method.key(), method(r, method));
    }
    json.put("methods", methods);
    json.put("ratio_dpo_to_sft", r.ratio(DpoBenchMethod.DPO, DpoBenchMethod.SFT));
    json.put("ratio_dpo_to_sft_by_operations", r.floor(DpoBenchMethod.DPO, DpoBenchMethod.SFT));
    json.put("ratio_dpo_to_sft_by_processor_time", r.cpuRatio(DpoBenchMethod.DPO, DpoBenchMethod.SFT));
    json.put("ratio_dpo_to_sft_wanted_at_most", MOST_OF_SFT);
    json.put("ratio_plain_dpo_to_dpo", r.ratio(DpoBenchMethod.PLAIN_DPO, DpoBenchMethod.DPO));
    json.put("ratio_plain_dpo_to_dpo_by_operations", r.floor(DpoBenchMethod.PLAIN_DPO, DpoBenchMethod.DPO));
    json.put("ratio_plain_dpo_to_dpo_by_processor_time", r.cpuRatio(DpoBenchMethod.PLAIN_DPO, DpoBenchMethod.DPO));
    json.put("ratio_plain_dpo_to_dpo_wanted_at_least", LEAST_SAVED);
    json.put("processor_share", r.processorShare());
    json.put("reference_cache", cache(r, epochs));
    json.put("sharing_largest_logp_difference", r.shareError());
    return json;
  }

  private static Map<String, Object> method(Result r, DpoBenchMethod method) {
    Composition c = r.compositions().get(method);
    List<DpoBenchTimes> rounds = r.rounds().get(method);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("seconds_per_pair", r.seconds(method));
    json.put("forward_seconds", DpoBenchTimes.median(rounds, DpoBenchTimes::forward));
    json.put("loss_seconds", DpoBenchTimes.median(rounds, DpoBenchTimes::loss));
    json.put("backward_seconds", DpoBenchTimes.median(rounds, DpoBenchTimes::backward));
    json.put("reference_seconds", DpoBenchTimes.median(rounds, DpoBenchTimes::reference));
    json.put("optimizer_seconds", DpoBenchTimes.median(rounds, DpoBenchTimes::optimizer));
    json.put("processor_seconds", DpoBenchTimes.median(rounds, DpoBenchTimes::cpu));
    json.put("pairs_of_micro_batches", c.pairsOfBatches());
    json.put("tokens_per_pair", c.perPair().rows());
    json.put("targets_per_pair", c.perPair().targets());
    json.put("flops_per_pair", c.flops().total());
    json.put("flops_per_second", c.flops().total() / r.seconds(method));
    json.put("rounds_seconds_per_pair", rounds.stream().map(DpoBenchTimes::total).toList());
    return json;
  }

  private static Map<String, Object> cache(Result r, List<Integer> epochs) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("seconds_per_pair", r.cacheSeconds());
    List<Map<String, Object>> amortized = new ArrayList<>();
    for (int n : epochs) {
      Map<String, Object> each = new LinkedHashMap<>();
      each.put("epochs", n);
      each.put("seconds_per_pair", r.amortized(n));
      each.put("ratio_to_sft", r.amortized(n) / r.seconds(DpoBenchMethod.SFT));
      amortized.add(each);
    }
    json.put("amortized", amortized);
    return json;
  }

  private static void line(PrintWriter out, String name, String format, Object... values) {
    out.println(String.format(Locale.ROOT, "%-16s  ", name) + String.format(Locale.ROOT, format, values));
  }
}
