package dev.graft.eval.grade;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.grade.likert.Grading;
import dev.graft.eval.judge.Grader;
import dev.graft.eval.judge.TestRow;
import dev.graft.eval.judge.Verdict;
import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Grades predictions that are there already, whatever made them. */
public final class GradeRun {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What graders before left on a line. */
  private static final List<String> EARLIER = List.of("ungraded", "scale", "share", "words", "missing", "contradicted", "expected", "mass", "reply", "grades");

  private GradeRun() {}

  /**
   * What became of the predictions.
   *
   * @param lines in the file's order, each as it was but with the new label, score and {@code grader}, and the grader's details; where there is
   *     no grade, {@code "score": null} and {@code "ungraded"}, which says why
   * @param ungraded why, by "row 7 of sft"
   * @param cached grades that were in the cache of the judge
   * @param stopped whether it was asked to stop before the end; then there are no lines
   */
  public record Result(List<ObjectNode> lines, Map<String, String> ungraded, int cached, boolean stopped) {}

  /**
   * Grades a file.
   *
   * @param outcome of a task, or null where there is only one  @param data the rows that the predictions are about, or null
   * @param name of the grader, for the lines
   * @throws dev.graft.trainer.data.DataException about a line  @throws dev.graft.trainer.run.RunException when a judge cannot go on
   */
  public static Result run(Path predictions, String outcome, Path data, String name, Grader grader, Grading.Listener listener, StopRequest stop) {
    List<AnswerLines.Line> lines = AnswerLines.read(predictions, outcome);
    GradedRows rows = GradedRows.of(predictions, data);
    List<LikertGrader.Answer> answers = new ArrayList<>();
    for (AnswerLines.Line line : lines) {
      answers.add(new LikertGrader.Answer(rows.of(line), line.name(), line.answer()));
    }
    Grading.Result judged = grader instanceof LikertGrader likert ? likert.prepare(answers, listener, stop) : new Grading.Result(List.of(), Map.of(), 0, false);
    if (judged.stopped()) {
      return new Result(List.of(), Map.of(), judged.cached(), true);
    }
    List<ObjectNode> graded = new ArrayList<>();
    Map<String, String> ungraded = new LinkedHashMap<>();
    for (int i = 0; i < answers.size(); i++) {
      TestRow row = answers.get(i).row();
      String text = answers.get(i).text();
      Optional<Verdict> verdict = grader instanceof LikertGrader likert ? likert.known(row, text) : Optional.of(grader.grade(row, text));
      String why = verdict.isPresent() ? null : judged.why().getOrDefault(i, "no grade");
      graded.add(line(lines.get(i), row, name, verdict, why));
      if (why != null) {
        ungraded.put(answers.get(i).name(), why);
      }
    }
    return new Result(graded, ungraded, judged.cached(), false);
  }

  private static ObjectNode line(AnswerLines.Line line, TestRow row, String name, Optional<Verdict> verdict, String why) {
    ObjectNode node = line.node().deepCopy();
    node.remove(EARLIER);
    node.put("gold", row.gold());
    node.put("label", verdict.map(Verdict::label).orElse(null));
    if (verdict.isEmpty()) {
      node.putNull("score").put("ungraded", why);
    } else if (verdict.get().score() == Math.rint(verdict.get().score())) {
      node.put("score", (long) verdict.get().score());
    } else {
      node.put("score", verdict.get().score());
    }
    node.put("grader", name);
    verdict.ifPresent(v -> v.details().forEach((key, value) -> node.set(key, JSON.valueToTree(value))));
    return node;
  }
}
