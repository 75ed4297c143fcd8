package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import dev.graft.trainer.run.StopRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The lines of an evaluation's files: of {@code predictions.jsonl} one for each criterion of a place, together; of {@code answers.jsonl}, where
 * answers wait for their judge, one for each place. One thread.
 */
final class PredictionLines {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Places places;
  private final List<Criterion> criteria;
  private final List<EvalSystem> systems;
  private final List<Line> judged = new ArrayList<>();
  /** What batch graders made of the answers that waited. */
  private final Map<Criterion, BatchGrader.Result> batches = new IdentityHashMap<>();

  PredictionLines(Places places, List<Criterion> criteria, List<EvalSystem> systems) {
    this.places = places;
    this.criteria = criteria;
    this.systems = systems;
  }

  /** Their places. */
  Places places() {
    return places;
  }

  /** An answer that waits. */
  record Answer(String text, String finishReason) {}

  /** A line of {@code predictions.jsonl}. @param graded false where the grader gave no grade */
  record Line(Prediction prediction, boolean graded) {}

  /** Has the batch graders grade all answers. @return whether none was stopped */
  boolean grade(List<Answer> answers, EvalRun.Listener listener, StopRequest stop) {
    for (Criterion criterion : criteria) {
      if (criterion.grader() instanceof BatchGrader grader) {
        List<BatchGrader.Answer> asked = new ArrayList<>();
        for (int place = 0; place < answers.size(); place++) {
          TestRow row = criterion.rows().get(places.row(place));
          asked.add(new BatchGrader.Answer(row, "row " + row.id().asText() + " of " + places.system(place), criterion.judged(answers.get(place).text())));
        }
        BatchGrader.Result result = grader.gradeAll(asked, listener, stop);
        if (result.stopped()) {
          return false;
        }
        batches.put(criterion, result);
      }
    }
    return true;
  }

  private Optional<Verdict> verdict(Criterion criterion, int place, Answer answer) {
    BatchGrader.Result batch = batches.get(criterion);
    return batch != null ? batch.verdicts().get(place) : Optional.of(criterion.judge(places.row(place), answer.text()));
  }

  /** Judges a place's answer: a line for each criterion. */
  List<ObjectNode> judge(int place, Answer answer) {
    List<ObjectNode> lines = new ArrayList<>();
    for (int k = 0; k < criteria.size(); k++) {
      Criterion criterion = criteria.get(k);
      TestRow row = criterion.rows().get(places.row(place));
      Optional<Verdict> graded = verdict(criterion, place, answer);
      Verdict verdict = graded.orElse(new Verdict(null, 0));
      Prediction prediction = new Prediction(place * criteria.size() + k + 1, row.id(), places.system(place), criterion.name(), row.gold(), answer.text(), verdict.label(), verdict.score(),
          verdict.details().containsKey("scale"));
      judged.add(new Line(prediction, graded.isPresent()));
      ObjectNode line = prediction.json();
      if (graded.isEmpty()) {
        line.putNull("score").put("ungraded", batches.get(criterion).why().getOrDefault(place, "no grade"));
      }
      verdict.details().forEach((name, value) -> {
        if (!line.has(name)) {
          line.set(name, JSON.valueToTree(value));
        }
      });
      line.put("finish_reason", answer.finishReason());
      if (row.prompt() != null) {
        line.set("prompt", row.prompt());
      }
      lines.add(line);
    }
    return lines;
  }

  /** The line of an answer that waits. */
  List<ObjectNode> waiting(int place, Answer answer) {
    ObjectNode line = JSON.createObjectNode();
    line.set("id", row(place).id());
    return List.of(line.put("system", places.system(place)).put("answer", answer.text()).put("finish_reason", answer.finishReason()));
  }

  /** A line of {@code predictions.jsonl} that is there. @param answer what was answered, or null where only the line tells  @throws DataException when it is not of its place */
  Line judged(Path file, int line, String text, String answer) {
    Optional<Prediction> graded = PredictionFile.parseGraded(file, line, text, true);
    Prediction p = graded.isPresent() ? graded.get() : PredictionFile.bare(file, line, text);
    int place = (line - 1) / criteria.size();
    if (place >= places.count()) {
      throw other(file, line, "nothing");
    }
    Criterion criterion = criteria.get((line - 1) % criteria.size());
    TestRow row = criterion.rows().get(places.row(place));
    String system = places.system(place);
    boolean same = p.key().equals(row.id().asText()) && p.system().equals(system) && p.outcome().equals(criterion.name()) && Objects.equals(p.gold(), row.gold());
    if (!same || answer != null && !answer.equals(p.answer())) {
      throw other(file, line, "id '" + row.id().asText() + "' of '" + system + "'" + (criterion.name().isEmpty() ? "" : ", outcome " + criterion.name()));
    }
    return new Line(p, graded.isPresent());
  }

  /** A line of {@code answers.jsonl} that is there. @throws DataException when it is not of its place */
  Answer waiting(Path file, int line, String text) {
    JsonNode node = JsonLine.object(file, line, text, "a line is {\"id\", \"system\", \"answer\", \"finish_reason\"}");
    if (line > places.count()) {
      throw other(file, line, "nothing");
    }
    String id = row(line - 1).id().asText();
    if (!node.path("id").asText().equals(id) || !node.path("system").asText().equals(places.system(line - 1)) || !node.path("answer").isTextual()) {
      throw other(file, line, "id '" + id + "' of '" + places.system(line - 1) + "'");
    }
    return new Answer(node.path("answer").textValue(), node.path("finish_reason").asText());
  }

  private TestRow row(int place) {
    return criteria.get(0).rows().get(places.row(place));
  }

  private static DataException other(Path file, int line, String expected) {
    return new DataException(file, line, "is not what this evaluation writes there (" + expected + "); start anew with --overwrite, or choose another folder");
  }

  /** Counts predictions that were there. */
  void keep(List<Line> kept) {
    judged.addAll(kept);
  }

  /** What came out, by outcome. All places must have been judged. */
  Map<String, OutcomeReport> outcomes() {
    judged.sort(Comparator.comparingInt(line -> line.prediction().line())); // by row
    Map<String, OutcomeReport> reports = new LinkedHashMap<>();
    for (Criterion criterion : criteria) {
      Map<String, List<Prediction>> graded = new LinkedHashMap<>();
      Map<String, Integer> ungraded = new LinkedHashMap<>();
      systems.forEach(system -> graded.put(system.name(), new ArrayList<>()));
      for (Line line : judged) {
        Prediction p = line.prediction();
        if (p.outcome().equals(criterion.name()) && line.graded()) {
          graded.get(p.system()).add(p);
        } else if (p.outcome().equals(criterion.name())) {
          ungraded.merge(p.system(), 1, Integer::sum);
        }
      }
      reports.put(criterion.name(), OutcomeReport.of(criterion.outcome(), graded, ungraded, criterion.positive()));
    }
    return reports;
  }
}
