package dev.graft.eval.bench;

import dev.graft.bindings.Recompute;
import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.cli.CliException;
import dev.graft.eval.cli.CommonOptions;
import dev.graft.eval.cli.RecomputeConverter;
import dev.graft.eval.cli.TargetList;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench dpo}: what a pair costs with DPO, and what the shared prompt and the reference cache save. */
@Command(
    name = "dpo",
    description = "Trains on pairs of random tokens and prints seconds a pair: SFT, DPO, and DPO without shared prompts and reference cache.",
    footerHeading = "%nExamples:%n",
    footer = {"  graft bench dpo --model model.gguf --prompt 384 --response 64", "  graft bench dpo --shape 1b --type Q4_K_M --json"})
public final class BenchDpoCommand implements Callable<Integer> {
  @Mixin CommonOptions common;
  @Mixin BenchModelFlags on;

  @Option(names = "--prompt", paramLabel = "N", defaultValue = "384", description = "Tokens of a prompt. Default: ${DEFAULT-VALUE}.")
  int prompt;

  @Option(names = "--response", paramLabel = "N", defaultValue = "64", description = "Tokens of each answer. Default: ${DEFAULT-VALUE}.")
  int response;

  @Option(names = "--pairs", paramLabel = "N", defaultValue = "0",
      description = "Pairs of an optimizer step; 0 takes as many as fill one micro-batch of DPO. Default: ${DEFAULT-VALUE}.")
  int pairs;

  @Option(names = "--micro-batch-tokens", paramLabel = "N", defaultValue = "1024",
      description = "Most tokens computed at once, though at least one pair; all three ways fill it as well as they can. Default: ${DEFAULT-VALUE}.")
  int microBatchTokens;

  @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Measured rounds, after one that is not; medians count. Default: ${DEFAULT-VALUE}.")
  int rounds;

  @Option(names = "--epochs-amortized", paramLabel = "N,N", split = ",", defaultValue = "1,3,12",
      description = "Epochs over which the cache's cost is spread. Default: ${DEFAULT-VALUE}.")
  List<Integer> epochs;

  @Option(names = {"--rank", "--lora-rank"}, paramLabel = "N", defaultValue = "16", description = "Rank of the adapter. Default: ${DEFAULT-VALUE}.")
  int rank;

  @Option(names = {"--targets", "--lora-targets"}, paramLabel = "LIST", converter = TargetList.class, defaultValue = "all-linear",
      description = "all-linear, or some of attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down. Default: ${DEFAULT-VALUE}.")
  String targets;

  @Option(names = "--recompute", paramLabel = "none|block|offload", defaultValue = "none", converter = RecomputeConverter.class,
      description = "Keep activations, or compute each block again in the backward pass. Default: ${DEFAULT-VALUE}.")
  Recompute recompute;

  @Override
  public Integer call() throws IOException {
    check();
    try (GraftRuntime runtime = common.openRuntime()) {
      Path file = on.file(common);
      DpoBench.Settings settings =
          new DpoBench.Settings(file, prompt, response, pairs, microBatchTokens, rounds, rank, targets, recompute, common.seed());
      DpoBench.Result result = DpoBench.run(runtime, settings, common::note);
      if (common.json()) {
        common.printJson(DpoBenchReport.json(result, epochs));
      } else {
        DpoBenchReport.print(result, epochs, common.out());
      }
    }
    return 0;
  }

  private void check() {
    on.check();
    BenchModelFlags.atLeast("--prompt", prompt, 1);
    BenchModelFlags.atLeast("--response", response, 1);
    BenchModelFlags.atLeast("--pairs", pairs, 0);
    BenchModelFlags.atLeast("--micro-batch-tokens", microBatchTokens, 1);
    BenchModelFlags.atLeast("--rounds", rounds, 1);
    epochs.forEach(n -> BenchModelFlags.atLeast("--epochs-amortized", n, 1));
    if ((long) prompt + response > 1 << 20 || pairs > 1 << 16 || microBatchTokens > 1 << 24) {
      throw CliException.usage("--prompt, --response, --pairs or --micro-batch-tokens is too much for one step; make them smaller");
    }
  }
}
