package dev.graft.eval.bench;

import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.cli.CliException;
import dev.graft.eval.cli.CommonOptions;
import dev.graft.trainer.llama.Ggml;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench quantize}: our quantizer beside ggml's, in the same process, on the same values and as many threads. */
@Command(
    name = "quantize",
    description = "Quantizes a matrix of random values to each type, ours and ggml's (of the java-llama.cpp jar) in turn, and prints both speeds and their ratio.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft bench quantize --threads 2 --types Q4_K,Q6_K",
      "",
      "Each time is the best of --repeats. Bytes are compared too: 'equal' says that both made the same ones."
    })
public final class BenchQuantizeCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--types", paramLabel = "LIST", split = ",", description = "Some of F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS. Default: all.")
  List<String> types;

  @Option(names = "--rows", paramLabel = "N", defaultValue = "512", description = "Rows of the matrix. Default: ${DEFAULT-VALUE}.")
  int rows;

  @Option(names = "--width", paramLabel = "N", defaultValue = "4096", description = "Values of a row, a multiple of 256. Default: ${DEFAULT-VALUE}.")
  int width;

  @Option(names = "--repeats", paramLabel = "N", defaultValue = "3", description = "Times that each is run, in turn. Default: ${DEFAULT-VALUE}.")
  int repeats;

  @Override
  public Integer call() throws IOException {
    if (rows < 1 || width < 256 || width % 256 != 0 || (long) rows * width > 1 << 28) {
      throw CliException.usage("--rows " + rows + " and --width " + width + ": the width must be a multiple of 256, and all values together at most " + (1 << 28));
    } else if (repeats < 1) {
      throw CliException.usage("--repeats " + repeats + " must be at least 1");
    }
    List<QuantizeBench.Type> chosen = QuantizeBench.types(types);
    Ggml ggml = Ggml.load().orElseThrow(() -> CliException.failed("the java-llama.cpp jar has no library for this system, so there is nothing to measure against", null));
    List<QuantizeBench.Result> results = new ArrayList<>();
    int threads;
    String cpu;
    try (GraftRuntime runtime = GraftRuntime.open("cpu", common.isa(), common.threads());
        QuantizeBench bench = new QuantizeBench(runtime, ggml, rows, width, repeats, common.seed())) {
      threads = runtime.info().threads();
      cpu = runtime.info().describe();
      for (QuantizeBench.Type type : chosen) {
        for (boolean importance : new boolean[] {false, true}) {
          QuantizeBench.Result result = bench.run(type, importance);
          results.add(result);
          if (!common.json()) {
            print(result);
          }
        }
      }
    }
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("cpu", cpu);
      json.put("threads", threads);
      json.put("against", Ggml.version());
      json.put("rows", rows);
      json.put("width", width);
      json.put("seed", common.seed());
      json.put("results", results);
      common.printJson(json);
    } else {
      double least = results.stream().mapToDouble(QuantizeBench.Result::ratio).min().orElse(0);
      common.out().println(String.format(Locale.ROOT, "%s; %d x %d values; beside %s on %d thread%s; the least ratio is %.2f", cpu, rows, width, Ggml.version(), threads, threads == 1 ? "" : "s", least));
      common.out().flush();
    }
    return 0;
  }

  private void print(QuantizeBench.Result r) {
    common.out().println(String.format(Locale.ROOT, "%-7s %-11s ours %8.1f  ggml %8.1f million values/s  ratio %6.2f  %s", r.type(), r.importance() ? "importance" : "", r.ours() / 1e6,
        r.ggml() / 1e6, r.ratio(), r.equal() ? "equal" : "DIFFERENT"));
    common.out().flush();
  }
}
