package dev.graft.eval.cli;

import dev.graft.eval.grade.people.Scale;
import dev.graft.eval.grade.people.SheetExport;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft grade export}. */
@Command(
    name = "export",
    customSynopsis = "graft grade export --predictions P.jsonl --output DIR [--data TEST.jsonl] [--graders 2] [--seed N] [--sample N] [--scale likert|right-wrong]",
    description = "Writes blinded sheets for people to grade answers in, as XLSX and as CSV.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft grade export --predictions judged/predictions.jsonl --data test.jsonl --output people --graders 2 --sample 100",
      "",
      "DIR/sheets/ is for the graders: a sheet each (grader-A.xlsx or .csv), in an order of its own, without the names of the systems; equal",
      "answers of several systems stand there once. DIR/key.json ties codes to systems; keep it from the graders until the sheets are back."
    })
final class GradeExportCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--predictions", required = true, paramLabel = "P.jsonl", description = "The answers, as graft eval writes them. Required.")
  Path predictions;

  @Option(names = "--data", paramLabel = "TEST.jsonl", description = "The rows that were answered, for their prompts. Default: none, what the predictions hold.")
  Path data;

  @Option(names = "--outcome", paramLabel = "NAME", description = "Which outcome of the task, where the file holds several. Default: the only one.")
  String outcome;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "Folder of the sheets and the key. Required.")
  Path output;

  @Option(names = "--graders", paramLabel = "N", defaultValue = "2", description = "How many grade every answer, 2 to 9. Default: ${DEFAULT-VALUE}.")
  int graders;

  @Option(names = "--sample", paramLabel = "N", defaultValue = "0", description = "Only so many rows, chosen by --seed, with the answers of all systems; 0 for all. Default: ${DEFAULT-VALUE}.")
  int sample;

  @Option(names = "--scale", paramLabel = "likert|right-wrong", defaultValue = "likert", description = "1 to 5, or 0 and 1. Default: ${DEFAULT-VALUE}.")
  String scale;

  @Option(names = "--overwrite", description = "Replaces the sheets and the key in --output. Default: off.")
  boolean overwrite;

  @Override
  public Integer call() {
    if (graders < 2 || graders > 9) {
      throw CliException.usage("--graders " + graders + " must be from 2 to 9");
    } else if (sample < 0) {
      throw CliException.usage("--sample " + sample + " is negative; give a number of rows, or 0 for all");
    }
    Scale chosen = Scale.of(scale).orElseThrow(() -> CliException.usage("--scale " + scale + " is not known; give likert or right-wrong"));
    SheetExport.Result result = SheetExport.run(new SheetExport.Options(predictions, outcome, data, output, graders, common.seed(), sample, chosen, overwrite));
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("key", result.key().toString());
      json.put("sheets", result.files().stream().map(Path::toString).toList());
      json.put("rows", result.rows());
      json.put("answers", result.answers());
      json.put("predictions", result.predictions());
      common.printJson(json);
    } else {
      List<Path> files = result.files();
      files.forEach(file -> common.out().println(file));
      common.out().flush();
    }
    common.note(result.answers() + " answers in each sheet (" + result.predictions() + " predictions, " + result.rows() + " rows); keep " + result.key() + " from the graders");
    return ExitCode.DONE;
  }
}
