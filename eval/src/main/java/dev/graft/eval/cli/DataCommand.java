package dev.graft.eval.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code graft data}: groups what makes data sets. */
@Command(
    name = "data",
    description = "Makes synthetic clinical data sets whose labels are right by construction.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {DataMakeCommand.class},
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft data make uti --output data/uti                   800 notes: a urinary tract infection, or not",
      "  graft data make corpus --output data/corpus             clinical text to pretrain a small model on"
    })
final class DataCommand {
  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this help.")
  boolean help;
}
