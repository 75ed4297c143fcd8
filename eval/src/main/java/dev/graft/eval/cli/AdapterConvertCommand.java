package dev.graft.eval.cli;

import dev.graft.bindings.WeightType;
import dev.graft.eval.adapter.AdapterChanges;
import dev.graft.eval.adapter.AdapterFile;
import dev.graft.trainer.run.MemoryCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft adapter convert}. */
@Command(
    name = "convert",
    customSynopsis = "graft adapter convert ADAPTER.gguf --type F32|F16|BF16 --output OUT.gguf [flags]",
    description = "Writes the same adapter in another type: F16 and BF16 take half the space of F32.",
    footerHeading = "%nExample:%n",
    footer = {"  graft adapter convert run/adapter.gguf --type F16 --output small.gguf"})
final class AdapterConvertCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "ADAPTER.gguf", arity = "1", description = "The adapter.")
  Path file;

  @Option(names = "--type", required = true, paramLabel = "F32|F16|BF16", description = "Type of all matrices. Required.")
  String type;

  @Option(names = "--output", required = true, paramLabel = "OUT.gguf", description = "The file to write. Required.")
  Path output;

  @Override
  public Integer call() throws IOException {
    WeightType wanted = type(type);
    OutputFiles.check("--output", output, file);
    try (AdapterFile adapter = AdapterFile.open(file)) {
      AdapterChanges.convert(adapter, wanted, output);
    }
    long bytes = Files.size(output);
    if (common.json()) {
      common.printJson(Map.of("output", output.toString(), "type", wanted.label(), "file_bytes", bytes));
    } else {
      common.note(output + ": " + wanted.label() + ", " + MemoryCheck.gib(bytes) + " (it was " + MemoryCheck.gib(Files.size(file)) + ")");
    }
    return ExitCode.DONE;
  }

  /** A type that adapters are stored in. */
  static WeightType type(String name) {
    String label = name.toUpperCase(Locale.ROOT);
    if (!label.matches("F32|F16|BF16")) {
      throw CliException.usage("--type " + name + ": adapters are stored in F32, F16 or BF16");
    }
    return WeightType.named(label);
  }
}
