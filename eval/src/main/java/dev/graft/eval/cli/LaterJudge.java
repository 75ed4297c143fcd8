package dev.graft.eval.cli;

import dev.graft.eval.grade.LikertGrader;
import dev.graft.eval.grade.likert.GradeCache;
import dev.graft.eval.grade.likert.Grading;
import dev.graft.eval.grade.likert.LikertJudge;
import dev.graft.eval.judge.BatchGrader;
import dev.graft.eval.judge.EvalRun;
import dev.graft.eval.judge.TestRow;
import dev.graft.eval.judge.Verdict;
import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A judge model that is opened when all answers are there, and closed when all are graded. One thread. */
final class LaterJudge implements BatchGrader {
  private final JudgeFlags flags;
  private final CommonOptions common;
  private final Path cacheFile;
  private final String rubric;

  /** @param cacheFile where grades are kept  @param rubric of the task, or null */
  LaterJudge(JudgeFlags flags, CommonOptions common, Path cacheFile, String rubric) {
    this.flags = flags;
    this.common = common;
    this.cacheFile = cacheFile;
    this.rubric = rubric;
  }

  @Override
  public String gold(String text) {
    return text;
  }

  @Override
  public Verdict grade(TestRow row, String answer) {
    throw new IllegalStateException("a judge model is asked about all answers together");
  }

  @Override
  public Result gradeAll(List<Answer> answers, EvalRun.Listener listener, StopRequest stop) {
    try (GradeCache cache = GradeCache.open(cacheFile); LikertJudge judge = flags.open(common)) {
      LikertGrader grader = new LikertGrader(flags.rubric(rubric), new Grading(judge, cache));
      Grading.Result result = grader.prepare(answers.stream().map(answer -> new LikertGrader.Answer(answer.row(), answer.name(), answer.text())).toList(), new Heard(listener), stop);
      List<Optional<Verdict>> verdicts = new ArrayList<>();
      answers.forEach(answer -> verdicts.add(grader.known(answer.row(), answer.text())));
      return new Result(verdicts, result.why(), result.stopped());
    }
  }

  private record Heard(EvalRun.Listener listener) implements Grading.Listener {
    @Override
    public void note(String text) {
      listener.note(text);
    }

    @Override
    public void progress(int done, int count) {
      listener.grading(done, count);
    }
  }
}
