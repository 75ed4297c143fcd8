package dev.graft.eval.study;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What has been run of a task, as far as it went: what its results are made from. One thread. */
final class TaskRun {
  static final String SWEEP = "sweep";
  static final String RETRAIN = "retrain";

  private final Task task;
  private final TaskData data;
  private final TaskPlan plan;
  private final List<Training> trainings = new ArrayList<>();
  private final Map<String, Candidate> chosen = new HashMap<>();
  private final Map<String, List<Scored>> scored = new HashMap<>();
  private Judged test;

  TaskRun(Task task, TaskData data, TaskPlan plan) {
    this.task = task;
    this.data = data;
    this.plan = plan;
  }

  /** A training. @param folder with its metrics.jsonl  @param done what study.json keeps of it */
  record Training(String method, String phase, Candidate candidate, Path folder, JsonNode done) {}

  void trained(String method, String phase, Candidate candidate, Path folder, JsonNode done) {
    trainings.add(new Training(method, phase, candidate, folder, done));
  }

  void chosen(String method, Candidate candidate, List<Scored> all) {
    chosen.put(method, candidate);
    scored.put(method, all);
  }

  void tested(Judged judged) {
    test = judged;
  }

  Task task() {
    return task;
  }

  TaskData data() {
    return data;
  }

  TaskPlan plan() {
    return plan;
  }

  List<Training> trainings() {
    return trainings;
  }

  /** Whether a candidate was chosen. */
  boolean isChosen(String method, Candidate candidate) {
    return candidate.equals(chosen.get(method));
  }

  /** What was chosen of a method, if any yet. */
  Optional<Candidate> chosen(String method) {
    return Optional.ofNullable(chosen.get(method));
  }

  /** How a candidate did on the development rows, if it was judged. */
  Optional<Double> devScore(String method, Candidate candidate) {
    return scored.getOrDefault(method, List.of()).stream().filter(one -> one.candidate().equals(candidate)).map(Scored::score).findFirst();
  }

  /** The judged test, if it has been. */
  Optional<Judged> test() {
    return Optional.ofNullable(test);
  }
}
