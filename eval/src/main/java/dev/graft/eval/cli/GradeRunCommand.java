package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.grade.ChecklistGrader;
import dev.graft.eval.grade.EquivalenceGrader;
import dev.graft.eval.grade.GradeRun;
import dev.graft.eval.grade.LikertGrader;
import dev.graft.eval.grade.likert.GradeCache;
import dev.graft.eval.grade.likert.Grading;
import dev.graft.eval.grade.likert.LikertJudge;
import dev.graft.eval.grade.likert.Rubric;
import dev.graft.eval.judge.Grader;
import dev.graft.eval.judge.MetricsTable;
import dev.graft.eval.judge.PredictionFile;
import dev.graft.eval.judge.SystemMetrics;
import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft grade run}. */
@Command(
    name = "run",
    customSynopsis = "graft grade run --predictions P.jsonl --grader likert|equivalence|checklist --output GRADED.jsonl [--data TEST.jsonl] [--judge-model ...] [flags]",
    description = "Grades predictions again, by another grader, and writes them with the new scores.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft grade run --predictions judged/predictions.jsonl --data test.jsonl --grader checklist --output graded.jsonl",
      "  graft grade run --predictions judged/predictions.jsonl --grader likert --judge-model judge.gguf --output graded.jsonl",
      "  graft grade run --predictions p.jsonl --grader likert --judge-url https://api.openai.com/v1 --judge-model gpt-4o --output graded.jsonl",
      "",
      "equivalence: 1 when the answer says the same as gold or one of the row's \"aliases\", but for case, punctuation, articles, plurals and the",
      "like, else 0; negations and lists of answers are wrong. checklist: the row's \"facts\" ({\"fact\", \"any_of\", \"must_not\", \"weight\"}) give a",
      "share of the weight; the grade is 5 for all, else 1 + 4 x share, rounded, at most 4; one point less for an answer outside the row's",
      "min_words and max_words, two beyond twice max_words. likert: a judge model gives 1 to 5. A local one chooses by probability (\"expected\" is the mean,",
      "\"mass\" what the five grades had together), or under a grammar in llama.cpp. An endpoint that is busy, away or slow is asked again; a",
      "grade is kept in --judge-cache at once, so after any failure or Ctrl-C the same command goes on where it was, and nothing is paid twice.",
      "A reply without a grade is asked for thrice; then the line has \"score\": null and \"ungraded\", and metrics and compare leave it out."
    })
final class GradeRunCommand implements Callable<Integer> {
  private static final List<String> GRADERS = List.of("likert", "equivalence", "checklist");
  private static final int NAMED = 10;

  @Mixin CommonOptions common;
  @Mixin JudgeFlags judge;

  @Option(names = "--predictions", required = true, paramLabel = "P.jsonl", description = "The answers, as graft eval writes them. Required.")
  Path predictions;

  @Option(names = "--data", paramLabel = "TEST.jsonl", description = "The rows that were answered, for their facts, aliases, options and prompts. Default: none, what the predictions hold.")
  Path data;

  @Option(names = "--outcome", paramLabel = "NAME", description = "Which outcome of the task, where the file holds several. Default: the only one.")
  String outcome;

  @Option(names = "--grader", required = true, paramLabel = "likert|equivalence|checklist", description = "What grades. Required.")
  String grader;

  @Option(names = "--output", required = true, paramLabel = "GRADED.jsonl", description = "The file to write, - for standard output. Required.")
  Path output;

  @Override
  public Integer call() {
    if (output.toString().equals("-") && common.json()) {
      throw CliException.usage("--json writes its summary on standard output, so --output cannot be - too; name a file");
    }
    if (!GRADERS.contains(grader)) {
      throw CliException.usage("--grader " + grader + " is not known" + NearMatches.hint(grader, GRADERS) + "; give likert, equivalence or checklist");
    } else if (grader.equals("likert")) {
      judge.check();
    }
    GradeRun.Result result;
    int signal = 0;
    try (OutputLines lines = OutputLines.open(output, common.out(), predictions, data)) { // first: no grade is paid that could not be written
      if (grader.equals("likert")) {
        StopRequest request = new StopRequest();
        Runnable asked = () -> {
          request.request();
          common.note("stopping after what is under way; the grades given are kept; a second Ctrl-C ends at once");
        };
        try (StopSignals signals = new StopSignals(asked)) {
          result = likert(request);
          signal = signals.exitCode();
        }
      } else {
        Grader rule = grader.equals("equivalence") ? new EquivalenceGrader() : new ChecklistGrader(data == null ? predictions : data);
        result = GradeRun.run(predictions, outcome, data, grader, rule, new Shown(), new StopRequest());
      }
      if (result.stopped()) {
        common.note("stopped; go on with the same command");
        return signal;
      }
      result.lines().forEach(lines::add);
      lines.commit();
    }
    tell(result);
    return ExitCode.DONE;
  }

  private GradeRun.Result likert(StopRequest request) {
    Rubric rubric = judge.rubric();
    Path file = judge.cache != null ? judge.cache : output.toString().equals("-") ? Path.of("graft-grades.jsonl") : output.resolveSibling(output.getFileName() + ".grades");
    try (GradeCache cache = GradeCache.open(file);
        LikertJudge model = judge.open(common)) {
      if (cache.strange() > 0) {
        common.note(file + ": " + cache.strange() + " lines are no grades and are not used");
      }
      return GradeRun.run(predictions, outcome, data, grader, new LikertGrader(rubric, new Grading(model, cache)), new Shown(), request);
    }
  }

  private void tell(GradeRun.Result result) {
    result.ungraded().entrySet().stream().limit(NAMED).forEach(row -> common.note(row.getKey() + " is ungraded: " + row.getValue()));
    if (result.ungraded().size() > NAMED) {
      common.note((result.ungraded().size() - NAMED) + " more are ungraded; the lines with \"ungraded\" say why");
    }
    if (!output.toString().equals("-")) {
      summary(result);
    }
  }

  private void summary(GradeRun.Result result) {
    Map<String, SystemMetrics> systems = new LinkedHashMap<>();
    if (result.ungraded().size() < result.lines().size()) {
      PredictionFile.read(output, false).systems().forEach((name, rows) -> systems.put(name, SystemMetrics.of(rows, null)));
    }
    if (common.json()) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("rows", result.lines().size());
      json.put("ungraded", result.ungraded());
      json.put("from_cache", result.cached());
      Map<String, Object> each = new LinkedHashMap<>();
      systems.forEach((name, metrics) -> each.put(name, metrics.json()));
      json.put("systems", each);
      common.printJson(json);
    } else {
      MetricsTable.print(common.out(), systems, null);
    }
    long graded = result.lines().stream().map(ObjectNode.class::cast).filter(line -> !line.path("score").isNull()).count();
    common.note(graded + " of " + result.lines().size() + " graded" + (result.cached() > 0 ? ", " + result.cached() + " of them before" : "") + "; in " + output);
  }

  /** Notes, and now and then how far it is. */
  private final class Shown implements Grading.Listener {
    private RowProgress progress;

    @Override
    public void note(String text) {
      common.note(text);
    }

    @Override
    public void progress(int done, int count) {
      if (progress == null) {
        progress = new RowProgress(common, count, "grades");
      } else {
        progress.done(done);
      }
    }
  }
}
