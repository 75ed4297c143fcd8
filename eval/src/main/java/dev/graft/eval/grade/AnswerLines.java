package dev.graft.eval.grade;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import dev.graft.trainer.data.LineReader;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Predictions as whole lines, for graders: their scores need not be there yet. */
public final class AnswerLines {
  private static final String SHAPE = "a prediction is {\"id\", \"system\", \"gold\", \"answer\", \"label\", \"score\"}, as graft eval writes them";

  private AnswerLines() {}

  /**
   * One of them.
   *
   * @param line of the file, from 1  @param node all of it  @param system who answered, "" where it does not say
   * @param outcome of a task that the line is about, "" where it does not say
   * @param gold the right answer, or null where it does not say  @param answer what was answered
   */
  public record Line(int line, ObjectNode node, JsonNode id, String system, String outcome, String gold, String answer) {
    /** "row 7 of sft". */
    public String name() {
      return "row " + id.asText() + (system.isEmpty() ? "" : " of " + system);
    }
  }

  /**
   * Those of one outcome.
   *
   * @param outcome its name; null where there is only one
   * @throws DataException naming the line that is wrong, or an id that comes twice for a system
   * @throws RunException (usage) when the file holds several outcomes and none is named, or not this one
   */
  public static List<Line> read(Path file, String outcome) {
    List<Line> all = read(file);
    List<String> names = all.stream().map(Line::outcome).distinct().toList();
    String held = file + " holds the outcomes " + String.join(", ", names);
    if (names.equals(List.of(""))) {
      return all;
    } else if (outcome == null && names.size() > 1) {
      throw RunException.usage(held + "; choose one with --outcome");
    } else if (outcome != null && !names.contains(outcome)) {
      throw RunException.usage("--outcome " + outcome + ": " + held);
    }
    return outcome == null ? all : all.stream().filter(line -> line.outcome().equals(outcome)).toList();
  }

  private static List<Line> read(Path file) {
    List<Line> all = new ArrayList<>();
    Map<String, Integer> seen = new HashMap<>();
    try (LineReader lines = new LineReader(file)) {
      for (String text = lines.next(); text != null; text = lines.next()) {
        if (text.isBlank()) {
          continue;
        }
        Line line = parse(file, lines.line(), text);
        Integer before = seen.putIfAbsent(line.outcome() + "\0" + line.system() + "\0" + line.id().asText(), line.line());
        if (before != null) {
          throw new DataException(file, line.line(), "id '" + line.id().asText() + "' of system '" + line.system() + "' is also on line " + before + "; an id stands for one row of a system");
        }
        all.add(line);
      }
    } catch (NoSuchFileException e) {
      throw new DataException(file, 0, "no such file; check the path", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (all.isEmpty()) {
      throw new DataException(file, 0, "holds no predictions; it must have one JSON object a line, as graft eval writes them");
    }
    return all;
  }

  private static Line parse(Path file, int line, String text) {
    ObjectNode node = (ObjectNode) JsonLine.object(file, line, text, SHAPE);
    JsonNode id = node.path("id");
    if (!id.isTextual() && !id.isIntegralNumber()) {
      throw new DataException(file, line, id.isMissingNode() ? "has no id; " + SHAPE : "id is " + JsonLine.kind(id) + "; it must be a string or a whole number");
    } else if (!node.has("answer")) {
      throw new DataException(file, line, "has no answer to grade; " + SHAPE);
    }
    String system = scalar(file, line, node, "system");
    String outcome = scalar(file, line, node, "outcome");
    String answer = scalar(file, line, node, "answer");
    return new Line(line, node, id, system == null ? "" : system, outcome == null ? "" : outcome, scalar(file, line, node, "gold"), answer == null ? "" : answer);
  }

  private static String scalar(Path file, int line, JsonNode node, String name) {
    JsonNode value = node.path(name);
    if (value.isContainerNode()) {
      throw new DataException(file, line, name + " is " + JsonLine.kind(value) + "; it must be a string");
    }
    return value.isMissingNode() || value.isNull() ? null : value.asText();
  }
}
