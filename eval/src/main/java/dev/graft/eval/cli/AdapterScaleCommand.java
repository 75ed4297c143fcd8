package dev.graft.eval.cli;

import dev.graft.eval.adapter.AdapterChanges;
import dev.graft.eval.adapter.AdapterFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft adapter scale}. */
@Command(
    name = "scale",
    customSynopsis = "graft adapter scale ADAPTER.gguf --factor X --output OUT.gguf [flags]",
    description = "Writes an adapter that does X times what this one does. Its alpha takes the factor; the matrices stay as they are, but for the sign of B.",
    footerHeading = "%nExample:%n",
    footer = {"  graft adapter scale run/adapter.gguf --factor 0.5 --output half.gguf"})
final class AdapterScaleCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "ADAPTER.gguf", arity = "1", description = "The adapter.")
  Path file;

  @Option(names = "--factor", required = true, paramLabel = "X", description = "What it is multiplied by; may be negative. Required.")
  float factor;

  @Option(names = "--output", required = true, paramLabel = "OUT.gguf", description = "The file to write. Required.")
  Path output;

  @Override
  public Integer call() throws IOException {
    if (!Float.isFinite(factor)) {
      throw CliException.usage("--factor " + factor + " is not a finite number");
    }
    OutputFiles.check("--output", output, file);
    try (AdapterFile adapter = AdapterFile.open(file)) {
      AdapterChanges.scale(adapter, factor, output);
    }
    if (common.json()) {
      common.printJson(Map.of("output", output.toString(), "factor", factor));
    } else {
      common.note(output + ": " + file + " times " + factor);
    }
    return ExitCode.DONE;
  }
}
