package dev.graft.eval.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code graft adapter}: groups what works on LoRA adapters as files. */
@Command(
    name = "adapter",
    description = "Shows, scales, sums and converts LoRA adapters, also from and to Hugging Face's PEFT.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      AdapterShowCommand.class,
      AdapterScaleCommand.class,
      AdapterConvertCommand.class,
      AdapterSumCommand.class,
      AdapterImportCommand.class,
      AdapterExportCommand.class
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft adapter show run/adapter.gguf                                      rank, targets, norms by layer",
      "  graft adapter scale run/adapter.gguf --factor 0.5 --output half.gguf",
      "  graft adapter convert run/adapter.gguf --type F16 --output small.gguf",
      "  graft adapter sum a.gguf b.gguf --weights 0.7,0.3 --output both.gguf",
      "  graft adapter import peft-folder --model base.gguf --output adapter.gguf",
      "  graft adapter export run/adapter.gguf --model base.gguf --output peft-folder"
    })
final class AdapterCommand {
  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this help.")
  boolean help;
}
