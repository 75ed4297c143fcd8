package dev.graft.eval.study;

import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.eval.process.Commands;
import dev.graft.eval.report.ResultsFile;
import dev.graft.eval.report.StudyReport;
import dev.graft.eval.report.StudyResults;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.RunFolder;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A study from its data to its results, in one folder: {@code data/}, a folder for each task, {@code study.json} and {@code results.json}. Started again
 * after anything, it does what is not done. One thread; the child may be stopped from any.
 */
public final class Study {
  /** What the base is called in the folder, when it is Graft's own. */
  public static final String BASE = "demo-base.gguf";

  private final StudySettings asked;
  private final Supplier<GraftRuntime> runtime;
  private final Consumer<String> note;

  /** @param runtime opens where to compute, for planning  @param note gets lines for the user */
  public Study(StudySettings settings, Supplier<GraftRuntime> runtime, Consumer<String> note) {
    this.asked = settings;
    this.runtime = runtime;
    this.note = note;
  }

  /** What was found before anything runs. @param settings as resolved for this model */
  private record Prepared(StudySettings settings, Map<String, TaskData> data, StudyResults.Model model, StudyResults.Machine machine, StudyPlan plan) {}

  /** Only plans; what rows have to be made for that are removed again. */
  public StudyPlan plan() {
    if (Files.isDirectory(asked.output().resolve("data"))) {
      return prepare(asked.output().resolve("data")).plan();
    }
    Path temporary = temporary();
    try {
      return prepare(temporary).plan();
    } finally {
      try {
        SafeFiles.deleteTree(temporary);
      } catch (IOException e) {
        note.accept(temporary + " is left: " + SafeFiles.reason(e));
      }
    }
  }

  private static Path temporary() {
    try {
      return Files.createTempDirectory("graft-plan");
    } catch (IOException e) {
      throw RunException.failed("no temporary folder can be made: " + SafeFiles.reason(e), e);
    }
  }

  /**
   * Runs it.
   *
   * @param child runs the commands; stopping it stops the study in good order  @param planned told the plan before anything is trained
   * @throws StudyException when a stage fails or a stop was asked for  @throws RunException when the study cannot begin or be written
   */
  public StudyResults run(Commands child, Consumer<StudyPlan> planned) {
    try (RunFolder folder = RunFolder.open(asked.output())) {
      requireOurs(folder.root());
      Prepared prepared = prepare(folder.root().resolve("data"));
      StudySettings settings = prepared.settings();
      Map<String, String> hashes = new LinkedHashMap<>();
      prepared.data().forEach((task, data) -> hashes.put(task, StudyData.sha256(data)));
      StudyState state = StudyState.open(folder.root(), settings.identity(prepared.model().sha256(), hashes));
      planned.accept(prepared.plan());
      prepared.plan().requireMemory();
      StudyProgress progress = new StudyProgress(note);
      StageRunner runner = new StageRunner(settings, state, child, progress);
      List<TaskStudy> tasks = new ArrayList<>();
      for (int i = 0; i < settings.tasks().size(); i++) {
        Task task = settings.tasks().get(i);
        tasks.add(new TaskStudy(settings, task, prepared.data().get(task.name()), prepared.plan().tasks().get(i), runner));
      }
      tasks.forEach(TaskStudy::announce);
      ResultsBuilder results = new ResultsBuilder(settings, prepared.model(), prepared.machine(), state);
      for (TaskStudy task : tasks) {
        task.run();
        ResultsFile.write(results.build(tasks.stream().map(TaskStudy::ran).toList()), folder.root().resolve(ResultsFile.NAME)); // so far
      }
      state.finish();
      StudyResults done = results.build(tasks.stream().map(TaskStudy::ran).toList());
      StudyReport.write(done, folder.root());
      return done;
    }
  }

  /** A folder of something else is left alone. */
  private static void requireOurs(Path root) {
    Set<String> known = Set.of(".lock", "data", BASE);
    try (Stream<Path> entries = Files.list(root)) {
      if (!Files.exists(root.resolve(StudyState.NAME)) && entries.anyMatch(entry -> !known.contains(entry.getFileName().toString()))) {
        throw RunException.usage("--output " + root + ": is not empty and holds no study; name another folder");
      }
    } catch (IOException e) {
      throw RunException.failed("--output " + root + ": cannot be read: " + SafeFiles.reason(e), e);
    }
  }

  private Prepared prepare(Path root) {
    FileHash hash = FileHash.start(asked.model());
    try (GraftRuntime opened = runtime.get();
        Model model = Model.open(opened, asked.model())) {
      StudySettings settings = asked;
      if (asked.profile().full() && !StudyPlanner.trainsAllWeights(model)) {
        note.accept("NOT AS THE STUDY DID: " + asked.model() + " holds quantized weights, of which not all can be trained; adapters are trained instead, with the rates of --profile lora."
            + " For full fine-tuning give a file in F32, F16 or BF16");
        settings = asked.withProfile(asked.profile().asLora());
      }
      note.accept(settings.dataDir().isPresent() ? "rows of " + settings.dataDir().get() : "making the rows of " + settings.tasks().size() + " tasks, unless they are there");
      Map<String, TaskData> data = StudyData.of(settings, root);
      StudyPlan plan = new StudyPlanner(settings, note).plan(opened, model, data);
      return new Prepared(settings, data, Surroundings.model(model, hash.get()), Surroundings.machine(opened), plan);
    }
  }
}
