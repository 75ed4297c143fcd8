package dev.graft.eval.grade;

import dev.graft.eval.grade.likert.Grading;
import dev.graft.eval.grade.likert.Likert;
import dev.graft.eval.grade.likert.LikertJudge;
import dev.graft.eval.grade.likert.Rubric;
import dev.graft.eval.judge.Grader;
import dev.graft.eval.judge.TestRow;
import dev.graft.eval.judge.Verdict;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.StopRequest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Grades by a judge model, from 1 to 5. {@link #prepare} asks about many answers together, which is what endpoints and batches are for;
 * {@link #grade} then knows them. One thread.
 */
public final class LikertGrader implements Grader {
  private final Rubric rubric;
  private final Grading grading;
  private final Map<String, Likert> known = new HashMap<>();

  /** @param grading its judge and cache are closed by the caller */
  public LikertGrader(Rubric rubric, Grading grading) {
    this.rubric = rubric;
    this.grading = grading;
  }

  /** An answer to be graded. */
  public record Answer(TestRow row, String name, String text) {}

  /** Asks about answers. @return why an answer got no grade, by its index @throws RunException when the judge cannot go on; what it graded is in the cache */
  public Grading.Result prepare(List<Answer> answers, Grading.Listener listener, StopRequest stop) {
    List<LikertJudge.Question> questions = new ArrayList<>();
    for (Answer answer : answers) {
      questions.add(new LikertJudge.Question(answer.name(), question(answer.row(), answer.text())));
    }
    Grading.Result result = grading.grade(questions, listener, stop);
    for (int i = 0; i < answers.size(); i++) {
      if (result.grades().get(i) != null) {
        known.put(questions.get(i).text(), result.grades().get(i));
      }
    }
    return result;
  }

  private String question(TestRow row, String answer) {
    return rubric.ask(GradedRows.text(row.prompt()), row.gold(), answer);
  }

  /** The verdict on an answer that has a grade; empty where it has none. */
  public Optional<Verdict> known(TestRow row, String answer) {
    return Optional.ofNullable(known.get(question(row, answer))).map(LikertGrader::verdict);
  }

  private static Verdict verdict(Likert grade) {
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("scale", List.of(1, 5));
    if (grade.expected() != null) {
      details.put("expected", grade.expected());
      details.put("mass", grade.mass());
    }
    if (grade.reply() != null) {
      details.put("reply", grade.reply());
    }
    return new Verdict(null, grade.grade(), details);
  }

  @Override
  public String gold(String text) {
    return text;
  }

  /** @throws RunException when the judge gives no grade */
  @Override
  public Verdict grade(TestRow row, String answer) {
    Optional<Verdict> verdict = known(row, answer);
    if (verdict.isEmpty()) {
      Grading.Result result = prepare(List.of(new Answer(row, "row " + row.id().asText(), answer)), Silent.INSTANCE, new StopRequest());
      verdict = known(row, answer);
      if (verdict.isEmpty()) {
        throw RunException.failed("row " + row.id().asText() + ": " + result.why().getOrDefault(0, "no grade"), null);
      }
    }
    return verdict.get();
  }

  @Override
  public boolean afterwards() {
    return true;
  }

  private enum Silent implements Grading.Listener {
    INSTANCE;

    @Override
    public void note(String text) {
      return; // nobody listens
    }

    @Override
    public void progress(int done, int count) {
      return; // nobody looks
    }
  }
}
