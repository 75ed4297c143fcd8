package dev.graft.eval.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code graft grade}: groups what grades open answers. */
@Command(
    name = "grade",
    description = "Grades predictions that are there already: by rule, by a judge model, or by people.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {GradeRunCommand.class, GradeExportCommand.class, GradeImportCommand.class},
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft grade run --predictions judged/predictions.jsonl --grader likert --judge-model judge.gguf --output graded.jsonl",
      "  graft grade export --predictions judged/predictions.jsonl --output people --graders 2",
      "  graft grade import --key people/key.json grader-A.xlsx grader-B.xlsx --output graded.jsonl"
    })
final class GradeCommand {
  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this help.")
  boolean help;
}
