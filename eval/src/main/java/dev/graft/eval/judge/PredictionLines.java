package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The lines of an evaluation's files: of {@code predictions.jsonl} one for each criterion of a place, together; of {@code answers.jsonl}, where
 * answers wait for their judge, one for each place. One thread.
 */
final class PredictionLines {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Places places;
  private final List<Criterion> criteria;
  private final List<EvalSystem> systems;
  private final List<Prediction> judged = new ArrayList<>();

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

  /** Judges a place's answer: a line for each criterion. */
  List<ObjectNode> judge(int place, Answer answer) {
    List<ObjectNode> lines = new ArrayList<>();
    for (int k = 0; k < criteria.size(); k++) {
      Criterion criterion = criteria.get(k);
      TestRow row = criterion.rows().get(places.row(place));
      Verdict verdict = criterion.judge(places.row(place), answer.text());
      Prediction prediction = new Prediction(place * criteria.size() + k + 1, row.id(), places.system(place), criterion.name(), row.gold(), answer.text(), verdict.label(), verdict.score());
      judged.add(prediction);
      ObjectNode line = prediction.json();
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
  Prediction judged(Path file, int line, String text, String answer) {
    Prediction p = PredictionFile.parse(file, line, text, true);
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
    return p;
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
  void keep(List<Prediction> kept) {
    judged.addAll(kept);
  }

  /** What came out, by outcome. All places must have been judged. */
  Map<String, OutcomeReport> outcomes() {
    judged.sort(Comparator.comparingInt(Prediction::line)); // by row
    Map<String, OutcomeReport> reports = new LinkedHashMap<>();
    for (Criterion criterion : criteria) {
      Map<String, List<Prediction>> bySystem = new LinkedHashMap<>();
      systems.forEach(system -> bySystem.put(system.name(), new ArrayList<>()));
      judged.stream().filter(p -> p.outcome().equals(criterion.name())).forEach(p -> bySystem.get(p.system()).add(p));
      reports.put(criterion.name(), OutcomeReport.of(criterion.outcome(), bySystem, criterion.positive()));
    }
    return reports;
  }
}
