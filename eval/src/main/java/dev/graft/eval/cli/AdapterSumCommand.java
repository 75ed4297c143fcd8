package dev.graft.eval.cli;

import dev.graft.bindings.WeightType;
import dev.graft.eval.adapter.AdapterChanges;
import dev.graft.eval.adapter.AdapterFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft adapter sum}. */
@Command(
    name = "sum",
    customSynopsis = "graft adapter sum A.gguf B.gguf [...] [--weights X,Y,...] --output OUT.gguf [--rank R] [flags]",
    description = "Writes the weighted sum of adapters of one model. Their ranks are put end to end, so nothing is lost; --rank then reduces every"
        + " pair to its nearest of a lower rank and says what that cost.",
    footerHeading = "%nExample:%n",
    footer = {"  graft adapter sum sft.gguf style.gguf --weights 1,0.5 --output both.gguf"})
final class AdapterSumCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "ADAPTER.gguf", arity = "1..*", description = "The adapters.")
  List<Path> files;

  @Option(names = "--weights", split = ",", paramLabel = "X,Y,...", description = "What each is multiplied by, in their order. Default: 1 for all.")
  double[] weights;

  @Option(names = "--rank", paramLabel = "R", defaultValue = "0", description = "Most rank of a pair; 0 for the sum of all ranks. Default: ${DEFAULT-VALUE}.")
  int rank;

  @Option(names = "--type", paramLabel = "F32|F16|BF16", defaultValue = "F32", description = "Type of all matrices. Default: ${DEFAULT-VALUE}.")
  String type;

  @Option(names = "--name", paramLabel = "NAME", description = "The file's general.name. Default: the name of --output.")
  String name;

  @Option(names = "--output", required = true, paramLabel = "OUT.gguf", description = "The file to write. Required.")
  Path output;

  @Override
  public Integer call() throws IOException {
    WeightType wanted = AdapterConvertCommand.type(type);
    double[] factors = weights;
    if (factors == null) {
      factors = new double[files.size()];
      Arrays.fill(factors, 1);
    }
    if (factors.length != files.size()) {
      throw CliException.usage("--weights has " + factors.length + " numbers for " + files.size() + " adapters");
    } else if (!Arrays.stream(factors).allMatch(Double::isFinite)) {
      throw CliException.usage("--weights " + Arrays.toString(factors) + ": not all are finite numbers");
    } else if (rank < 0) {
      throw CliException.usage("--rank " + rank + " is negative");
    }
    OutputFiles.check("--output", output, files.toArray(Path[]::new));
    List<AdapterFile> adapters = new ArrayList<>();
    try {
      for (Path file : files) {
        adapters.add(AdapterFile.open(file));
      }
      report(AdapterChanges.sum(adapters, factors, rank, wanted, name == null ? OutputFiles.baseName(output) : name, output));
    } finally {
      adapters.forEach(AdapterFile::close);
    }
    return ExitCode.DONE;
  }

  private void report(AdapterChanges.Sum sum) {
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("output", output.toString());
      json.put("rank", sum.rank());
      json.put("relative_error", sum.error());
      json.put("worst_relative_error", sum.worst());
      json.put("worst_weight", sum.worstWeight());
      common.printJson(json);
      return;
    }
    String cost = sum.worstWeight() == null ? "" : String.format(Locale.ROOT, "; the reduction leaves out %.3g%% of the norm (most: %.3g%%, %s)", 100 * sum.error(), 100 * sum.worst(), sum.worstWeight());
    common.note(output + ": the sum of " + files.size() + " adapters, rank " + sum.rank() + cost);
  }
}
