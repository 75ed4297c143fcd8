package dev.graft.eval.cli;

import dev.graft.bindings.Sampling;
import dev.graft.eval.grade.ChecklistGrader;
import dev.graft.eval.grade.EquivalenceGrader;
import dev.graft.eval.judge.EvalOptions;
import dev.graft.eval.judge.EvalReport;
import dev.graft.eval.judge.EvalRun;
import dev.graft.eval.judge.EvalSystem;
import dev.graft.eval.judge.Grader;
import dev.graft.eval.judge.TestRow;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.task.Outcome;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import dev.graft.eval.task.TaskSource;
import dev.graft.trainer.generate.GenerateOptions;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft eval}. */
@Command(
    name = "eval",
    customSynopsis = "graft eval (--task T [--data-dir DIR] | --data TEST.jsonl) --model M.gguf [--adapter NAME=A.gguf ...] --output DIR [flags]",
    description = "Lets a model and its adapters answer the same test rows, judges the answers, and tests whether they differ.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft eval --task uti --model model.gguf --adapter sft=run/adapter.gguf --output judged",
      "  graft eval --task triage --data-dir data/triage --model model.gguf --output judged",
      "  graft eval --model model.gguf --adapter sft=run/adapter.gguf --data test.jsonl --output judged --labels 'UTI,No UTI' --positive UTI",
      "  graft eval --model model.gguf --data test.jsonl --output judged --resume",
      "",
      "With --task, labels, right answers, how answers are read, graders and tests are the task's (graft data tasks), and a line of",
      "predictions.jsonl is one outcome of an answer; metrics.json has \"outcomes\". Without --task, these are said by flags:",
      "rows are those of graft sft; the completion (with --labels also \"label\") is the right answer, \"id\" names the row (else its",
      "position, from 0). With --labels an answer is read as: the label that it is; else the longest one that it begins with; else the",
      "only one in it; else it is not read, which counts as wrong; case, space and punctuation do not count. Without --labels, right is",
      "what equals the completion so. DIR gets predictions.jsonl ({\"id\", \"system\", \"gold\", \"answer\", \"label\", \"score\", ...}), a line as",
      "soon as it is judged; metrics.json; and eval.json (flags and hashes). After Ctrl-C or a crash, --resume goes on at the next row."
    })
final class EvalCommand implements Callable<Integer> {
  @Mixin CommonOptions common;
  @Mixin ModelOptions model;
  @Mixin JudgeFlags judge;

  @Option(
      names = "--adapter",
      paramLabel = "NAME=A.gguf",
      arity = "1",
      description = "A LoRA adapter to judge; may be given several times. Without NAME= it is called after its file, or the folder of adapter.gguf. Default: none.")
  List<String> adapters = new ArrayList<>();

  @Option(names = "--no-base", description = "Leaves out the bare base. Default: off.")
  boolean noBase;

  @Option(names = "--task", paramLabel = "T", description = "A shipped task (uti, reasoning, summary, triage), or the path of your own .yaml. Default: none.")
  String task;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "With --task: its rows, as graft data prepare or make wrote them; sft/test.jsonl is answered. Default: made in OUTPUT/data, of the task's own source.")
  Path dataDir;

  @Option(names = "--data", paramLabel = "TEST.jsonl", description = "The rows to answer. Default: those of --task.")
  Path data;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "Folder of the results. Required.")
  Path output;

  @Option(names = "--labels", split = ",", paramLabel = "A,B", description = "The labels that answers are read as. Default: none, an answer is right when it equals the completion.")
  List<String> labels = new ArrayList<>();

  @Option(names = "--positive", paramLabel = "LABEL", description = "The label that F1, sensitivity and specificity are about. Default: none.")
  String positive;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Most tokens of an answer. Default: 32, or what the task says.")
  Integer maxTokens;

  @Option(names = "--temperature", paramLabel = "X", defaultValue = "0", description = "0 is greedy. Default: ${DEFAULT-VALUE}.")
  float temperature;

  @Option(names = "--stop", paramLabel = "TEXT", arity = "1", description = "Ends an answer before this text; may be given several times. Default: none.")
  List<String> stop = new ArrayList<>();

  @Option(names = "--parallel", paramLabel = "N", defaultValue = "16", description = "Most answers made at once, of all systems together. Default: ${DEFAULT-VALUE}.")
  int parallel;

  @Option(
      names = "--engine",
      paramLabel = "native|llama.cpp",
      defaultValue = "native",
      description = "Our own engine, or java-llama.cpp in a child process. Default: ${DEFAULT-VALUE}.")
  String engine;

  @Option(names = "--resume", description = "Goes on with the predictions in --output; starts anew when there are none. Default: off.")
  boolean resume;

  @Option(names = "--overwrite", description = "Replaces the predictions in --output. Default: off.")
  boolean overwrite;

  private Path answered;

  @Override
  public Integer call() {
    EvalOptions options = options();
    StopRequest request = new StopRequest();
    Runnable asked = () -> {
      request.request();
      common.note("stopping; the answers written are kept; a second Ctrl-C ends at once");
    };
    try (StopSignals signals = new StopSignals(asked)) {
      EvalReport report = EvalRun.run(options, this::grader, common::openRuntime, new Shown(), request);
      tell(report);
      return report.stopped() ? signals.exitCode() : ExitCode.DONE;
    }
  }

  private EvalOptions options() {
    if (!engine.equals("native") && !engine.equals("llama.cpp")) {
      throw CliException.usage("--engine " + engine + " is not known; give native or llama.cpp");
    } else if (maxTokens != null && maxTokens < 1) {
      throw CliException.usage("--max-tokens " + maxTokens + " must be at least 1");
    } else if (resume && overwrite) {
      throw CliException.usage("give --resume or --overwrite, not both");
    } else if (task == null && data == null) {
      throw CliException.usage("give --task T, or the rows with --data TEST.jsonl");
    } else if (dataDir != null && (task == null || data != null)) {
      throw CliException.usage("--data-dir holds the rows of a --task; give it with --task and without --data");
    } else if (task != null && (!labels.isEmpty() || positive != null)) {
      throw CliException.usage("--labels and --positive are said by the task " + task + "; leave them out");
    }
    Optional<Task> loaded = Optional.ofNullable(task).map(Task::load);
    boolean judged = loaded.isPresent() && loaded.get().needsJudge();
    if (judged) {
      judge.check();
    } else if (judge.given()) {
      throw CliException.usage("--judge-model is for outcomes with the grader likert, and there is none here; 'graft grade run' grades any predictions again");
    }
    List<EvalSystem> systems = EvalSystem.of(adapters, !noBase);
    GenerateOptions generate = new GenerateOptions(new Sampling(temperature, 0, 1, 0), common.seed(), stop, parallel);
    answered = data != null ? data : rows(loaded.orElseThrow());
    int tokens = maxTokens != null ? maxTokens : loaded.map(Task::maxTokens).orElse(32);
    return new EvalOptions(model.model, systems, answered, output, loaded, labels.stream().map(String::strip).toList(), positive, judged ? judge.identity() : "", tokens,
        model.template, generate, engine.equals("llama.cpp"), common.threads(), resume, overwrite);
  }

  /** The task's test rows. */
  private Path rows(Task loaded) {
    if (dataDir != null) {
      return TaskData.open(loaded, dataDir).sft(Split.TEST);
    }
    return TaskData.prepare(loaded, TaskSource.OWN, output.resolve("data"), common.seed(), 0, overwrite).sft(Split.TEST);
  }

  /** The graders of tasks. */
  private Grader grader(Outcome outcome, List<TestRow> rows) {
    return switch (outcome.grader()) {
      case EQUIVALENCE -> new EquivalenceGrader(outcome.aliases());
      case CHECKLIST -> new ChecklistGrader(answered);
      default -> new LaterJudge(judge, common, judge.cache != null ? judge.cache : output.resolve("grades.jsonl"), outcome.rubric());
    };
  }

  private void tell(EvalReport report) {
    if (common.json()) {
      common.printJson(report.json());
    } else if (!report.stopped()) {
      report.print(common.out());
    }
    common.note(String.format(Locale.ROOT, "%d rows, %d answers%s in %.1f s, peak memory %s", report.rows(), report.answered(),
        report.resumed() > 0 ? " beside " + report.resumed() + " resumed" : "", report.seconds(), MemoryCheck.gib(report.peakMemoryBytes())));
    common.note(report.stopped() ? "stopped; go on with the same command and --resume" : "predictions in " + report.predictions());
  }

  /** Notes, and now and then how far it is. */
  private final class Shown implements EvalRun.Listener {
    private RowProgress progress;
    private RowProgress grading;

    @Override
    public void grading(int done, int count) {
      if (grading == null) {
        common.note("grading " + count + " answers");
        grading = new RowProgress(common, count, "grades");
      } else {
        grading.done(done);
      }
    }

    @Override
    public void note(String text) {
      common.note(text);
    }

    @Override
    public void progress(int done, int count) {
      if (progress == null) {
        progress = new RowProgress(common, count, "answers");
      }
      progress.done(done);
    }
  }
}
