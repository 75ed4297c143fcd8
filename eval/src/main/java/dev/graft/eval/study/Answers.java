package dev.graft.eval.study;

import dev.graft.eval.judge.Prediction;
import dev.graft.eval.judge.PredictionFile;
import dev.graft.eval.task.Outcome;
import dev.graft.eval.task.Task;
import dev.graft.trainer.run.RunException;
import java.nio.file.Path;
import java.util.List;

/** How graft eval is told of a task, and where it leaves what it judged. Stateless. */
final class Answers {
  private Answers() {}

  /** Flags for a task. */
  static List<String> flags(Task task) {
    return List.of("--task", Task.names().contains(task.name()) ? task.name() : task.origin().toString());
  }

  /** A system's predictions of an outcome, in the order of the rows. */
  static List<Prediction> read(Path folder, Outcome outcome, String system) {
    Path file = folder.resolve("predictions.jsonl");
    List<Prediction> predictions = PredictionFile.read(file, true, outcome.name()).systems().get(system);
    if (predictions == null) {
      throw RunException.badData(file + ": has no answers of '" + system + "'; remove its folder, and they are made anew", null);
    }
    return predictions;
  }
}
