package dev.graft.eval.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code graft data}: groups what makes data sets. */
@Command(
    name = "data",
    description = "Makes data sets: synthetic clinical ones, whose labels are right by construction, and a task's rows out of files.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {DataMakeCommand.class, DataPrepareCommand.class, DataTasksCommand.class},
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft data tasks                                        the tasks that there are",
      "  graft data make uti --output data/uti                   800 notes: a urinary tract infection, or not",
      "  graft data prepare --task reasoning --source medqa.jsonl --output data/medqa",
      "  graft data make corpus --output data/corpus             clinical text to pretrain a small model on"
    })
final class DataCommand {
  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this help.")
  boolean help;
}
