package dev.graft.eval.cli;

import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Importance;
import dev.graft.eval.adapter.AdapterChanges;
import dev.graft.eval.adapter.AdapterFile;
import dev.graft.eval.adapter.BaseShape;
import dev.graft.eval.convert.Converter;
import dev.graft.eval.merge.EvaluationRows;
import dev.graft.eval.merge.MergeCost;
import dev.graft.eval.merge.Merger;
import dev.graft.trainer.run.MemoryCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft merge}. */
@Command(
    name = "merge",
    customSynopsis = {
      "graft merge --model M.gguf --adapter A.gguf --output OUT.gguf [--type TYPE] [--data D.jsonl] [flags]",
      "graft merge --run DIR --output OUT.gguf [--type TYPE] [flags]"
    },
    description = "Writes a model with an adapter added to its weights, and says what the merge cost.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft merge --model f16.gguf --adapter run/adapter.gguf --output merged.gguf --type Q4_K_M --data dev.jsonl",
      "  graft merge --run run --output merged.gguf",
      "  graft merge --run run --output q3.gguf --type Q3_K_S --imatrix imatrix.gguf",
      "",
      "The report compares base, base + adapter, merged at F16 and merged at the type asked for, on the same rows: the mean loss of a",
      "token (of preference pairs, DPO's loss of a pair, with the bare base as reference), and the Kullback-Leibler divergence from base +",
      "adapter. When an adapter lies in its run's folder, the run's evaluation rows are taken unless --data names others. When",
      "requantizing erases more than a tenth of the adapter's gain, a warning says so. Merged at F16 is measured on a temporary file."
    })
final class MergeCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--model", paramLabel = "M.gguf", description = "The base, in any type that Graft reads. Default: that of --run; required without.")
  Path model;

  @Option(names = "--adapter", paramLabel = "A.gguf", description = "The adapter. Default: that of --run; required without.")
  Path adapter;

  @Option(names = "--run", paramLabel = "DIR", description = "A folder of graft sft or dpo: names base, adapter and evaluation rows. Default: none.")
  Path run;

  @Option(names = "--output", required = true, paramLabel = "OUT.gguf", description = "The file to write. Required.")
  Path output;

  @Option(names = "--type", paramLabel = "TYPE", description = "Type of all matrices (F16, BF16, Q8_0, Q4_K_M, ...). Default: that which each has in the base.")
  String type;

  @Option(names = "--imatrix", paramLabel = "F", description = "An importance matrix of 'graft imatrix' or llama-imatrix, for the quantized types. Default: none.")
  Path imatrix;

  @Option(names = "--scale", paramLabel = "X", defaultValue = "1", description = "What the adapter is multiplied by, beside its own scale. Default: ${DEFAULT-VALUE}.")
  float scale;

  @Option(names = "--data", paramLabel = "D.jsonl", description = "Rows to measure the cost on. Default: the run's evaluation rows, if there are any.")
  Path data;

  @Option(names = "--template", paramLabel = "auto|none|NAME|FILE", defaultValue = "auto", description = "Chat template for text prompts of --data. Default: ${DEFAULT-VALUE}.")
  String template;

  @Option(names = "--rows", paramLabel = "N", defaultValue = "256", description = "Most rows measured, spread over the file; 0 for all. Default: ${DEFAULT-VALUE}.")
  int rows;

  @Option(names = "--kl-positions", paramLabel = "N", defaultValue = "512", description = "Most positions at which whole distributions are compared. Default: ${DEFAULT-VALUE}.")
  int positions;

  @Option(names = "--no-f16", description = "Does not measure the merge at F16, which needs a temporary file of 2 bytes a parameter. Default: off.")
  boolean noHalf;

  @Option(names = "--no-report", description = "Merges without measuring. Default: off.")
  boolean noReport;

  @Override
  public Integer call() throws IOException {
    EvaluationRows measured = resolve();
    OutputFiles.check("--output", output, model, adapter, data, imatrix);
    return Stoppable.run(common, work -> run(measured, work));
  }

  private void run(EvaluationRows measured, Stoppable work) throws IOException {
    long start = System.nanoTime();
    Path scaled = null;
    try (GraftRuntime runtime = common.openRuntime();
        GgufFile base = GgufFile.open(model);
        AdapterFile lora = AdapterFile.open(adapter);
        Importance importance = imatrix == null ? null : Importance.open(imatrix)) {
      Merger merger = new Merger(runtime, base, BaseShape.read(model), lora, scale, common.threads(), importance);
      Merger.Result result = merge(work, merger, base, type, output);
      double seconds = (System.nanoTime() - start) * 1e-9;
      result.notes().forEach(common::note);
      MergeCost.Report cost = null;
      if (measured != null && !noReport) {
        if (scale != 1) {
          scaled = temporary("scaled");
          AdapterChanges.scale(lora, scale, scaled);
        }
        cost = measure(work, runtime, base, merger, measured, scaled == null ? adapter : scaled);
      }
      report(result, seconds, cost);
    } finally {
      if (scaled != null) {
        Files.deleteIfExists(scaled);
      }
    }
  }

  /** Fills in what --run says. */
  private EvaluationRows resolve() throws IOException {
    EvaluationRows.Run from = run == null ? null : EvaluationRows.ofRun(run);
    model = model == null && from != null ? from.model() : model;
    adapter = adapter == null && from != null ? from.adapter() : adapter;
    if (model == null || adapter == null) {
      throw CliException.usage("merge: give --model and --adapter, or --run with the folder of a training run");
    } else if (!Float.isFinite(scale)) {
      throw CliException.usage("--scale " + scale + " is not a finite number");
    } else if (rows < 0 || positions < 0) {
      throw CliException.usage("--rows and --kl-positions must be 0 or more");
    }
    if (data != null) {
      return EvaluationRows.of(data, template);
    } else if (noReport) {
      return null;
    } else if (from == null) {
      from = EvaluationRows.around(adapter);
    }
    if (from == null || from.rows() == null) {
      common.note("no rows to measure the cost of this merge on; give some with --data");
      return null;
    } else if (!Files.isRegularFile(from.rows().data())) {
      throw CliException.badData(from.rows().data() + ": the run's evaluation rows are no longer there; name them with --data");
    }
    return from.rows();
  }

  private Merger.Result merge(Stoppable work, Merger merger, GgufFile base, String into, Path file) throws IOException {
    int tensors = base.tensors().size();
    Converter.Progress progress = work.progress("tensors");
    return merger.write(into, file, done -> progress.done(done, tensors));
  }

  private Path temporary(String what) {
    return output.toAbsolutePath().resolveSibling("." + output.getFileName() + "." + what + "-" + ProcessHandle.current().pid() + ".gguf");
  }

  private MergeCost.Report measure(Stoppable work, GraftRuntime runtime, GgufFile base, Merger merger, EvaluationRows measured, Path lora) throws IOException {
    boolean isHalf = "F16".equalsIgnoreCase(type);
    Path half = noHalf || isHalf ? null : temporary("f16");
    try {
      Map<String, Path> merged = new LinkedHashMap<>();
      if (half != null) {
        merge(work, merger, base, "F16", half);
        merged.put("merged at F16", half);
      }
      merged.put(type == null ? "merged, types kept" : "merged at " + type.toUpperCase(Locale.ROOT), output);
      MergeCost cost = new MergeCost(measured, rows, positions);
      return cost.measure(runtime, model, lora, merged, work.progress("rows"));
    } finally {
      if (half != null) {
        Files.deleteIfExists(half);
      }
    }
  }

  private void report(Merger.Result result, double seconds, MergeCost.Report cost) throws IOException {
    String warning = cost == null || !cost.warns() ? null : String.format(Locale.ROOT,
        "the merged model has lost %.0f%% of what the adapter gained; merge at F16 or Q8_0, or serve the adapter beside its base", 100 * cost.erased());
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("output", output.toString());
      json.put("weights_merged", result.merged());
      json.put("parameters", result.parameters());
      json.put("bytes_by_type", result.types());
      json.put("file_bytes", Files.size(output));
      json.put("seconds", seconds);
      json.put("notes", result.notes());
      json.put("cost", cost);
      json.put("warning", warning);
      common.printJson(json);
    } else {
      String types = result.types().entrySet().stream().map(e -> e.getKey() + " " + MemoryCheck.gib(e.getValue())).collect(Collectors.joining(", "));
      common.out().println(String.format(Locale.ROOT, "%s: %d of the weights merged, %,d parameters, %s (%s); %.1f s", output, result.merged(), result.parameters(),
          MemoryCheck.gib(Files.size(output)), types, seconds));
      if (cost != null) {
        print(cost);
      }
      common.out().flush();
    }
    if (warning != null) {
      common.err().println("graft: warning: " + warning); // also with --quiet
      common.err().flush();
    }
  }

  private void print(MergeCost.Report cost) {
    common.out().println(String.format(Locale.ROOT, "%n%d rows of %s, %,d tokens; divergence over %d positions", cost.rows(), cost.data(), cost.tokens(), cost.positions()));
    common.out().println(String.format(Locale.ROOT, "%-24s %10s %12s", "", cost.kind().equals("dpo") ? "DPO loss" : "loss", "KL, nats"));
    cost.systems().forEach((name, score) -> common.out().println(String.format(Locale.ROOT, "%-24s %10.5f %12s", name, score.loss(),
        score.divergence() == null ? "-" : String.format(Locale.ROOT, "%.3g", score.divergence()))));
    if (cost.erased() == null) {
      common.out().println("the adapter gains nothing on these rows, so there is nothing to lose");
    } else {
      common.out().println(String.format(Locale.ROOT, "%.1f%% of the adapter's gain is lost", 100 * Math.max(0, cost.erased())));
    }
  }
}
