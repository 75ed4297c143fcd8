package dev.graft.eval.bench;

import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.cli.CliException;
import dev.graft.eval.cli.CommonOptions;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench decode}: speed of reading prompts and of writing, beside the machine's bandwidth measured in the same run. */
@Command(
    name = "decode",
    description = "Reads a random prompt, beside a forward pass of training, writes greedily, alone and several at a time, and prints tokens/s and shares of this machine's read bandwidth and f32 FMA peak.",
    footerHeading = "%nExamples:%n",
    footer = {"  graft bench decode --shape 1b --type Q4_K_M", "  graft bench decode --model model.gguf --batches 1,16 --peer llama.cpp --json"})
public final class BenchDecodeCommand implements Callable<Integer> {
  private static final int MOST_SEQUENCES = 256;

  @Mixin CommonOptions common;
  @Mixin BenchModelFlags on;

  @Option(names = "--prompt", paramLabel = "N", defaultValue = "256", description = "Tokens read before writing. Default: ${DEFAULT-VALUE}.")
  int prompt;

  @Option(names = {"--tokens", "--max-tokens"}, paramLabel = "N", defaultValue = "16", description = "Tokens that each sequence writes. Default: ${DEFAULT-VALUE}.")
  int tokens;

  @Option(names = "--batches", paramLabel = "LIST", split = ",", defaultValue = "1,4,16", description = "How many sequences write at a time. Default: ${DEFAULT-VALUE}.")
  List<Integer> batches;

  @Option(names = "--repeats", paramLabel = "N", defaultValue = "2", description = "Rounds; the best of each counts. Default: ${DEFAULT-VALUE}.")
  int repeats;

  @Option(names = "--peer", paramLabel = "llama.cpp", description = "Runs java-llama.cpp on the same file in turn, one sequence, and prints the ratios.")
  String peer;

  @Override
  public Integer call() throws IOException {
    check();
    try (GraftRuntime runtime = common.openRuntime()) {
      DecodeBench.Settings settings = new DecodeBench.Settings(on.file(common), prompt, tokens, List.copyOf(batches),
          repeats, peer != null, common.seed());
      DecodeBench.Result result = DecodeBench.run(runtime, settings, common::note);
      if (common.json()) {
        common.printJson(DecodeBenchReport.json(result));
      } else {
        DecodeBenchReport.print(result, common.out());
      }
    }
    return 0;
  }

  private void check() {
    on.check();
    if (peer != null && !"llama.cpp".equals(peer)) {
      throw CliException.usage("--peer " + peer + " is not known; only llama.cpp is");
    }
    within("--prompt", prompt, 1 << 20);
    within("--tokens", tokens, 1 << 20);
    within("--repeats", repeats, 1000);
    for (int batch : batches) {
      within("--batches", batch, MOST_SEQUENCES);
    }
  }

  private static void within(String flag, int value, int most) {
    if (value < 1 || value > most) {
      throw CliException.usage(flag + " " + value + " must be between 1 and " + most);
    }
  }
}
