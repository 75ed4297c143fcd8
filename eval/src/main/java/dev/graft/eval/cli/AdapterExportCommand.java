package dev.graft.eval.cli;

import dev.graft.eval.adapter.AdapterFile;
import dev.graft.eval.adapter.BaseShape;
import dev.graft.eval.adapter.PeftExport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft adapter export}. */
@Command(
    name = "export",
    customSynopsis = "graft adapter export ADAPTER.gguf --model BASE.gguf --output FOLDER [flags]",
    description = "Turns an adapter into a folder that Hugging Face's PEFT loads: adapter_config.json and adapter_model.safetensors.",
    footerHeading = "%nExample:%n",
    footer = {"  graft adapter export run/adapter.gguf --model base.gguf --base-name meta-llama/Llama-3.2-1B --output peft-folder"})
final class AdapterExportCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "ADAPTER.gguf", arity = "1", description = "The adapter.")
  Path file;

  @Option(names = "--model", required = true, paramLabel = "BASE.gguf", description = "The base model that the adapter was trained on, in any type. Required.")
  Path model;

  @Option(names = "--base-name", paramLabel = "NAME", description = "base_model_name_or_path of the configuration. Default: the base's general.name.")
  String baseName;

  @Option(names = "--output", required = true, paramLabel = "FOLDER", description = "The folder to write; its two files are replaced. Required.")
  Path output;

  @Override
  public Integer call() throws IOException {
    OutputFiles.checkNewFolder("--output", output);
    BaseShape base = BaseShape.read(model);
    try (AdapterFile adapter = AdapterFile.open(file)) {
      if (!base.architecture().equals(adapter.architecture())) {
        throw CliException.badData(file + " was made for a " + adapter.architecture() + " model, but " + model + " is " + base.architecture());
      }
      PeftExport.run(adapter, base, baseName == null ? base.name() : baseName, output);
      if (common.json()) {
        common.printJson(Map.of("output", output.toString(), "weights", adapter.pairs().size()));
      } else {
        common.note(output + ": " + adapter.pairs().size() + " weights");
      }
    }
    return ExitCode.DONE;
  }
}
