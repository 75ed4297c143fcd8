package dev.graft.eval.study;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.judge.Prediction;
import dev.graft.eval.process.Stage;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.task.Outcome;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;

/**
 * Has systems answer a task's rows and judges them: adapters together in one command, so that a prompt's base work is shared; models that were trained
 * whole one after the other. One thread.
 */
final class Judging {
  private static final String PARALLEL = "48";

  private final StudySettings settings;
  private final Task task;
  private final StageRunner runner;

  Judging(StudySettings settings, Task task, StageRunner runner) {
    this.settings = settings;
    this.task = task;
    this.runner = runner;
  }

  /** Tells the progress. @param seconds of one system */
  void announce(String phase, List<String> systems, double seconds) {
    if (settings.profile().full()) {
      systems.forEach(system -> runner.progress().plan(name(phase) + "/" + system, seconds + TaskPlan.START_SECONDS));
    } else {
      runner.progress().plan(name(phase), seconds * systems.size() + TaskPlan.START_SECONDS);
    }
  }

  private String name(String phase) {
    return task.name() + "/" + phase;
  }

  /**
   * Runs whatever is not done.
   *
   * @param phase names the stage  @param systems an adapter or model for each name, null for the base
   */
  Judged run(String phase, TaskData data, Split split, Map<String, Path> systems) {
    Path folder = settings.folder(task).resolve(phase);
    Map<String, Map<String, List<Prediction>>> outcomes = new LinkedHashMap<>();
    task.outcomes().forEach(outcome -> outcomes.put(outcome.name(), new LinkedHashMap<>()));
    if (!settings.profile().full()) {
      judge(phase, "", data, split, settings.model(), systems, folder);
      systems.keySet().forEach(system -> add(outcomes, system, folder, system));
      return new Judged(outcomes);
    }
    systems.forEach((system, model) -> {
      Path own = folder.resolve(system);
      Map<String, Path> alone = new LinkedHashMap<>();
      alone.put("base", null); // of its own folder, whatever was trained
      judge(phase + "/" + system, ", " + system, data, split, model == null ? settings.model() : model, alone, own);
      add(outcomes, system, own, "base");
    });
    return new Judged(outcomes);
  }

  private void add(Map<String, Map<String, List<Prediction>>> outcomes, String system, Path folder, String as) {
    for (Outcome outcome : task.outcomes()) {
      outcomes.get(outcome.name()).put(system, Answers.read(folder, outcome, as));
    }
  }

  private void judge(String phase, String whose, TaskData data, Split split, Path model, Map<String, Path> systems, Path folder) {
    List<String> arguments = new ArrayList<>(List.of("eval", "--model", model.toString(), "--data", data.sft(split).toString(), "--output", folder.toString(), "--resume",
        "--parallel", PARALLEL));
    arguments.addAll(Answers.flags(task));
    if (!systems.containsKey("base")) {
      arguments.add("--no-base");
    }
    systems.forEach((system, adapter) -> {
      if (adapter != null) {
        arguments.addAll(List.of("--adapter", system + "=" + adapter));
      }
    });
    if (task.needsJudge()) {
      arguments.addAll(settings.judge());
    }
    String what = split == Split.TEST ? "test" : phase.substring(0, 3).toUpperCase(Locale.ROOT) + " on development rows";
    long judgements = LineCount.of(data.sft(split)) * systems.size() * task.outcomes().size();
    Stage stage = new Stage(task.name() + ": " + what + whose, name(phase), arguments, folder.resolve("predictions.jsonl"));
    runner.judge(stage, judgements, (json, line) -> {
      ObjectNode figures = JsonNodeFactory.instance.objectNode();
      figures.put("rows", json.path("rows").asLong());
      long tokens = 0;
      for (JsonNode system : json.path("systems")) {
        tokens += system.path("tokens").asLong();
      }
      figures.put("tokens", tokens);
      return new StageRunner.Told(told(folder, systems.keySet(), !whose.isEmpty()), figures);
    });
  }

  /** "uti f1 base 0.63, sft 0.98". @param alone whether the only system is named elsewhere */
  private String told(Path folder, Set<String> systems, boolean alone) {
    StringJoiner all = new StringJoiner("; ");
    for (Outcome outcome : task.outcomes()) {
      StringJoiner one = new StringJoiner(", ", outcome.name() + " " + outcome.metric().id() + " ", "");
      for (String system : systems) {
        one.add(String.format(Locale.ROOT, "%s%.3f", alone ? "" : system + " ", Judged.figure(outcome, Answers.read(folder, outcome, system))));
      }
      all.add(one.toString());
    }
    return all.toString();
  }
}
