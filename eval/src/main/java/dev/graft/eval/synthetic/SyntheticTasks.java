package dev.graft.eval.synthetic;

import dev.graft.eval.synthetic.reasoning.ReasoningTask;
import dev.graft.eval.synthetic.summary.SummaryTask;
import dev.graft.eval.synthetic.triage.TriageTask;
import dev.graft.eval.synthetic.uti.UtiTask;
import java.util.List;
import java.util.Optional;

/** The one list of tasks: a new one is a line here, and the command line, its help and its errors know it. */
public final class SyntheticTasks {
  private static final List<SyntheticTask> ALL =
      List.of(
          new UtiTask(),
          new TriageTask(),
          new ReasoningTask(),
          new SummaryTask());

  private SyntheticTasks() {}

  /** All tasks, in the order of the help. */
  public static List<SyntheticTask> all() {
    return ALL;
  }

  /** Names of all tasks. */
  public static List<String> names() {
    return ALL.stream().map(SyntheticTask::name).toList();
  }

  /** The task of that name. */
  public static Optional<SyntheticTask> named(String name) {
    return ALL.stream().filter(task -> task.name().equals(name)).findFirst();
  }
}
