package dev.graft.eval.judge;

import dev.graft.eval.task.Outcome;
import java.util.List;

/** Makes the graders that tasks ask for. */
public interface GraderSource {
  /**
   * The grader of an outcome.
   *
   * @param rows that will be judged, each with the outcome's right answer
   * @return closed by its user where it is {@link AutoCloseable}
   */
  Grader grader(Outcome outcome, List<TestRow> rows);
}
