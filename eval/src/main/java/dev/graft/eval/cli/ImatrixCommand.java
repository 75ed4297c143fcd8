package dev.graft.eval.cli;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Importance;
import dev.graft.bindings.Model;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.score.ImportanceCollector;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft imatrix}. */
@Command(
    name = "imatrix",
    customSynopsis = "graft imatrix --model M.gguf --data D [--adapter A.gguf] --output F.gguf|F.dat [flags]",
    description = "Measures which columns of a model's weights its text uses: an importance matrix for quantize.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft imatrix --model f16.gguf --data rows.jsonl --output imatrix.gguf",
      "  graft quantize f16.gguf q4.gguf Q4_K_M --imatrix imatrix.gguf",
      "",
      "For each linear layer, the mean square of every column of its input over all tokens of the data: prompts and answers, or a",
      ".txt file in windows of --max-length tokens. A file named .dat is in llama.cpp's older format, any other in its GGUF",
      "format; both read by llama-quantize of their time, and by graft quantize. Take the model in F16 or F32, and data like",
      "that which it will see; some 100,000 tokens are plenty."
    })
final class ImatrixCommand implements Callable<Integer> {
  private static final int WINDOW = 2048;

  @Mixin CommonOptions common;
  @Mixin ModelOptions model;

  @Option(names = "--adapter", paramLabel = "A.gguf", description = "A LoRA adapter to apply while measuring. Default: none.")
  Path adapter;

  @Option(names = {"--data", "--text"}, required = true, paramLabel = "D", description = "Rows (prompts with completions, chats, preferences, texts) or a .txt file. Required.")
  Path data;

  @Option(names = "--output", required = true, paramLabel = "F", description = "The file to write: .dat or GGUF. Required.")
  Path output;

  @Option(names = "--max-length", paramLabel = "N", defaultValue = "" + WINDOW,
      description = "Most tokens of a row, and the window of plain text; 0 for no limit. Default: ${DEFAULT-VALUE}.")
  int maxLength;

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "0", description = "Stops after this many tokens; 0 takes all. Default: ${DEFAULT-VALUE}.")
  long maxTokens;

  @Option(names = "--micro-batch-tokens", paramLabel = "N", defaultValue = "2048",
      description = "Most tokens computed at once; a longer row gets a batch to itself. Default: ${DEFAULT-VALUE}.")
  int microBatchTokens;

  @Override
  public Integer call() {
    if (microBatchTokens < 1) {
      throw CliException.usage("--micro-batch-tokens " + microBatchTokens + " must be at least 1");
    } else if (maxLength < 0 || maxLength == 1) {
      throw CliException.usage("--max-length " + maxLength + " must be at least 2, or 0 for no limit");
    } else if (maxTokens < 0) {
      throw CliException.usage("--max-tokens " + maxTokens + " is negative; 0 takes all");
    }
    OutputFiles.check("--output", output, model.model, adapter, data);
    long start = System.nanoTime();
    try (GraftRuntime runtime = common.openRuntime();
        Model base = Model.open(runtime, model.model);
        Adapter lora = adapter == null ? null : Adapter.open(base, adapter);
        Importance importance = Importance.create()) {
      base.info().notes().forEach(common::note);
      ImportanceCollector collector = new ImportanceCollector(read(base), microBatchTokens, maxTokens);
      collector.run(base, lora, runtime, importance, new RowProgress(common, collector.rows())::done);
      importance.save(output, data.getFileName().toString());
      report(collector, importance, (System.nanoTime() - start) * 1e-9);
    }
    return ExitCode.DONE;
  }

  private Dataset read(Model base) {
    try (RowSource source = RowSource.open(model.model, base.info().vocabulary(), model.template)) {
      Dataset rows = source.read(data, Dataset.Kind.ANY, maxLength, false, true);
      rows.report().warnings().forEach(common::note);
      return rows;
    }
  }

  private void report(ImportanceCollector collector, Importance importance, double seconds) {
    int weights = importance.entries().size();
    if (common.json()) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("output", output.toString());
      result.put("rows", collector.rows());
      result.put("tokens", collector.tokens());
      result.put("weights", weights);
      result.put("seconds", seconds);
      common.printJson(result);
      return;
    }
    common.out().println(String.format(Locale.ROOT, "%s: %d weights, from %,d tokens of %,d rows; %.1f s, %.0f tokens/s", output, weights, collector.tokens(), collector.rows(), seconds,
        collector.tokens() / Math.max(1e-9, seconds)));
    common.out().flush();
  }
}
