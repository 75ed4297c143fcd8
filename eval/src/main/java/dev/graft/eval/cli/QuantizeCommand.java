package dev.graft.eval.cli;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Importance;
import dev.graft.bindings.ModelQuantizer;
import dev.graft.bindings.QuantizePlan;
import dev.graft.bindings.QuantizeSpec;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft quantize}. */
@Command(
    name = "quantize",
    customSynopsis = "graft quantize IN.gguf OUT.gguf TYPE [--imatrix F] [flags]",
    description = "Writes a model again with smaller weights, byte for byte as llama-quantize would.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft quantize f16.gguf q4.gguf Q4_K_M --imatrix imatrix.gguf",
      "",
      "TYPE: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS, Q6_K, or a mix of llama.cpp's, which gives some tensors",
      "more bits: Q2_K, Q3_K_S, Q3_K_M, Q3_K_L, Q4_K_S, Q4_K_M, Q5_K_S, Q5_K_M (Q3_K, Q4_K and Q5_K are the _M ones). Metadata,",
      "tokenizer and chat template are carried over whole; vectors and norms keep their type. A row that is no whole number of",
      "blocks takes the type that llama.cpp falls back to, and a note says so; so it does when the input is quantized already, which",
      "costs quality twice. Memory stays at a few pieces of a tensor, whatever the model. OUT.gguf is written whole or not at all."
    })
final class QuantizeCommand implements Callable<Integer> {
  private static final long LINE_EVERY_NANOS = 5_000_000_000L;
  private static final int NAMES_SHOWN = 3;

  @Mixin CommonOptions common;

  @Parameters(index = "0", paramLabel = "IN.gguf", description = "The model, best in F16, BF16 or F32.")
  Path input;

  @Parameters(index = "1", paramLabel = "OUT.gguf", description = "The file to write.")
  Path output;

  @Parameters(index = "2", paramLabel = "TYPE", description = "A type or mix, see below.")
  String type;

  @Option(names = "--imatrix", paramLabel = "F", description = "An importance matrix of 'graft imatrix' or llama-imatrix, .dat or GGUF. Default: none.")
  Path imatrix;

  @Option(names = "--output-tensor-type", paramLabel = "TYPE", description = "Type of output.weight. Default: the mix's choice.")
  String outputType;

  @Option(names = "--token-embedding-type", paramLabel = "TYPE", description = "Type of token_embd.weight. Default: the mix's choice.")
  String embeddingType;

  @Option(names = "--pure", description = "The same type for all matrices. Default: off.")
  boolean pure;

  @Option(names = "--dry-run", description = "Prints what would become of each tensor and writes nothing. Default: off.")
  boolean dryRun;

  @Override
  public Integer call() {
    OutputFiles.check("OUT.gguf", output, input, imatrix);
    long start = System.nanoTime();
    AtomicBoolean stop = new AtomicBoolean();
    try (GraftRuntime runtime = GraftRuntime.open("cpu", common.isa(), common.threads());
        Importance importance = imatrix == null ? null : Importance.open(imatrix);
        ModelQuantizer quantizer = ModelQuantizer.open(runtime, input, output, new QuantizeSpec(type, outputType, embeddingType, pure), importance);
        StopSignals signals = new StopSignals(() -> stop.set(true))) {
      QuantizePlan plan = quantizer.plan();
      note(plan, importance);
      if (!dryRun && !write(quantizer, stop)) {
        common.note("stopped; nothing was written");
        return signals.exitCode();
      }
      report(plan, (System.nanoTime() - start) * 1e-9);
    }
    return ExitCode.DONE;
  }

  private void note(QuantizePlan plan, Importance importance) {
    if (plan.requantized() > 0) {
      common.note("warning: " + plan.requantized() + " tensors of " + input + " are quantized already; quantizing them again loses more than from F16 or F32");
    }
    List<QuantizePlan.Tensor> fallbacks = plan.tensors().stream().filter(QuantizePlan.Tensor::fallback).toList();
    if (!fallbacks.isEmpty()) {
      QuantizePlan.Tensor first = fallbacks.get(0);
      common.note("warning: rows of " + fallbacks.size() + " tensors do not fit their type; " + first.name() + " (rows of " + first.row() + ") becomes " + first.to() + ", not " + first.wanted());
    }
    if (importance == null) {
      return;
    }
    List<String> without = plan.tensors().stream().filter(t -> t.name().startsWith("blk.") && quantized(t.to()) && !t.to().equals(t.from()) && !t.importance()).map(QuantizePlan.Tensor::name).toList();
    if (!without.isEmpty()) {
      common.note("warning: " + imatrix + " says nothing about " + without.size() + " tensors (" + String.join(", ", without.subList(0, Math.min(NAMES_SHOWN, without.size())))
          + (without.size() > NAMES_SHOWN ? ", ...)" : ")"));
    }
  }

  private static boolean quantized(String name) {
    return !name.equals("f32") && !name.equals("f16") && !name.equals("bf16");
  }

  private boolean write(ModelQuantizer quantizer, AtomicBoolean stop) {
    long total = quantizer.plan().sourceBytes();
    long last = System.nanoTime();
    ProgressBar bar = common.stderrIsTerminal() ? bar(total) : null;
    try {
      while (!quantizer.step()) {
        if (stop.get()) {
          return false;
        }
        long now = System.nanoTime();
        if (bar != null) {
          bar.stepTo(quantizer.doneBytes() >> 20);
        } else if (now - last >= LINE_EVERY_NANOS) {
          last = now;
          common.note(String.format(Locale.ROOT, "%d of %d MiB", quantizer.doneBytes() >> 20, total >> 20));
        }
      }
      return true;
    } finally {
      if (bar != null) {
        bar.close();
      }
    }
  }

  private ProgressBar bar(long bytes) {
    return new ProgressBarBuilder().setConsumer(new BarLine(common.err())).setTaskName("quantizing").setUnit(" MiB", 1).setInitialMax(Math.max(1, bytes >> 20))
        .setStyle(ProgressBarStyle.COLORFUL_UNICODE_BLOCK).setUpdateIntervalMillis(200).build();
  }

  private void report(QuantizePlan plan, double seconds) {
    if (common.json()) {
      common.printJson(json(plan, seconds));
      return;
    }
    if (dryRun || common.verbose()) {
      for (QuantizePlan.Tensor t : plan.tensors()) {
        common.out().println(String.format(Locale.ROOT, "%-40s %-7s -> %-7s %,15d bytes%s", t.name(), t.from(), t.to(), t.bytes(), t.importance() ? ", importance" : ""));
      }
    }
    Map<String, Integer> counts = new TreeMap<>();
    plan.tensors().forEach(t -> counts.merge(t.to(), 1, Integer::sum));
    common.out().println(String.format(Locale.ROOT, "%s: %s%s, %.1f MiB from %.1f MiB, %.2f bits per weight, tensors %s; %.1f s", output, type, dryRun ? " (not written)" : "",
        plan.bytes() / 1048576.0, plan.sourceBytes() / 1048576.0, plan.bitsPerWeight(), counts.toString().replaceAll("[{}]", "").replace("=", " "), seconds));
    common.out().flush();
  }

  private Map<String, Object> json(QuantizePlan plan, double seconds) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("output", dryRun ? null : output.toString());
    result.put("type", type);
    result.put("file_type", plan.fileType());
    result.put("parameters", plan.parameters());
    result.put("source_bytes", plan.sourceBytes());
    result.put("bytes", plan.bytes());
    result.put("bits_per_weight", plan.bitsPerWeight());
    result.put("requantized", plan.requantized());
    result.put("imatrix", imatrix == null ? null : imatrix.toString());
    result.put("tensors", plan.tensors());
    result.put("seconds", seconds);
    return result;
  }
}
