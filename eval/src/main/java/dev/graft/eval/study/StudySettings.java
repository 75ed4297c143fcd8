package dev.graft.eval.study;

import dev.graft.bindings.Recompute;
import dev.graft.eval.task.Task;
import dev.graft.trainer.run.FileHash;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a study is told.
 *
 * @param model the base  @param template how text becomes prompts  @param output folder of everything  @param profile its grids
 * @param tasks in order  @param dataDir holds a folder for each task, as graft data make writes it; empty: the rows are made
 * @param seed of everything random  @param microBatchTokens most tokens computed at once  @param recompute "none" or "block"
 * @param speed FLOP/s to plan with; empty: measured
 * @param machine flags of each command that say where it computes: --threads, --device, --isa
 * @param judge flags of the judge model, for tasks whose answers one grades; empty without
 * @param judgeIdentity which judge that is, in words; empty without
 */
public record StudySettings(Path model, String template, Path output, StudyProfile profile, List<Task> tasks, Optional<Path> dataDir, long seed, int microBatchTokens,
    Recompute recompute, OptionalDouble speed, List<String> machine, List<String> judge, String judgeIdentity) {
  /** Name of the study that is repeated. */
  public static final String STUDY = "savage2025";

  /** The same with another profile. */
  StudySettings withProfile(StudyProfile other) {
    return new StudySettings(model, template, output, other, tasks, dataDir, seed, microBatchTokens, recompute, speed, machine, judge, judgeIdentity);
  }

  /** Results follow from these; a study that goes on must have the same. @param modelSha256 of the base  @param dataSha256 by task */
  public Map<String, Object> identity(String modelSha256, Map<String, String> dataSha256) {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("study", STUDY);
    identity.put("model", modelSha256);
    identity.put("tasks", tasks.stream().map(Task::name).toList());
    identity.putAll(profile.settings());
    identity.put("seed", seed);
    identity.put("template", template);
    if (!judgeIdentity.isEmpty()) {
      identity.put("judge", judgeIdentity);
    }
    tasks.stream().filter(task -> !Task.names().contains(task.name())).forEach(task -> identity.put("yaml of " + task.name(), FileHash.start(task.origin()).get()));
    dataSha256.forEach((task, sha256) -> identity.put("data of " + task, sha256));
    return identity;
  }

  /** The folder of a task. */
  Path folder(Task task) {
    return output.resolve(task.name());
  }

  /** Flags that every training has. */
  List<String> training() {
    List<String> flags = new ArrayList<>(List.of("--resume", "--batch-size", "" + profile.batch(), "--gradient-accumulation", "" + profile.accumulation(), "--lr-scheduler",
        "cosine", "--warmup-steps", "" + profile.warmup(), "--eval-steps", "" + profile.evalSteps(), "--save-steps", "" + Math.max(1, profile.steps() / 10),
        "--micro-batch-tokens", "" + microBatchTokens, "--recompute", recompute.text()));
    flags.addAll(profile.full() ? List.of("--full", "--save-total-limit", "1") : List.of("--lora-rank", "" + StudyProfile.RANK, "--lora-alpha", "" + StudyProfile.ALPHA));
    return flags;
  }

  /** Flags that every command has. */
  List<String> common() {
    List<String> flags = new ArrayList<>(List.of("--seed", "" + seed, "--template", template, "--json", "--quiet"));
    flags.addAll(machine);
    return flags;
  }
}
