package dev.graft.eval.judge;

import dev.graft.trainer.run.StopRequest;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A grader that is asked about all answers together, when they are there ({@link #afterwards}): a judge model. One thread. */
public interface BatchGrader extends Grader {
  /**
   * What became of the answers.
   *
   * @param verdicts in the order of the answers; empty where there is none  @param why there is none, by index
   * @param stopped whether it was asked to stop before all were settled; what was graded is kept somewhere, so that it is not asked again
   */
  record Result(List<Optional<Verdict>> verdicts, Map<Integer, String> why, boolean stopped) {}

  /** An answer to be graded. @param name of it, for messages: "row 7 of sft"  @param text the part that is judged */
  record Answer(TestRow row, String name, String text) {}

  /** Grades answers. @throws dev.graft.trainer.run.RunException when the judge cannot go on */
  Result gradeAll(List<Answer> answers, EvalRun.Listener listener, StopRequest stop);

  @Override
  default boolean afterwards() {
    return true;
  }
}
