package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GraftRuntime;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.PromptExample;
import dev.graft.trainer.generate.BatchGenerator;
import dev.graft.trainer.generate.Completion;
import dev.graft.trainer.generate.Prompt;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.HostMemory;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.RunFolder;
import dev.graft.trainer.run.SafeFiles;
import dev.graft.trainer.run.StopRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * An evaluation: a model and its adapters answer every row of a test file, each answer is judged and written at once, and at the end the
 * metrics of each system and the tests between them. The folder holds {@code predictions.jsonl}, {@code metrics.json} and {@code eval.json}.
 * Where a judge needs the memory that the model has ({@link Grader#afterwards}), answers wait in {@code answers.jsonl}, and are judged when all
 * are there and the model is closed. One thread.
 */
public final class EvalRun {
  private final EvalOptions options;
  private final GraderSource graders;
  private final Listener listener;
  private final StopRequest stop;
  private final Path predictions;
  private final Path answers;
  private final Path config;

  /** Hears how it goes; called on the running thread. Answering begins with a progress of 0. */
  public interface Listener {
    /** A sentence for the user. */
    void note(String text);

    /** @param done answers made by this process  @param count answers that it has to make */
    void progress(int done, int count);

    /** A judge of answers that waited begins with 0. @param done answers graded by this process  @param count answers that it has to grade */
    default void grading(int done, int count) {}
  }

  private EvalRun(EvalOptions options, GraderSource graders, Listener listener, StopRequest stop) {
    this.options = options;
    this.graders = graders;
    this.listener = listener;
    this.stop = stop;
    this.predictions = options.output().resolve("predictions.jsonl");
    this.answers = options.output().resolve("answers.jsonl");
    this.config = options.output().resolve("eval.json");
  }

  /**
   * Runs it.
   *
   * @param graders makes the graders of tasks that are not of labels or exact answers
   * @param runtime opens what our own engine computes with
   * @throws RunException when flags, folder or files are not as they must be  @throws DataException about a line of the test data
   */
  public static EvalReport run(EvalOptions options, GraderSource graders, Supplier<GraftRuntime> runtime, Listener listener, StopRequest stop) {
    return new EvalRun(options, graders, listener, stop).run(runtime);
  }

  /** What has been answered. @param waiting answers that wait for their judge, or null where they are judged */
  private record Answered(List<Criterion> criteria, Places places, PredictionLines lines, Spent spent, int rows, int made, int found, List<PredictionLines.Answer> waiting) {
    boolean whole() {
      return made + found == places.count();
    }
  }

  private EvalReport run(Supplier<GraftRuntime> runtime) {
    if (Files.exists(options.data()) && !Files.isRegularFile(options.data()) && !Files.isDirectory(options.data())) {
      throw RunException.badData("--data " + options.data() + ": is not a regular file; write the rows to a file first", null); // it is read more than once
    }
    if (!options.labels().isEmpty()) {
      Criterion.positive(options, new LabelGrader(options.labels())); // a wrong flag must not wait for the model
    }
    try (RunFolder folder = RunFolder.open(options.output())) {
      boolean there = Files.exists(predictions) || Files.exists(answers);
      if (there && !options.resume() && !options.overwrite()) {
        throw RunException.usage("--output " + folder.root() + ": already holds predictions; go on with --resume, replace them with --overwrite, or choose another folder");
      }
      boolean resume = there && options.resume();
      if (options.resume() && !there) {
        listener.note("nothing to resume in " + folder.root() + ": starting anew");
      }
      Answered answered;
      try (Engine engine = Engine.open(options, runtime)) {
        engine.notes().forEach(listener::note);
        answered = answer(engine, resume);
      }
      try {
        return report(answered, answered.whole() && (answered.waiting() == null || grade(answered, resume)));
      } finally {
        answered.criteria().forEach(criterion -> close(criterion.grader()));
      }
    }
  }

  private static void close(Grader grader) {
    if (grader instanceof AutoCloseable closeable) {
      try {
        closeable.close();
      } catch (Exception e) {
        throw e instanceof RuntimeException runtime ? runtime : RunException.failed("a grader cannot be closed: " + e.getMessage(), e);
      }
    }
  }

  private Answered answer(Engine engine, boolean resume) {
    Map<String, FileHash> hashes = EvalConfig.hashes(options);
    ObjectNode before = resume ? EvalConfig.read(config) : null;
    ZonedDateTime now = resume ? EvalConfig.clock(config, before) : ZonedDateTime.now();
    try (RowSource source = RowSource.open(options.model(), engine.vocabularySize(), options.template(), Clock.fixed(now.toInstant(), now.getZone()))) {
      Dataset data = source.read(options.data(), Dataset.Kind.PROMPT, 0, true);
      data.report().warnings().forEach(listener::note);
      List<TestRow> rows = TestRows.read(options.data(), source.vocabulary(), TestRows.Gold.of(options));
      List<Criterion> criteria = Criterion.of(options, rows, graders);
      Places places = new Places(rows.size(), options.systems(), engine.sideBySide());
      List<Prompt> prompts = prompts(places, data.prompts());
      int context = BatchGenerator.requiredContext(prompts, engine.contextLength(), options.data());
      if (resume) {
        List<String> notes = EvalConfig.check(before, options, hashes, engine.describe());
        if (!notes.isEmpty()) {
          listener.note("resuming with " + String.join(", ", notes) + ": answers may differ from those of an unbroken run");
        }
      } else {
        before = EvalConfig.build(options, hashes, engine.describe(), now);
        clear(); // first: predictions must never stand beside the flags of others
        EvalConfig.write(config, before);
      }
      Spent spent = new Spent(config, before, options.systems());
      PredictionLines lines = new PredictionLines(places, criteria, options.systems());
      boolean waits = criteria.stream().anyMatch(criterion -> criterion.grader().afterwards());
      try (OrderedLog<?> log = waits ? OrderedLog.open(answers, resume, 1, (line, text) -> lines.waiting(answers, line, text))
          : OrderedLog.open(predictions, resume, criteria.size(), (line, text) -> lines.judged(predictions, line, text, null))) {
        int found = waits ? log.kept().size() : log.kept().size() / criteria.size();
        List<PredictionLines.Answer> waiting = waits ? new ArrayList<>() : null;
        for (Object kept : log.kept()) {
          if (kept instanceof PredictionLines.Line line) {
            lines.keep(List.of(line));
          } else {
            waiting.add((PredictionLines.Answer) kept);
          }
        }
        int made = 0;
        if (found < places.count()) {
          made = answer(engine, source, prompts, context, found, lines, waiting, log, spent);
        }
        return new Answered(criteria, places, lines, spent, rows.size(), made, found, waiting);
      }
    }
  }

  /** Answers what is not there yet; returns how many answers were written. */
  private int answer(Engine engine, RowSource source, List<Prompt> prompts, int context, int found, PredictionLines lines, List<PredictionLines.Answer> waiting, OrderedLog<?> log,
      Spent spent) {
    int count = prompts.size() - found;
    Places places = lines.places();
    PredictionLines.Answer[] all = new PredictionLines.Answer[prompts.size()];
    AnswerSink sink = new AnswerSink(places, found, (place, completion) -> {
      all[place] = answer(completion);
      return waiting == null ? lines.judge(place, all[place]) : lines.waiting(place, all[place]);
    }, log, spent, stop, done -> listener.progress(done, count));
    listener.progress(0, count);
    engine.answer(prompts.subList(found, prompts.size()), context, source.vocabulary(), sink);
    spent.save();
    for (int place = found; waiting != null && place < sink.next(); place++) {
      waiting.add(all[place]);
    }
    return sink.next() - found;
  }

  private static PredictionLines.Answer answer(Completion completion) {
    return new PredictionLines.Answer(completion.text(), completion.finishReason());
  }

  private List<Prompt> prompts(Places places, List<PromptExample> examples) {
    List<Prompt> prompts = new ArrayList<>();
    for (int i = 0; i < places.count(); i++) {
      PromptExample example = examples.get(places.row(i));
      prompts.add(new Prompt(places.index(i), example.line(), example.tokens(), options.maxTokens(), places.adapter(i)));
    }
    return prompts;
  }

  private void clear() {
    try {
      Files.deleteIfExists(options.output().resolve("metrics.json"));
      Files.deleteIfExists(predictions);
      Files.deleteIfExists(answers);
    } catch (IOException e) {
      throw RunException.failed(options.output() + ": the old predictions cannot be removed: " + SafeFiles.reason(e), e);
    }
  }

  /** Judges the answers that waited; returns whether all are judged. */
  private boolean grade(Answered answered, boolean resume) {
    PredictionLines lines = answered.lines();
    int criteria = answered.criteria().size();
    List<PredictionLines.Answer> waiting = answered.waiting();
    try (OrderedLog<PredictionLines.Line> log = OrderedLog.open(predictions, resume, criteria,
        (line, text) -> lines.judged(predictions, line, text, (line - 1) / criteria < waiting.size() ? waiting.get((line - 1) / criteria).text() : null))) {
      lines.keep(log.kept());
      int found = log.kept().size() / criteria;
      if (found < waiting.size() && !lines.grade(waiting, listener, stop)) {
        return false;
      }
      for (int place = found; place < waiting.size(); place++) {
        if (stop.requested()) {
          return false;
        }
        log.add(lines.judge(place, waiting.get(place)));
      }
      return true;
    }
  }

  private EvalReport report(Answered answered, boolean whole) {
    Map<String, OutcomeReport> outcomes = whole ? answered.lines().outcomes() : Map.of();
    EvalReport report = new EvalReport(options.task().map(task -> task.name()).orElse(""), predictions, answered.rows(), answered.made(), answered.found(), outcomes,
        answered.spent().systemSeconds(), answered.spent().systemTokens(), answered.spent().seconds(), HostMemory.peakResidentBytes(), !whole);
    if (whole) {
      EvalConfig.write(options.output().resolve("metrics.json"), report.json());
    }
    return report;
  }
}
