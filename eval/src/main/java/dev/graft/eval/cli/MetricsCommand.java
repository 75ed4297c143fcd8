package dev.graft.eval.cli;

import dev.graft.eval.judge.MetricsTable;
import dev.graft.eval.judge.Prediction;
import dev.graft.eval.judge.PredictionFile;
import dev.graft.eval.judge.SystemMetrics;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft metrics}. */
@Command(
    name = "metrics",
    customSynopsis = "graft metrics P.jsonl [--positive LABEL] [--system NAME] [--outcome NAME] [--json]",
    description = "Says what judged answers amount to: accuracy, and for one label F1, sensitivity and specificity.",
    footerHeading = "%nExample:%n",
    footer = {
      "  graft metrics judged/predictions.jsonl --positive UTI --json",
      "",
      "Reads lines {\"id\", \"system\", \"gold\", \"answer\", \"label\", \"score\"}. Intervals are 95%%: Wilson's; of F1 a bootstrap's (BCa, which",
      "cannot see what no row shows: without an error it is [1, 1]). A row that could not be graded is left out. A row whose label is null",
      "counts as wrong: as fn when its gold label is the positive one, else as fp. JSON: {\"n\", \"accuracy\", \"accuracy_ci95\": [low, high],",
      "\"mean_score\", \"unparsed\"}, with --positive also {\"tp\", \"fp\", \"tn\", \"fn\", \"f1\", \"f1_ci95\", \"sensitivity\", \"sensitivity_ci95\", \"specificity\",",
      "\"specificity_ci95\"}; of a file with several systems {\"systems\": {NAME: {...}}}. What is not defined is null."
    })
final class MetricsCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "P.jsonl", description = "Predictions, as graft eval writes them. Required.")
  Path predictions;

  @Option(names = "--positive", paramLabel = "LABEL", description = "The label that counts as positive, written as in the file; all others are negative. Default: none.")
  String positive;

  @Option(names = "--system", paramLabel = "NAME", description = "Only this system, where the file holds several. Default: all.")
  String system;

  @Option(names = "--resamples", paramLabel = "N", defaultValue = "10000", description = "Resamples of the bootstrap, drawn by --seed; 100 at least. Default: ${DEFAULT-VALUE}.")
  int resamples;

  @Option(names = "--outcome", paramLabel = "NAME", description = "Which outcome of the task, where the file holds several. Default: the only one.")
  String outcome;

  @Override
  public Integer call() {
    if (resamples < 100 || resamples > 10_000_000) {
      throw CliException.usage("--resamples " + resamples + " must be from 100 to 10000000");
    }
    PredictionFile file = PredictionFile.read(predictions, positive != null, outcome);
    if (system != null && !file.systems().containsKey(system)) {
      throw CliException.usage("--system " + system + ": " + predictions + " holds the systems " + String.join(", ", file.names()) + NearMatches.hint(system, file.names()));
    }
    if (positive != null) {
      checkPositive(file);
    }
    file.ungraded().forEach((name, ids) -> common.note(ids.size() + " ungraded row" + (ids.size() == 1 ? "" : "s") + (name.isEmpty() ? "" : " of " + name) + " left out"));
    Map<String, SystemMetrics> systems = new LinkedHashMap<>();
    file.systems().forEach((name, rows) -> {
      if (system == null || system.equals(name)) {
        systems.put(name, SystemMetrics.of(rows, positive, resamples, common.seed()));
      }
    });
    if (!common.json()) {
      MetricsTable.print(common.out(), systems, null);
    } else if (systems.size() == 1) {
      common.printJson(systems.values().iterator().next().json());
    } else {
      Map<String, Object> json = new LinkedHashMap<>();
      systems.forEach((name, metrics) -> json.put(name, metrics.json()));
      common.printJson(Map.of("systems", json));
    }
    return ExitCode.DONE;
  }

  /** A file may happen to hold no row of the label; a mistyped one must not pass unseen. */
  private void checkPositive(PredictionFile file) {
    Set<String> labels = new TreeSet<>();
    for (List<Prediction> rows : file.systems().values()) {
      for (Prediction p : rows) {
        if (p.gold() != null) {
          labels.add(p.gold());
        }
        if (p.label() != null) {
          labels.add(p.label());
        }
      }
    }
    if (!labels.contains(positive)) {
      common.note("no row has the label '" + positive + "'" + NearMatches.hint(positive, labels));
    }
  }
}
