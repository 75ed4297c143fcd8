package dev.graft.eval.study;

import dev.graft.trainer.plan.MemoryPlan;
import dev.graft.trainer.run.MemoryCheck;
import dev.graft.trainer.run.RunException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a study will take. Trainings up to the plateau are counted as if none came before the last step, so tokens and time are what it takes at most.
 *
 * @param profile its grids  @param tasks in order  @param speed where the speed is from, in words
 */
public record StudyPlan(StudyProfile profile, List<TaskPlan> tasks, String speed) {
  /** The study's own process, which waits for the others. */
  private static final long OWN_BYTES = MemoryCheck.JAVA_BYTES;

  /** Trainings of all tasks. */
  public int trainings() {
    return tasks.size() * profile.trainings();
  }

  /** Seconds of a task. */
  double seconds(TaskPlan task) {
    long candidates = profile.sft().size();
    double sft = 2 * candidates * task.training(false, task.steps(), false);
    double dpo = 2 * profile.dpo().size() * task.training(true, task.steps(), false) + task.dpo().onceSeconds();
    return sft + dpo + task.devAnswers() * (candidates + profile.dpo().size()) + 3 * task.testAnswers() + 3 * TaskPlan.START_SECONDS;
  }

  /** Seconds of all. */
  public double seconds() {
    return tasks.stream().mapToDouble(this::seconds).sum();
  }

  /** Tokens computed by all trainings of a task. */
  long tokens(TaskPlan task) {
    return 2L * profile.sft().size() * task.tokens(false) + 2L * profile.dpo().size() * task.tokens(true);
  }

  /** Most memory at a time, the study's own process included. */
  public long peakBytes() {
    return OWN_BYTES + tasks.stream().mapToLong(task -> task.memory().peak()).max().orElse(0);
  }

  /** @throws RunException when the memory does not suffice, with what would help */
  public void requireMemory() {
    for (TaskPlan task : tasks) {
      MemoryPlan memory = task.memory();
      if (memory.available() > 0 && memory.peak() + OWN_BYTES > memory.available()) {
        String advice = task.advice().isEmpty() ? "--micro-batch-tokens or another model" : String.join("; ", task.advice());
        throw RunException.failed("not enough memory: a training of " + task.task() + " needs " + MemoryCheck.gib(memory.peak() + OWN_BYTES) + " and " + MemoryCheck.gib(memory.available())
            + " are available; these would help: " + advice, null);
      }
    }
  }

  /** As a table for people. */
  public void print(PrintWriter out) {
    String row = "%-12s %10s %8s %14s %14s %12s %12s %8s %10s";
    out.println(String.format(Locale.ROOT, row, "task", "trainings", "steps", "tokens at most", "SFT step", "DPO step", "DPO : SFT", "time", "memory"));
    for (TaskPlan task : tasks) {
      out.println(String.format(Locale.ROOT, row, task.task(), profile.trainings(), task.steps(), String.format(Locale.ROOT, "%,d", tokens(task)), seconds3(task.sft().stepSeconds()),
          seconds3(task.dpo().stepSeconds()), String.format(Locale.ROOT, "%.2f", task.dpo().stepSeconds() / task.sft().stepSeconds()), StudyProgress.time(seconds(task)),
          MemoryCheck.gib(task.memory().peak())));
    }
    out.println(String.format(Locale.ROOT, "all: %d trainings, %,d tokens and %s at most (each training up to its plateau counted at full length), %s of memory at its peak; speed %s", trainings(),
        tasks.stream().mapToLong(this::tokens).sum(), StudyProgress.time(seconds()), MemoryCheck.gib(peakBytes()), speed));
    out.flush();
  }

  private static String seconds3(double seconds) {
    return String.format(Locale.ROOT, "%.3g s", seconds);
  }

  /** As JSON. */
  public Map<String, Object> json() {
    List<Object> each = new ArrayList<>();
    for (TaskPlan task : tasks) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("task", task.task());
      one.put("trainings", profile.trainings());
      one.put("steps", task.steps());
      one.put("tokens", tokens(task));
      one.put("seconds", seconds(task));
      one.put("sft_seconds_per_step", task.sft().stepSeconds());
      one.put("dpo_seconds_per_step", task.dpo().stepSeconds());
      one.put("peak_bytes", task.memory().peak());
      one.put("available_bytes", task.memory().available() == 0 ? null : (Long) task.memory().available());
      each.add(one);
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("profile", profile.settings());
    json.put("trainings", trainings());
    json.put("tokens", tasks.stream().mapToLong(this::tokens).sum());
    json.put("seconds", seconds());
    json.put("peak_bytes", peakBytes());
    json.put("speed", speed);
    json.put("tasks", each);
    return json;
  }
}
