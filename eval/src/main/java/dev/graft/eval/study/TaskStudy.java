package dev.graft.eval.study;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.eval.process.Stage;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The protocol for one task: a sweep of SFT, each rate again up to its plateau, the choice on the development rows; the same with DPO from the chosen
 * SFT; and the test. One thread.
 */
final class TaskStudy {
  static final String SFT = "sft";
  static final String DPO = "dpo";

  private final StudySettings settings;
  private final Task task;
  private final TaskData data;
  private final TaskPlan plan;
  private final StageRunner runner;
  private final Judging judging;
  private final TaskRun ran;

  TaskStudy(StudySettings settings, Task task, TaskData data, TaskPlan plan, StageRunner runner) {
    this.settings = settings;
    this.task = task;
    this.data = data;
    this.plan = plan;
    this.runner = runner;
    this.judging = new Judging(settings, task, runner);
    this.ran = new TaskRun(task, data, plan);
  }

  /** Tells the progress of all stages, before any begins. */
  void announce() {
    long steps = settings.profile().steps();
    for (String method : List.of(SFT, DPO)) {
      boolean dpo = method.equals(DPO);
      List<Candidate> candidates = candidates(method);
      for (String phase : List.of("-sweep", "")) {
        for (Candidate candidate : candidates) {
          boolean first = dpo && phase.equals("-sweep") && candidate.equals(candidates.get(0));
          runner.progress().plan(name(method + phase, candidate), plan.training(dpo, steps, first));
        }
      }
      judging.announce(method + "-dev", candidates.stream().map(Candidate::name).toList(), plan.devAnswers());
    }
    judging.announce("test", List.of("base", SFT, DPO), plan.testAnswers());
  }

  /** What has run so far, for the results. */
  TaskRun ran() {
    return ran;
  }

  /** Runs whatever is not done. @throws StudyException when a stage fails or a stop was asked for */
  void run() {
    Path sft = method(SFT, null);
    Path dpo = method(DPO, sft);
    Map<String, Path> systems = new LinkedHashMap<>();
    systems.put("base", null);
    systems.put(SFT, sft);
    systems.put(DPO, dpo);
    ran.tested(judging.run("test", data, Split.TEST, systems));
  }

  private List<Candidate> candidates(String method) {
    return method.equals(DPO) ? settings.profile().dpo() : settings.profile().sft();
  }

  private String name(String phase, Candidate candidate) {
    return task.name() + "/" + phase + "/" + candidate.name();
  }

  /** Sweep, training up to the plateau, choice; returns the chosen adapter or model. */
  private Path method(String method, Path from) {
    Map<Candidate, Long> plateaus = new LinkedHashMap<>();
    for (Candidate candidate : candidates(method)) {
      JsonNode swept = train(method, "-sweep", candidate, from, settings.profile().steps());
      if (swept.has("plateau_step")) {
        plateaus.put(candidate, swept.path("plateau_step").asLong());
        runner.progress().plan(name(method, candidate), plan.training(method.equals(DPO), plateaus.get(candidate), false));
      } else {
        runner.progress().drop(name(method, candidate)); // diverged before its first evaluation
      }
    }
    Map<Candidate, JsonNode> trained = new LinkedHashMap<>();
    plateaus.forEach((candidate, steps) -> {
      JsonNode done = train(method, "", candidate, from, steps);
      if (!done.has("diverged")) {
        trained.put(candidate, done);
      }
    });
    if (trained.isEmpty()) {
      throw RunException.failed(task.name() + ", " + method.toUpperCase(Locale.ROOT) + ": every training diverged; give lower --rates, with another --output", null);
    }
    return choose(method, trained);
  }

  private JsonNode train(String method, String phase, Candidate candidate, Path from, long steps) {
    boolean dpo = method.equals(DPO);
    Path folder = settings.folder(task).resolve(method + phase).resolve(candidate.name());
    Path model = settings.profile().full() && from != null ? from : settings.model();
    List<String> arguments = new ArrayList<>(List.of(method, "--model", model.toString(), "--output", folder.toString()));
    arguments.addAll(List.of("--data", (dpo ? data.dpo(Split.TRAIN) : data.sft(Split.TRAIN)).toString(), "--eval-data", (dpo ? data.dpo(Split.EVAL) : data.sft(Split.EVAL)).toString()));
    arguments.addAll(List.of("--max-steps", Long.toString(steps), "--learning-rate", Candidate.scientific(candidate.rate())));
    arguments.addAll(settings.training());
    if (dpo) {
      arguments.addAll(List.of("--beta", candidate.beta().toString(), "--reference-cache", settings.folder(task).resolve("references").toString()));
      if (!settings.profile().full()) {
        arguments.addAll(List.of("--init-adapter", from.toString()));
      }
    }
    String what = phase.isEmpty() ? "to the plateau" : "sweep";
    Stage stage = new Stage(task.name() + ": " + method.toUpperCase(Locale.ROOT) + " " + what + ", " + candidate.title(), name(method + phase, candidate), arguments,
        folder.resolve(resultFile()));
    JsonNode done = runner.train(stage, steps);
    ran.trained(method, phase.isEmpty() ? TaskRun.RETRAIN : TaskRun.SWEEP, candidate, folder, done);
    if (!phase.isEmpty() && settings.profile().full()) {
      delete(stage.result()); // only its curve is wanted, and a model takes much room
    }
    return done;
  }

  private String resultFile() {
    return settings.profile().full() ? "model.gguf" : "adapter.gguf";
  }

  private Path result(String method, Candidate candidate) {
    return settings.folder(task).resolve(method).resolve(candidate.name()).resolve(resultFile());
  }

  private Path choose(String method, Map<Candidate, JsonNode> trained) {
    Map<String, Path> systems = new LinkedHashMap<>();
    trained.keySet().forEach(candidate -> systems.put(candidate.name(), result(method, candidate)));
    Judged judged = judging.run(method + "-dev", data, Split.DEV, systems);
    List<Scored> scored = trained.entrySet().stream().map(entry -> new Scored(entry.getKey(), judged.score(task.outcomes(), entry.getKey().name()),
        entry.getValue().path("eval_loss").asDouble(Double.NaN))).toList();
    Candidate chosen = Scored.best(scored).orElseThrow().candidate();
    ran.chosen(method, chosen, scored);
    if (settings.profile().full()) {
      trained.keySet().stream().filter(candidate -> !candidate.equals(chosen)).forEach(candidate -> delete(result(method, candidate)));
    }
    return result(method, chosen);
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be removed: " + SafeFiles.reason(e), e);
    }
  }
}
