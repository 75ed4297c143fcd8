package dev.graft.eval.task;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Where a task's rows come from.
 *
 * @param file a user's file, or empty for what the task names itself
 * @param columns the file's column for names of the task's import, over what the task says
 */
public record TaskSource(Optional<Path> file, Map<String, String> columns) {
  /** What the task names itself: its generator or its file. */
  public static final TaskSource OWN = new TaskSource(Optional.empty(), Map.of());

  /** A file whose columns are called as the task says. */
  public static TaskSource of(Path file) {
    return new TaskSource(Optional.of(file), Map.of());
  }
}
