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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * An evaluation: a model and its adapters answer every row of a test file, each answer is judged and written at once, and at the end the
 * metrics of each system and the tests between them. The folder holds {@code predictions.jsonl}, {@code metrics.json} and {@code eval.json}.
 * One thread.
 */
public final class EvalRun {
  private final EvalOptions options;
  private final Listener listener;
  private final StopRequest stop;
  private final Path predictions;
  private final Path config;

  /** Hears how it goes; called on the running thread. Answering begins with a progress of 0. */
  public interface Listener {
    /** A sentence for the user. */
    void note(String text);

    /** @param done answers made by this process  @param count answers that it has to make */
    void progress(int done, int count);
  }

  private EvalRun(EvalOptions options, Listener listener, StopRequest stop) {
    this.options = options;
    this.listener = listener;
    this.stop = stop;
    this.predictions = options.output().resolve("predictions.jsonl");
    this.config = options.output().resolve("eval.json");
  }

  /**
   * Runs it.
   *
   * @param runtime opens what our own engine computes with
   * @throws RunException when flags, folder or files are not as they must be  @throws DataException about a line of the test data
   */
  public static EvalReport run(EvalOptions options, Supplier<GraftRuntime> runtime, Listener listener, StopRequest stop) {
    return new EvalRun(options, listener, stop).run(runtime);
  }

  private EvalReport run(Supplier<GraftRuntime> runtime) {
    if (Files.exists(options.data()) && !Files.isRegularFile(options.data()) && !Files.isDirectory(options.data())) {
      throw RunException.badData("--data " + options.data() + ": is not a regular file; write the rows to a file first", null); // it is read more than once
    }
    if (!options.labels().isEmpty()) {
      positive(new LabelGrader(options.labels())); // a wrong flag must not wait for the model
    }
    try (RunFolder folder = RunFolder.open(options.output())) {
      boolean there = Files.exists(predictions);
      if (there && !options.resume() && !options.overwrite()) {
        throw RunException.usage("--output " + folder.root() + ": already holds predictions; go on with --resume, replace them with --overwrite, or choose another folder");
      }
      boolean resume = there && options.resume();
      if (options.resume() && !there) {
        listener.note("nothing to resume in " + folder.root() + ": starting anew");
      }
      try (Engine engine = Engine.open(options, runtime)) {
        engine.notes().forEach(listener::note);
        return run(engine, resume);
      }
    }
  }

  private EvalReport run(Engine engine, boolean resume) {
    Map<String, FileHash> hashes = EvalConfig.hashes(options);
    ObjectNode before = resume ? EvalConfig.read(config) : null;
    ZonedDateTime now = resume ? EvalConfig.clock(config, before) : ZonedDateTime.now();
    try (RowSource source = RowSource.open(options.model(), engine.vocabularySize(), options.template(), Clock.fixed(now.toInstant(), now.getZone()))) {
      Dataset data = source.read(options.data(), Dataset.Kind.PROMPT, 0, true);
      data.report().warnings().forEach(listener::note);
      List<TestRow> rows = TestRows.read(options.data(), source.vocabulary(), !options.labels().isEmpty());
      Grader grader = grader(rows);
      Places places = new Places(rows, grader, engine.sideBySide());
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
      try (PredictionLog log = PredictionLog.open(predictions, resume, places::expected, prompts.size())) {
        Spent spent = new Spent(config, before, options.systems());
        Judge judge = new Judge(log, places, grader, prompts.size() - log.kept().size(), spent);
        if (judge.count > 0) {
          listener.progress(0, judge.count);
          engine.answer(prompts.subList(log.kept().size(), prompts.size()), context, source.vocabulary(), judge);
          spent.save();
        }
        return report(judge, rows.size(), positive(grader));
      }
    }
  }

  private void clear() {
    try {
      Files.deleteIfExists(options.output().resolve("metrics.json"));
      Files.deleteIfExists(predictions);
    } catch (IOException e) {
      throw RunException.failed(options.output() + ": the old predictions cannot be removed: " + SafeFiles.reason(e), e);
    }
  }

  private Grader grader(List<TestRow> rows) {
    if (options.labels().isEmpty()) {
      return new ExactGrader(rows.stream().map(TestRow::gold).toList());
    }
    LabelGrader grader = new LabelGrader(options.labels());
    for (TestRow row : rows) {
      if (grader.gold(row.gold()) == null) {
        String gold = row.gold().length() > 60 ? row.gold().substring(0, 60) + "..." : row.gold();
        throw new DataException(options.data(), row.line(), "its right answer '" + gold + "' is none of --labels " + String.join(",", options.labels()) + "; add it, or mend the row");
      }
    }
    return grader;
  }

  /** The positive label as predictions spell it, or null for none. */
  private String positive(Grader grader) {
    if (options.positive() == null) {
      return null;
    }
    String positive = grader.gold(options.positive());
    if (positive == null) {
      throw RunException.usage("--positive " + options.positive() + " is "
          + (options.labels().isEmpty() ? "no right answer of " + options.data() : "none of --labels " + String.join(",", options.labels())));
    }
    return positive;
  }

  private List<Prompt> prompts(Places places, List<PromptExample> examples) {
    positive(places.grader);
    List<Prompt> prompts = new ArrayList<>();
    for (int i = 0; i < places.count(); i++) {
      PromptExample example = examples.get(places.row(i));
      prompts.add(new Prompt(places.index(i), example.line(), example.tokens(), options.maxTokens(), places.adapter(i)));
    }
    return prompts;
  }

  /** The order of answers: which row and system each is of. */
  private final class Places {
    private final List<TestRow> rows;
    private final Grader grader;
    private final boolean sideBySide;
    private final int systems = options.systems().size();
    private final int base = options.systems().get(0).adapter() == null ? 1 : 0;

    Places(List<TestRow> rows, Grader grader, boolean sideBySide) {
      this.rows = rows;
      this.grader = grader;
      this.sideBySide = sideBySide;
    }

    int count() {
      return Math.multiplyExact(rows.size(), systems);
    }

    int row(int place) {
      return sideBySide ? place / systems : place % rows.size();
    }

    int system(int place) {
      return sideBySide ? place % systems : place / rows.size();
    }

    /** Of the system's adapter among all adapters. */
    int adapter(int place) {
      return system(place) < base ? Prompt.BASE : system(place) - base;
    }

    /** What random numbers follow from: the base's answers have those of the row, whatever adapters there are. */
    int index(int place) {
      return Math.addExact(Math.multiplyExact(adapter(place) + 1, rows.size()), row(place));
    }

    int placeOf(int index) {
      int row = index % rows.size();
      int system = index / rows.size() - 1 + base;
      return sideBySide ? row * systems + system : system * rows.size() + row;
    }

    PredictionLog.Place expected(int place) {
      TestRow row = rows.get(row(place));
      return new PredictionLog.Place(row.id().asText(), options.systems().get(system(place)).name(), grader.gold(row.gold()));
    }
  }

  /** Judges answers as they come, in any order, and writes them in theirs. */
  private final class Judge implements BatchGenerator.Sink {
    private final PredictionLog log;
    private final Places places;
    private final Grader grader;
    private final int count;
    private final Map<Integer, ObjectNode> early = new HashMap<>();
    private final Map<String, List<Prediction>> judged = new LinkedHashMap<>();
    private final Spent spent;
    private int next;
    private int done;

    Judge(PredictionLog log, Places places, Grader grader, int count, Spent spent) {
      this.log = log;
      this.places = places;
      this.grader = grader;
      this.count = count;
      this.spent = spent;
      this.next = log.kept().size();
      for (EvalSystem system : options.systems()) {
        judged.put(system.name(), new ArrayList<>());
      }
      log.kept().forEach(p -> judged.get(p.system()).add(p));
    }

    @Override
    public boolean text(int index, String more) {
      return !stop.requested();
    }

    @Override
    public void done(Completion completion, double took) {
      int place = places.placeOf(completion.index());
      TestRow row = places.rows.get(places.row(place));
      String system = options.systems().get(places.system(place)).name();
      String gold = grader.gold(row.gold());
      Verdict verdict = grader.grade(row.withGold(gold), completion.text());
      Prediction prediction = new Prediction(place + 1, row.id(), system, gold, completion.text(), verdict.label(), verdict.score());
      ObjectNode line = prediction.json();
      line.put("finish_reason", completion.finishReason());
      if (row.prompt() != null) {
        line.set("prompt", row.prompt());
      }
      early.put(place, line);
      judged.get(system).add(prediction);
      while (early.containsKey(next)) {
        log.add(early.remove(next++));
      }
      spent.add(system, took, completion.ids().length);
      listener.progress(++done, count);
    }
  }

  private EvalReport report(Judge judge, int rows, String positive) {
    boolean stopped = judge.done < judge.count;
    Map<String, SystemMetrics> systems = new LinkedHashMap<>();
    Map<String, Comparison> comparisons = new LinkedHashMap<>();
    if (!stopped) {
      judge.judged.values().forEach(list -> list.sort((a, b) -> Integer.compare(a.line(), b.line()))); // by row
      judge.judged.forEach((name, list) -> systems.put(name, SystemMetrics.of(list, positive)));
      List<String> names = List.copyOf(systems.keySet());
      for (int i = 0; i < names.size(); i++) {
        for (int j = i + 1; j < names.size(); j++) {
          comparisons.put(EvalReport.versus(names.get(i), names.get(j)), Comparison.of(judge.judged.get(names.get(i)), judge.judged.get(names.get(j))));
        }
      }
    }
    int resumed = judge.log.kept().size();
    EvalReport report = new EvalReport(predictions, rows, judge.next - resumed, resumed, systems, comparisons, judge.spent.systemSeconds(), judge.spent.systemTokens(),
        judge.spent.seconds(),
        HostMemory.peakResidentBytes(), stopped);
    if (!stopped) {
      EvalConfig.write(options.output().resolve("metrics.json"), report.json());
    }
    return report;
  }
}
