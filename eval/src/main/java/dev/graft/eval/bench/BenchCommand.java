package dev.graft.eval.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code graft bench}: groups what measures and what makes models to measure with. */
@Command(
    name = "bench",
    description = "Measures speed and memory on this machine; makes models of any shape to measure with.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {BenchTrainCommand.class, BenchDpoCommand.class, BenchQuantizeCommand.class, BenchDecodeCommand.class, BenchServeCommand.class, MakeModelCommand.class},
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft bench make-model --shape 1b --type Q4_K_M --output 1b.gguf   random weights, the shape of Llama 3.2 1B",
      "  graft bench train --model 1b.gguf --sequence 512                   seconds, tokens/s, share of the FMA peak, memory",
      "  graft bench dpo --model 1b.gguf --prompt 384 --response 64         what DPO costs beside SFT",
      "  graft bench decode --model 1b.gguf --peer llama.cpp                reading and writing, share of the bandwidth, beside llama.cpp",
      "  graft bench quantize --threads 2                                   values/s to each type, ours and ggml's in turn",
      "  graft bench serve --shape 1b --peer llama.cpp                      16 clients, base + 3 adapters; tokens/s beside java-llama.cpp"
    })
public final class BenchCommand {
  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this help.")
  boolean help;
}
