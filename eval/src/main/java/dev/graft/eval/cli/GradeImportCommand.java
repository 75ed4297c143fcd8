package dev.graft.eval.cli;

import dev.graft.eval.grade.people.SheetImport;
import dev.graft.eval.statistics.Kappa;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft grade import}. */
@Command(
    name = "import",
    customSynopsis = "graft grade import --key DIR/key.json SHEET1 SHEET2 [SHEET3] --output GRADED.jsonl [--third DIR] [--json]",
    description = "Reads people's sheets back: their agreement, a sheet of disagreements for a third, and the final grades.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft grade import --key people/key.json grader-A.xlsx grader-B.csv --output graded.jsonl",
      "  graft grade import --key people/key.json grader-A.xlsx grader-B.csv grader-T.xlsx --output graded.jsonl",
      "",
      "Sheets are XLSX or CSV, their rows in any order. The final grade is the graders' where they agree, else that of the sheet grader-T;",
      "until that is given, such lines have \"score\": null and \"ungraded\", which metrics and compare leave out. JSON: {\"answers\", \"disagreements\",",
      "\"settled\", \"agreements\": [{\"graders\", \"n\", \"agreement\", \"kappa\", \"kappa_se\", \"kappa_ci95\", \"kappa_quadratic\"}]}: the share of equal grades;",
      "Cohen's kappa (1960), its standard error (Fleiss, Cohen and Everitt 1969) and 95%% interval; kappa weighted by squared distance (1968)."
    })
final class GradeImportCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--key", required = true, paramLabel = "key.json", description = "The key that graft grade export wrote. Required.")
  Path key;

  @Parameters(arity = "2..*", paramLabel = "SHEET", description = "The graders' sheets, and the third's where there is one. Required.")
  List<Path> sheets;

  @Option(names = "--output", required = true, paramLabel = "GRADED.jsonl", description = "The predictions with their final grades. Required.")
  Path output;

  @Option(names = "--third", paramLabel = "DIR", description = "Folder of the sheet of disagreements, grader-T. Default: that of --output.")
  Path third;

  @Override
  public Integer call() {
    if (output.toString().equals("-") && common.json()) {
      throw CliException.usage("--json writes its summary on standard output, so --output cannot be - too; name a file");
    }
    Path beside = output.toAbsolutePath().getParent();
    SheetImport.Result result = SheetImport.run(key, sheets, third != null ? third : beside == null ? Path.of(".") : beside);
    try (OutputLines lines = OutputLines.open(output, common.out(), sheets.toArray(Path[]::new))) {
      result.lines().forEach(lines::add);
      lines.commit();
    }
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("answers", result.answers());
      json.put("disagreements", result.disagreements());
      json.put("settled", result.settled());
      json.put("agreements", result.agreements().stream().map(SheetImport.Agreement::json).toList());
      common.printJson(json);
    } else if (!output.toString().equals("-")) {
      result.agreements().forEach(this::print);
    }
    if (!result.third().isEmpty()) {
      common.note(result.disagreements() + " of " + result.answers() + " answers have different grades; let a third grade " + result.third().get(0) + " and give that sheet too");
    }
    return ExitCode.DONE;
  }

  private void print(SheetImport.Agreement agreement) {
    Kappa k = agreement.kappa();
    common.out().println(String.format(Locale.ROOT, "%s and %s: %.1f%% of %d equal; Cohen's kappa %s%s; quadratic-weighted %s", agreement.first(), agreement.second(), 100 * k.agreement(), k.n(),
        number(k.kappa()), k.interval95() == null ? "" : String.format(Locale.ROOT, " [95%%: %.3f, %.3f]", k.interval95().low(), k.interval95().high()), number(k.quadratic())));
    common.out().flush();
  }

  private static String number(Double value) {
    return value == null ? "not defined (all grades are the same)" : String.format(Locale.ROOT, "%.3f", value);
  }
}
