package dev.graft.eval.bench;

import dev.graft.bindings.Recompute;
import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.cli.CliException;
import dev.graft.eval.cli.CommonOptions;
import dev.graft.eval.cli.RecomputeConverter;
import dev.graft.eval.cli.TargetList;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench train}: speed and memory of LoRA training, beside the machine's peak measured in the same run. */
@Command(
    name = "train",
    description = "Trains a LoRA adapter on random tokens and prints seconds, tokens/s, the share of this machine's f32 FMA peak, and memory.",
    footerHeading = "%nExamples:%n",
    footer = {"  graft bench train --model model.gguf --sequence 512 --rank 16", "  graft bench train --shape 1b --type Q4_K_M --json"})
public final class BenchTrainCommand implements Callable<Integer> {
  /** A step on random tokens needs a token to predict from and one to predict. */
  private static final int SHORTEST = 2;

  @Mixin CommonOptions common;
  @Mixin BenchModelFlags on;

  @Option(names = "--sequence", paramLabel = "N", defaultValue = "512", description = "Tokens of a row. Default: ${DEFAULT-VALUE}.")
  int sequence;

  @Option(names = {"--batch", "--batch-size"}, paramLabel = "N", defaultValue = "1", description = "Rows of a step. Default: ${DEFAULT-VALUE}.")
  int batch;

  @Option(names = {"--rank", "--lora-rank"}, paramLabel = "N", defaultValue = "16", description = "Rank of the adapter. Default: ${DEFAULT-VALUE}.")
  int rank;

  @Option(names = {"--targets", "--lora-targets"}, paramLabel = "LIST", converter = TargetList.class, defaultValue = "all-linear",
      description = "all-linear, or some of attn_q, attn_k, attn_v, attn_output, ffn_gate, ffn_up, ffn_down. Default: ${DEFAULT-VALUE}.")
  String targets;

  @Option(names = "--recompute", paramLabel = "none|block|offload", defaultValue = "none", converter = RecomputeConverter.class,
      description = "Keep activations, or compute each block again in the backward pass. Default: ${DEFAULT-VALUE}.")
  Recompute recompute;

  @Option(names = {"--steps", "--max-steps"}, paramLabel = "N", defaultValue = "3",
      description = "Measured steps, after one that is not. Default: ${DEFAULT-VALUE}.")
  int steps;

  @Override
  public Integer call() throws IOException {
    check();
    try (GraftRuntime runtime = common.openRuntime()) {
      TrainBench.Settings settings = new TrainBench.Settings(on.file(common), sequence, batch, rank, targets,
          recompute, steps, common.seed());
      TrainBench.Result result = TrainBench.run(runtime, settings, common::note);
      if (common.json()) {
        common.printJson(TrainBenchReport.json(result));
      } else {
        TrainBenchReport.print(result, common.out());
      }
    }
    return 0;
  }

  private void check() {
    on.check();
    BenchModelFlags.atLeast("--sequence", sequence, SHORTEST);
    BenchModelFlags.atLeast("--batch", batch, 1);
    BenchModelFlags.atLeast("--steps", steps, 1);
    if ((long) sequence * batch > Integer.MAX_VALUE / 8) {
      throw CliException.usage("--sequence " + sequence + " times --batch " + batch + " is too many tokens for one step; make one of them smaller");
    }
  }
}
