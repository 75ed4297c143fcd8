package dev.graft.eval.grade;

import dev.graft.eval.judge.Grader;
import dev.graft.eval.judge.TestRow;
import dev.graft.eval.judge.Verdict;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Grades by the row's facts, from 1 to 5, as {@link FactChecklist} says; the share of the facts' weight and what is amiss become details. */
public final class ChecklistGrader implements Grader {
  private final Path data;

  /** @param data the rows' file, for messages */
  public ChecklistGrader(Path data) {
    this.data = data;
  }

  @Override
  public String gold(String text) {
    return text;
  }

  @Override
  public Verdict grade(TestRow row, String answer) {
    FactChecklist.Result result = FactChecklist.of(data, row.line(), row.data()).grade(answer);
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("scale", List.of(1, 5));
    details.put("share", result.share());
    details.put("words", result.words());
    details.put("missing", result.missing());
    details.put("contradicted", result.contradicted());
    return new Verdict(null, result.grade(), details);
  }
}
