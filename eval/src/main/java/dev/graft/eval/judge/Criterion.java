package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.eval.task.AnswerPart;
import dev.graft.eval.task.Outcome;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One thing that answers are judged by: an outcome of a task, or what {@code --labels} and {@code --positive} say.
 *
 * @param outcome of a task; empty without one  @param grader what judges  @param part what of an answer is judged
 * @param rows with the right answer as the grader spells it  @param positive the label for F1 and its kin as the grader spells it, or null
 */
record Criterion(Optional<Outcome> outcome, Grader grader, AnswerPart part, List<TestRow> rows, String positive) {
  /** Its name, or "" without a task. */
  String name() {
    return outcome.map(Outcome::name).orElse("");
  }

  /** Judges the answer to a row. */
  Verdict judge(int row, String answer) {
    return grader.grade(rows.get(row), judged(answer));
  }

  /** What of an answer is judged. */
  String judged(String answer) {
    return part.of(answer).orElse("");
  }

  /** The criteria of an evaluation. @throws DataException naming the line of a row that has not what is needed */
  static List<Criterion> of(EvalOptions options, List<TestRow> rows, GraderSource graders) {
    if (options.task().isEmpty()) {
      return List.of(ofFlags(options, rows));
    }
    List<Criterion> criteria = new ArrayList<>();
    for (Outcome outcome : options.task().get().outcomes()) {
      List<TestRow> own = rows.stream().map(row -> row.withGold(gold(options.data(), outcome, row))).toList();
      Grader grader = switch (outcome.grader()) {
        case LABEL -> new LabelGrader(outcome.labels(), outcome.spellings());
        case EXACT -> new ExactGrader(own.stream().map(TestRow::gold).toList());
        default -> graders.grader(outcome, own);
      };
      String none = "which is none of the labels " + String.join(", ", outcome.labels()) + " of the outcome " + outcome.name();
      String positive = outcome.positive() == null ? null : grader.gold(outcome.positive());
      criteria.add(new Criterion(Optional.of(outcome), grader, outcome.part(), spelt(options.data(), own, grader, none), positive));
    }
    return List.copyOf(criteria);
  }

  private static Criterion ofFlags(EvalOptions options, List<TestRow> rows) {
    Grader grader = options.labels().isEmpty() ? new ExactGrader(rows.stream().map(TestRow::gold).toList()) : new LabelGrader(options.labels());
    List<TestRow> own = spelt(options.data(), rows, grader, "which is none of --labels " + String.join(",", options.labels()));
    return new Criterion(Optional.empty(), grader, AnswerPart.WHOLE, own, positive(options, grader));
  }

  /** The positive label as predictions spell it, or null for none. @throws RunException (usage) when it is no label */
  static String positive(EvalOptions options, Grader grader) {
    if (options.positive() == null) {
      return null;
    }
    String positive = grader.gold(options.positive());
    if (positive == null) {
      throw RunException.usage("--positive " + options.positive() + " is "
          + (options.labels().isEmpty() ? "no right answer of " + options.data() : "none of --labels " + String.join(",", options.labels())));
    }
    return positive;
  }

  private static List<TestRow> spelt(Path data, List<TestRow> rows, Grader grader, String none) {
    List<TestRow> spelt = new ArrayList<>();
    for (TestRow row : rows) {
      String gold = grader.gold(row.gold());
      if (gold == null) {
        String shown = row.gold().length() > 60 ? row.gold().substring(0, 60) + "..." : row.gold();
        throw new DataException(data, row.line(), "its right answer is '" + shown + "', " + none + "; add it, or mend the row");
      }
      spelt.add(row.withGold(gold));
    }
    return List.copyOf(spelt);
  }

  private static String gold(Path data, Outcome outcome, TestRow row) {
    if (outcome.field().equals("completion") && row.gold() != null) {
      return row.gold();
    }
    JsonNode value = row.data().path(outcome.field());
    if (!value.isValueNode() || value.isNull()) {
      throw new DataException(data, row.line(), "has no '" + outcome.field() + "', which the outcome " + outcome.name() + " takes for the right answer; give it one, or another --task");
    }
    return value.asText();
  }
}
