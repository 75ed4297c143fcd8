package dev.graft.eval.study;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.report.StudyResults;
import dev.graft.eval.statistics.Bonferroni;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.task.Outcome;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes a study's results of what has been run. One thread. */
final class ResultsBuilder {
  /** The study's five outcomes at .05 in all. */
  static final Bonferroni LEVEL = new Bonferroni(0.05, 5);

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int CURVE_POINTS = 200;

  private final StudySettings settings;
  private final StudyResults.Model model;
  private final StudyResults.Machine machine;
  private final StudyState state;

  ResultsBuilder(StudySettings settings, StudyResults.Model model, StudyResults.Machine machine, StudyState state) {
    this.settings = settings;
    this.model = model;
    this.machine = machine;
    this.state = state;
  }

  /** What there is so far. */
  StudyResults build(List<TaskRun> tasks) {
    Map<String, String> flags = new LinkedHashMap<>();
    state.settings().properties().forEach(entry -> flags.put(entry.getKey(), entry.getValue().isTextual() ? entry.getValue().asText() : entry.getValue().toString()));
    List<String> notes = new ArrayList<>();
    if (settings.dataDir().isEmpty()) {
      notes.add("The rows are synthetic, made by Graft; they are not the study's.");
    }
    if (!settings.profile().full()) {
      notes.add("Adapters were trained, not all weights. Of the profile lora, rates are the study's times 100: about ten times, because that is what an adapter needs"
          + " (LoRA Without Regret, Thinking Machines 2025; Biderman et al. 2024), and ten times more, because a grid down to 1e-7 would hardly move one.");
    }
    notes.add("A candidate is chosen by the mean of its task's metrics on the development rows; equal ones by the lower evaluation loss, then the smaller rate.");
    return new StudyResults(StudyResults.FORMAT, StudySettings.STUDY, settings.profile().name(), GraftRuntime.nativeVersion(), state.started(), state.finished(), model, settings.seed(),
        machine, List.of("base", "SFT", "DPO"), LEVEL.alpha(), LEVEL.comparisons(), LEVEL.threshold(), Plateau.RULE, tasks.stream().map(this::task).toList(), flags, notes);
  }

  private StudyResults.Task task(TaskRun run) {
    Task task = run.task();
    List<StudyResults.Outcome> outcomes = new ArrayList<>();
    run.test().ifPresent(test -> {
      Map<String, String> prompts = prompts(run.data().sft(Split.TEST));
      task.outcomes().forEach(outcome -> outcomes.add(OutcomeResults.of(outcome, test.outcomes().get(outcome.name()), prompts, LEVEL)));
    });
    Map<String, String> own = new LinkedHashMap<>();
    run.chosen(TaskStudy.SFT).ifPresent(candidate -> own.put("chosen sft", candidate.title()));
    run.chosen(TaskStudy.DPO).ifPresent(candidate -> own.put("chosen dpo", candidate.title()));
    own.put("max-tokens", Integer.toString(task.maxTokens()));
    return new StudyResults.Task(task.name(), task.title(), data(run.data()), settings.profile().trainings(), run.trainings().stream().map(training -> trial(run, training)).toList(), outcomes,
        costs(run), own, List.of());
  }

  private StudyResults.Data data(TaskData data) {
    Map<String, StudyResults.Split> splits = new LinkedHashMap<>();
    for (Split split : Split.values()) {
      splits.put(split.fileName(), new StudyResults.Split(rows(data.sft(split)), FileHash.start(data.sft(split)).get()));
    }
    boolean synthetic = data.manifest().has("generator_version") || data.manifest().path("recipe").has("generator");
    return new StudyResults.Data(settings.dataDir().isPresent() ? data.folder().toString() : "made by Graft", synthetic, splits);
  }

  private static long rows(Path file) {
    try (java.util.stream.Stream<String> lines = Files.lines(file)) {
      return lines.filter(line -> !line.isBlank()).count();
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read: " + SafeFiles.reason(e), e);
    }
  }

  private static StudyResults.Trial trial(TaskRun run, TaskRun.Training training) {
    boolean sweep = training.phase().equals(TaskRun.SWEEP);
    Path metrics = training.folder().resolve("metrics.jsonl");
    Curve curve = Files.exists(metrics) ? Curve.read(metrics) : new Curve(List.of(), List.of(), 0, 0, 0);
    JsonNode done = training.done();
    List<Outcome> outcomes = run.task().outcomes();
    String metric = outcomes.size() == 1 ? OutcomeResults.metric(outcomes.get(0)) : "mean of " + String.join(" and ", outcomes.stream().map(o -> o.name() + " " + OutcomeResults.metric(o)).toList());
    Double score = sweep ? null : run.devScore(training.method(), training.candidate()).orElse(null);
    return new StudyResults.Trial(training.method() + "-" + training.phase() + "-" + training.candidate().name(), training.method(), training.phase(), training.candidate().rate(),
        training.candidate().beta(), curve.steps(), points(thin(curve.training())), points(curve.evaluations()), sweep && done.has("plateau_step") ? (Long) done.path("plateau_step").asLong() : null,
        score == null ? null : metric, score, !sweep && run.isChosen(training.method(), training.candidate()), done.path("seconds").asDouble(), done.path("tokens").asLong(),
        memory(done), done.has("diverged") ? "diverged: " + done.path("diverged").asText() : null);
  }

  private static Long memory(JsonNode done) {
    long bytes = done.path("peak_memory_bytes").asLong();
    return bytes == 0 ? null : (Long) bytes;
  }

  private static List<Curve.Point> thin(List<Curve.Point> points) {
    int every = (points.size() + CURVE_POINTS - 1) / CURVE_POINTS;
    List<Curve.Point> kept = new ArrayList<>();
    for (int i = 0; i < points.size(); i++) {
      if (i % Math.max(1, every) == 0 || i == points.size() - 1) {
        kept.add(points.get(i));
      }
    }
    return kept;
  }

  private static List<StudyResults.Point> points(List<Curve.Point> points) {
    return points.stream().map(point -> new StudyResults.Point(point.step(), point.loss())).toList();
  }

  private List<StudyResults.Stage> costs(TaskRun run) {
    List<StudyResults.Stage> stages = new ArrayList<>();
    for (String method : List.of(TaskStudy.SFT, TaskStudy.DPO)) {
      for (String phase : List.of(TaskRun.SWEEP, TaskRun.RETRAIN)) {
        List<JsonNode> done = run.trainings().stream().filter(t -> t.method().equals(method) && t.phase().equals(phase)).map(TaskRun.Training::done).toList();
        add(stages, OutcomeResults.title(method) + (phase.equals(TaskRun.SWEEP) ? " sweep" : " to the plateau"), method, done, run.plan());
      }
      add(stages, OutcomeResults.title(method) + " on development rows", "other", state.done(name -> name.startsWith(run.task().name() + "/" + method + "-dev")), run.plan());
    }
    add(stages, "test", "other", state.done(name -> name.startsWith(run.task().name() + "/test")), run.plan());
    return stages;
  }

  private static void add(List<StudyResults.Stage> stages, String name, String method, List<JsonNode> done, TaskPlan plan) {
    if (!done.isEmpty()) {
      long steps = done.stream().mapToLong(node -> node.path("steps").asLong()).sum();
      long bytes = done.stream().mapToLong(node -> node.path("peak_memory_bytes").asLong()).max().orElse(0);
      stages.add(new StudyResults.Stage(name, method, method.equals("other") ? null : (Long) steps, done.stream().mapToDouble(node -> node.path("seconds").asDouble()).sum(),
          done.stream().mapToLong(node -> node.path("tokens").asLong()).sum(), bytes == 0 ? null : (Long) bytes,
          method.equals("other") ? null : (Double) plan.flops(method.equals(TaskStudy.DPO), steps)));
    }
  }

  private static Map<String, String> prompts(Path file) {
    Map<String, String> prompts = new HashMap<>();
    try {
      int position = 0;
      for (String line : Files.readAllLines(file)) {
        if (!line.isBlank()) {
          JsonNode row = JSON.readTree(line);
          prompts.put(row.has("id") ? row.path("id").asText() : Integer.toString(position), row.path("prompt").isTextual() ? row.path("prompt").asText() : row.path("prompt").toString());
          position++;
        }
      }
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read: " + SafeFiles.reason(e), e);
    }
    return prompts;
  }
}
