package dev.graft.eval.cli;

import dev.graft.eval.judge.Comparison;
import dev.graft.eval.judge.MetricsTable;
import dev.graft.eval.judge.PredictionFile;
import dev.graft.eval.statistics.Bonferroni;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft compare}. */
@Command(
    name = "compare",
    customSynopsis = "graft compare A.jsonl [B.jsonl] [--system NAME] [--system-b NAME] [--outcome NAME] [--alpha P] [--comparisons N] [--json]",
    description = "Tests whether two systems differ on the same rows: McNemar's test and the paired t-test.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft compare base/predictions.jsonl tuned/predictions.jsonl --json",
      "  graft compare judged/predictions.jsonl                                   every pair of systems in it",
      "  graft compare judged/predictions.jsonl --system base --system-b tuned --alpha .05 --comparisons 5",
      "",
      "Rows are paired by id. JSON: {\"n\", \"mcnemar\": {\"b\", \"c\", \"p_exact\", \"statistic\", \"p_corrected\"}, \"t_test\": {\"t\", \"df\", \"p\"}}.",
      "b: A right (score 1) and B wrong, c the reverse; p_exact is the two-tailed binomial test, 1 when b and c are 0; statistic is",
      "(|b-c|-1)^2/(b+c), chi-square with continuity correction, and p_corrected is its p. With --alpha or --comparisons, and for all pairs",
      "of a file ({\"comparisons\": [{\"systems\": [a, b], ...}]}), also {\"bonferroni\": {\"alpha\", \"comparisons\", \"threshold\", \"p_exact\", \"p_corrected\",",
      "\"t_test\"}}: whether each p is below the threshold. Rows that could not be graded are left out of both. mcnemar is null unless all scores are 0 or 1. What is not defined is",
      "null; where all differences are equal and not 0, t is null (infinite) and p is 0."
    })
final class CompareCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(index = "0", paramLabel = "A.jsonl", description = "Predictions of the first system, or of several to be compared each with each. Required.")
  Path first;

  @Parameters(index = "1", arity = "0..1", paramLabel = "B.jsonl", description = "Predictions of the second system on the same rows. Default: none, all pairs of systems in A.jsonl.")
  Path second;

  @Option(names = "--system", paramLabel = "NAME", description = "Which system, where a file holds several. Default: the only one.")
  String system;

  @Option(names = "--system-b", paramLabel = "NAME", description = "Which system of B.jsonl. Default: that of --system, or the only one.")
  String systemB;

  @Option(names = "--alpha", paramLabel = "P", description = "Level of all comparisons together, for a decision by Bonferroni's threshold, alpha / comparisons. Default: .05 where a decision is asked for.")
  Double alpha;

  @Option(names = "--comparisons", paramLabel = "N", description = "How many comparisons share alpha: the study's five tasks, say. Default: 1, or the number of pairs.")
  Integer comparisons;

  @Option(names = "--outcome", paramLabel = "NAME", description = "Which outcome of the task, where a file holds several. Default: the only one.")
  String outcome;

  @Override
  public Integer call() {
    check();
    PredictionFile a = PredictionFile.read(first, false, outcome);
    if (second == null && (system == null || systemB == null)) {
      return all(a);
    }
    PredictionFile b = second == null ? a : PredictionFile.read(second, false, outcome);
    String nameA = chosen(a, system, "--system");
    boolean single = systemB == null && b.systems().size() == 1;
    String nameB = single ? b.names().get(0) : chosen(b, systemB == null ? system : systemB, systemB == null && system != null ? "--system" : "--system-b");
    Comparison comparison = Comparison.of(a, nameA, b, nameB);
    Bonferroni bonferroni = alpha == null && comparisons == null ? null : threshold(1);
    if (common.json()) {
      common.printJson(comparison.json(bonferroni));
    } else {
      MetricsTable.print(common.out(), Map.of(shown(nameA, first) + " vs " + shown(nameB, b.file()), comparison), bonferroni);
    }
    return ExitCode.DONE;
  }

  private void check() {
    if (alpha != null && !(alpha > 0 && alpha < 1)) {
      throw CliException.usage("--alpha " + alpha + " must be above 0 and below 1");
    } else if (comparisons != null && comparisons < 1) {
      throw CliException.usage("--comparisons " + comparisons + " must be at least 1");
    }
  }

  private Bonferroni threshold(int pairs) {
    return new Bonferroni(alpha == null ? 0.05 : alpha, comparisons == null ? pairs : comparisons);
  }

  /** Every pair of systems in a file. */
  private Integer all(PredictionFile file) {
    if (system != null || systemB != null) {
      throw CliException.usage("without B.jsonl, give both --system and --system-b to choose a pair of " + first + ", or neither for all pairs");
    } else if (file.systems().size() < 2) {
      throw CliException.usage(first + " holds one system; give a second file to compare it with");
    }
    Map<String, Comparison> pairs = new LinkedHashMap<>();
    List<Map<String, Object>> json = new ArrayList<>();
    List<String> names = file.names();
    Bonferroni bonferroni = threshold(names.size() * (names.size() - 1) / 2);
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        Comparison comparison = Comparison.of(file, names.get(i), file, names.get(j));
        pairs.put(shown(names.get(i), first) + " vs " + shown(names.get(j), first), comparison);
        Map<String, Object> pair = new LinkedHashMap<>();
        pair.put("systems", List.of(names.get(i), names.get(j)));
        pair.putAll(comparison.json(bonferroni));
        json.add(pair);
      }
    }
    if (common.json()) {
      common.printJson(Map.of("comparisons", json));
    } else {
      MetricsTable.print(common.out(), pairs, bonferroni);
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
