package dev.graft.eval.cli;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.plan.EvaluationPlan;
import dev.graft.trainer.plan.Flops;
import dev.graft.trainer.plan.MemoryPlan;
import dev.graft.trainer.plan.Planner;
import dev.graft.trainer.plan.Speed;
import dev.graft.trainer.plan.Way;
import dev.graft.trainer.plan.WayPlan;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunOptions;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A plan as a table for people and as JSON.
 *
 * @param plans in the order to show  @param chosen the way that the flags ask for
 */
record PlanReport(Model model, Adapter adapter, GraftRuntime runtime, RunOptions options, Dataset data, Planner planner, Speed speed, List<WayPlan> plans, Way chosen) {

  void print(PrintWriter out) {
    line(out, "model", "%s (%s, %,d parameters), %s", model.path(), model.info().architecture(), model.info().parameters(), MemoryCheck.gib(model.info().fileBytes()));
    line(out, "data", "%s: %,d %s, %,d prompt tokens and %,d answer tokens", data.file(), data.examples().size(), rows(), chosenPlan().promptTokens(),
        chosenPlan().completionTokens());
    line(out, "run", "%,d steps of %d rows, %.4g epochs; %s, %,d trained parameters; recompute %s; at most %,d tokens at once", planner.steps(),
        options.batching().rowsPerStep(), planner.epochs(), full() ? "all weights" : "rank " + adapter.info().rank(), trainedParameters(), options.batching().recompute().text(),
        chosenPlan().maxTokens());
    line(out, "speed", "%.3g GFLOP/s forward, %.3g backward, %.3g scoring: %s; %s, %d threads", speed.forward() * 1e-9, speed.backward() * 1e-9, speed.scoring() * 1e-9,
        speed.source(), runtime.info().isa(), runtime.info().threads());
    out.println();
    String heads = "%-40s %12s %10s %9s %11s %11s %10s %11s %7s %10s";
    out.println(String.format(Locale.ROOT, heads, "", "tokens", "head rows", "micro-", "TFLOP", "TFLOP", "time", "once, for", "", "memory"));
    out.println(String.format(Locale.ROOT, heads, "", "computed", "an epoch", "batches", "a step", "an epoch", "an epoch", "reference", "in all", "at most"));
    for (WayPlan plan : plans) {
      String name = (plans.size() == 1 ? "" : plan.way().equals(chosen) ? "* " : "  ") + plan.way().text();
      out.println(String.format(Locale.ROOT, "%-40s %,12d %,10d %,9d %11.4g %11.4g %10s %11s %7s %10s", name, plan.perEpoch().rows(), plan.perEpoch().targets(),
          plan.microBatches(), stepFlops(plan) * 1e-12, plan.allEpochFlops() * 1e-12, time(plan.epochSeconds()),
          plan.onceFlops() == 0 ? "-" : time(plan.onceSeconds()), time(plan.totalSeconds()), MemoryCheck.gib(plan.memory().peak())));
    }
    out.println();
    if (plans.size() > 1) {
      line(out, "* is chosen", "%s: %s in all%s", chosen.text(), time(chosenPlan().totalSeconds()), times());
    }
    EvaluationPlan evaluation = chosenPlan().evaluation();
    if (evaluation.count() > 0) {
      line(out, "evaluation", "%,d times on %,d rows, %s each: %s of the time in all", evaluation.count(), evaluation.rows(), time(evaluation.seconds()),
          time(evaluation.count() * evaluation.seconds()));
    }
    MemoryPlan memory = chosenPlan().memory();
    line(out, "memory", "%s model file + %s session + %s %s and optimizer%s%s = %s%s", MemoryCheck.gib(memory.modelFile()), MemoryCheck.gib(memory.session()),
        MemoryCheck.gib(memory.adapterAndOptimizer()), full() ? "weights" : "adapter", memory.reference() == 0 ? "" : " + " + MemoryCheck.gib(memory.reference()) + " reference",
        memory.java() == 0 ? "" : " + " + MemoryCheck.gib(memory.java()) + " Java", MemoryCheck.gib(memory.peak()),
        memory.available() == 0 ? "" : (memory.fits() ? ", which fits the " : ", more than the ") + MemoryCheck.gib(memory.available()) + " available");
    if (memory.cachePass() > memory.session() + memory.adapterAndOptimizer()) {
      line(out, "", "%s for filling the reference cache, before training: the most that is needed at a time", MemoryCheck.gib(memory.cachePass()));
    }
    List<String> advice = planner.advice(chosen);
    for (int i = 0; i < advice.size(); i++) {
      line(out, i == 0 ? "would help" : "", "%s", advice.get(i));
    }
    out.flush();
  }

  /** ", 1.18 times sft, which is ...". */
  private String times() {
    WayPlan sft = plans.get(0);
    return sft.way().equals(Way.SFT) && !chosen.equals(Way.SFT)
        ? String.format(Locale.ROOT, "; an epoch is %.2f times that of sft on the chosen answers", chosenPlan().epochSeconds() / sft.epochSeconds())
        : "";
  }

  private boolean full() {
    return options.full() != null;
  }

  private long trainedParameters() {
    return full() ? model.info().parameters() : adapter.info().parameters();
  }

  /** What the rows are called. */
  private String rows() {
    return switch (data.kind()) {
      case PREFERENCE -> "pairs";
      case UNPAIRED -> "labelled rows";
      default -> "rows";
    };
  }

  private WayPlan chosenPlan() {
    return plans.stream().filter(plan -> plan.way().equals(chosen)).findFirst().orElseThrow();
  }

  private double stepFlops(WayPlan plan) {
    return plan.allEpochFlops() * options.batching().rowsPerStep() / data.examples().size();
  }

  /** "0.25 s", "45 s" or "2:05:00". */
  private static String time(double seconds) {
    return seconds < 10 ? String.format(Locale.ROOT, "%.2g s", seconds) : Durations.text(seconds);
  }

  private static void line(PrintWriter out, String name, String format, Object... values) {
    out.println(String.format(Locale.ROOT, "%-12s  ", name) + String.format(Locale.ROOT, format, values));
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model", model.path().toString());
    json.put("data", data.file().toString());
    json.put("kind", data.kind().name().toLowerCase(Locale.ROOT));
    json.put("rows", data.examples().size());
    json.put("steps", planner.steps());
    json.put("rows_per_step", options.batching().rowsPerStep());
    json.put("epochs", planner.epochs());
    json.put("trainable_parameters", trainedParameters());
    json.put("recompute", options.batching().recompute().text());
    json.put("device", runtime.info().device());
    json.put("isa", runtime.info().isa());
    json.put("threads", runtime.info().threads());
    Map<String, Object> measured = new LinkedHashMap<>();
    measured.put("forward_flops_per_second", speed.forward());
    measured.put("backward_flops_per_second", speed.backward());
    measured.put("scoring_flops_per_second", speed.scoring());
    measured.put("optimizer_seconds", speed.optimizerSeconds());
    measured.put("source", speed.source());
    json.put("speed", measured);
    json.put("chosen", chosen.text());
    json.put("methods", plans.stream().map(this::method).toList());
    json.put("advice", planner.advice(chosen));
    return json;
  }

  private Map<String, Object> method(WayPlan plan) {
    Way way = plan.way();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", way.text());
    json.put("method", way.dpo() ? "dpo" : "sft");
    json.put("prefix_sharing", way.dpo() ? way.prefixSharing() : null);
    json.put("reference", way.dpo() ? way.reference().name().toLowerCase(Locale.ROOT) : null);
    json.put("chosen", way.equals(chosen));
    json.put("prompt_tokens_per_epoch", plan.promptTokens());
    json.put("completion_tokens_per_epoch", plan.completionTokens());
    json.put("computed_tokens_per_epoch", plan.perEpoch().rows());
    json.put("head_rows_per_epoch", plan.perEpoch().targets());
    json.put("attention_pairs_per_epoch", plan.perEpoch().pairs());
    json.put("micro_batches_per_epoch", plan.microBatches());
    json.put("micro_batch_tokens", plan.maxTokens());
    json.put("flops_per_step", stepFlops(plan));
    json.put("flops_per_epoch", plan.allEpochFlops());
    json.put("flops_per_epoch_by_part", parts(plan.epochFlops(), plan.klFlops().total(), way.online() ? plan.referenceFlops().total() : 0));
    json.put("flops_once", plan.onceFlops());
    json.put("evaluations", plan.evaluation().count());
    json.put("flops_per_evaluation", plan.evaluation().flops().total());
    json.put("flops_total", plan.totalFlops(planner.epochs()));
    json.put("seconds_per_step", plan.stepSeconds());
    json.put("seconds_per_epoch", plan.epochSeconds());
    json.put("seconds_once", plan.onceSeconds());
    json.put("seconds_per_evaluation", plan.evaluation().seconds());
    json.put("seconds_total", plan.totalSeconds());
    json.put("ratio_to_sft", plans.get(0).way().equals(Way.SFT) ? (Double) (plan.epochSeconds() / plans.get(0).epochSeconds()) : null);
    json.put("memory", memory(plan.memory()));
    return json;
  }

  private static Map<String, Object> parts(Flops flops, double kl, double reference) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("forward", flops.forward());
    json.put("backward", flops.backward());
    json.put("forward_attention", flops.forwardAttention());
    json.put("backward_attention", flops.backwardAttention());
    json.put("kl_estimate", kl);
    json.put("reference", reference);
    return json;
  }

  private static Map<String, Object> memory(MemoryPlan memory) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model_file_bytes", memory.modelFile());
    json.put("session_bytes", memory.session());
    json.put("adapter_and_optimizer_bytes", memory.adapterAndOptimizer());
    json.put("reference_bytes", memory.reference());
    json.put("cache_pass_bytes", memory.cachePass());
    json.put("java_bytes", memory.java());
    json.put("peak_bytes", memory.peak());
    json.put("available_bytes", memory.available() == 0 ? null : (Long) memory.available());
    json.put("fits", memory.fits());
    return json;
  }
}
