package dev.graft.eval.report;

import dev.graft.eval.report.StudyResults.Outcome;
import dev.graft.eval.report.StudyResults.SystemResult;
import dev.graft.eval.report.StudyResults.Task;
import java.util.ArrayList;
import java.util.List;

/** What a study has not done yet, a sentence each. Stateless. */
final class Gaps {
  private Gaps() {}

  static List<String> of(StudyResults results) {
    List<String> gaps = new ArrayList<>();
    if (results.tasks().isEmpty()) {
      gaps.add("No task has begun.");
    }
    results.tasks().forEach(task -> task(task, results.systems(), gaps));
    if (results.finished() == null && gaps.isEmpty()) {
      gaps.add("The study has not been marked as finished.");
    }
    return gaps;
  }

  private static void task(Task task, List<String> systems, List<String> gaps) {
    String title = Words.text(task.title() == null ? task.name() : task.title());
    if (task.trials().isEmpty() && task.outcomes().isEmpty()) {
      gaps.add(title + ": not begun.");
      return;
    }
    if (task.plannedTrials() != null && task.trials().size() < task.plannedTrials()) {
      gaps.add(title + ": " + task.trials().size() + " of " + task.plannedTrials() + " trainings are done.");
    }
    if (task.outcomes().isEmpty()) {
      gaps.add(title + ": no system has been tested.");
    }
    for (Outcome outcome : task.outcomes()) {
      List<String> judged = outcome.systems().stream().map(SystemResult::system).toList();
      List<String> missing = systems.stream().filter(s -> !judged.contains(s)).toList();
      String name = Words.text(outcome.title() == null ? outcome.name() : outcome.title());
      if (!missing.isEmpty()) {
        gaps.add(name + ": not tested: " + String.join(", ", missing) + ".");
      } else if (outcome.comparisons().size() < systems.size() * (systems.size() - 1) / 2) {
        gaps.add(name + ": not every pair of systems has been compared.");
      }
    }
  }
}
