package dev.graft.eval.cli;

import dev.graft.eval.judge.Comparison;
import dev.graft.eval.judge.MetricsTable;
import dev.graft.eval.judge.PredictionFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft compare}. */
@Command(
    name = "compare",
    customSynopsis = "graft compare A.jsonl B.jsonl [--system NAME] [--system-b NAME] [--outcome NAME] [--json]",
    description = "Tests whether two systems differ on the same rows: McNemar's test and the paired t-test.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft compare base/predictions.jsonl tuned/predictions.jsonl --json",
      "  graft compare judged/predictions.jsonl judged/predictions.jsonl --system base --system-b tuned",
      "",
      "Rows are paired by id. JSON: {\"n\", \"mcnemar\": {\"b\", \"c\", \"p_exact\", \"statistic\", \"p_corrected\"}, \"t_test\": {\"t\", \"df\", \"p\"}}.",
      "b: A right (score 1) and B wrong, c the reverse; p_exact is the two-tailed binomial test, 1 when b and c are 0; statistic is",
      "(|b-c|-1)^2/(b+c), chi-square with continuity correction. mcnemar is null unless all scores are 0 or 1. What is not defined is",
      "null; where all differences are equal and not 0, t is null (infinite) and p is 0."
    })
final class CompareCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(index = "0", paramLabel = "A.jsonl", description = "Predictions of the first system. Required.")
  Path first;

  @Parameters(index = "1", paramLabel = "B.jsonl", description = "Predictions of the second system on the same rows. Required.")
  Path second;

  @Option(names = "--system", paramLabel = "NAME", description = "Which system, where a file holds several. Default: the only one.")
  String system;

  @Option(names = "--system-b", paramLabel = "NAME", description = "Which system of B.jsonl. Default: that of --system, or the only one.")
  String systemB;

  @Option(names = "--outcome", paramLabel = "NAME", description = "Which outcome of the task, where a file holds several. Default: the only one.")
  String outcome;

  @Override
  public Integer call() {
    PredictionFile a = PredictionFile.read(first, false, outcome);
    PredictionFile b = PredictionFile.read(second, false, outcome);
    String nameA = chosen(a, system, "--system");
    boolean single = systemB == null && b.systems().size() == 1;
    String nameB = single ? b.names().get(0) : chosen(b, systemB == null ? system : systemB, systemB == null && system != null ? "--system" : "--system-b");
    Comparison comparison = Comparison.byId(first, a.systems().get(nameA), second, b.systems().get(nameB));
    if (common.json()) {
      common.printJson(comparison.json());
    } else {
      MetricsTable.print(common.out(), Map.of(shown(nameA, first) + " vs " + shown(nameB, second), comparison));
    }
    return ExitCode.DONE;
  }

  private static String chosen(PredictionFile file, String name, String flag) {
    String has = file.file() + " holds the systems " + String.join(", ", file.names());
    if (name == null) {
      if (file.systems().size() > 1) {
        throw CliException.usage(has + "; choose one with " + flag);
      }
      return file.names().get(0);
    } else if (!file.systems().containsKey(name)) {
      throw CliException.usage(flag + " " + name + ": " + has + NearMatches.hint(name, file.names()));
    }
    return name;
  }

  private static String shown(String name, Path file) {
    return name.isEmpty() ? file.toString() : name;
  }
}
