package dev.graft.eval.judge;

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
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A {@code predictions.jsonl} as it was read: {@code {"id", "system", "gold", "answer", "label", "score"}} a line; {@code system} and
 * {@code answer} may be missing, and so may {@code outcome}; other fields are not looked at.
 *
 * @param file where they came from
 * @param systems the predictions of each, in file order, in the order of first appearance; never empty. A line without a system counts
 *     as one of the system ""
 * @param ungraded ids of lines that a grader could give no grade ({@code "score": null} beside {@code "ungraded"}, which says why), by system;
 *     they are not among the predictions
 */
public record PredictionFile(Path file, Map<String, List<Prediction>> systems, Map<String, Set<String>> ungraded) {
  private static final String SHAPE = "a prediction is {\"id\", \"system\", \"gold\", \"answer\", \"label\", \"score\"}, as graft eval writes them";

  /**
   * Reads all of it, which must be of one outcome.
   *
   * @param labels whether each line must have a label (null is one)
   * @throws DataException naming the line when one is wrong or an id comes twice for a system; or when there are none
   * @throws RunException (usage) when there are several outcomes
   */
  public static PredictionFile read(Path file, boolean labels) {
    return read(file, labels, null);
  }

  /**
   * Reads all of it, and gives the predictions of one outcome.
   *
   * @param outcome its name; null where there is only one. A file that names no outcomes holds any
   * @throws RunException (usage) when the file holds several and none is named, or not this one
   */
  public static PredictionFile read(Path file, boolean labels, String outcome) {
    Map<String, Rows> all = readAll(file, labels);
    List<String> names = List.copyOf(all.keySet());
    String held = file + " holds the outcomes " + String.join(", ", names);
    if (names.equals(List.of(""))) {
      return all.get("").file(file);
    } else if (outcome == null && names.size() > 1) {
      throw RunException.usage(held + "; choose one with --outcome");
    } else if (outcome != null && !names.contains(outcome)) {
      throw RunException.usage("--outcome " + outcome + ": " + held);
    }
    return all.get(outcome == null ? names.get(0) : outcome).file(file);
  }

  /** The lines of an outcome, by system. */
  private record Rows(Map<String, List<Prediction>> graded, Map<String, Set<String>> ungraded) {
    PredictionFile file(Path path) {
      if (graded.isEmpty()) {
        throw new DataException(path, 0, "holds no graded prediction, only ungraded ones; grade it again");
      }
      return new PredictionFile(path, graded, ungraded);
    }
  }

  /** By outcome ("" for lines without one). */
  private static Map<String, Rows> readAll(Path file, boolean labels) {
    Map<String, Rows> all = new LinkedHashMap<>();
    Map<String, Map<String, Integer>> seen = new HashMap<>();
    try (LineReader lines = new LineReader(file)) {
      for (String text = lines.next(); text != null; text = lines.next()) {
        if (text.isBlank()) {
          continue;
        }
        Optional<Prediction> graded = parseGraded(file, lines.line(), text, labels);
        Prediction p = graded.isPresent() ? graded.get() : bare(file, lines.line(), text);
        Integer before = seen.computeIfAbsent(p.outcome() + "\n" + p.system(), s -> new HashMap<>()).putIfAbsent(p.key(), p.line());
        if (before != null) {
          throw new DataException(file, p.line(), "id '" + p.key() + "'" + of(p.system()) + " is also on line " + before + "; an id stands for one row of a system");
        }
        Rows rows = all.computeIfAbsent(p.outcome(), o -> new Rows(new LinkedHashMap<>(), new LinkedHashMap<>()));
        if (graded.isPresent()) {
          rows.graded().computeIfAbsent(p.system(), s -> new ArrayList<>()).add(p);
        } else {
          rows.ungraded().computeIfAbsent(p.system(), s -> new LinkedHashSet<>()).add(p.key());
        }
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

  /** The names of the systems. */
  public List<String> names() {
    return List.copyOf(systems.keySet());
  }

  private static String of(String system) {
    return system.isEmpty() ? "" : " of system '" + system + "'";
  }

  /** Ids of a system's lines that have no grade. */
  public Set<String> ungraded(String system) {
    return ungraded.getOrDefault(system, Set.of());
  }

  /** One line, or empty for one that says that it could not be graded. */
  static Optional<Prediction> parseGraded(Path file, int line, String text, boolean labels) {
    JsonNode node = JsonLine.object(file, line, text, SHAPE);
    return node.path("ungraded").isTextual() && node.path("score").isNull() ? Optional.empty() : Optional.of(parse(file, line, text, labels));
  }

  /** Who and what an ungraded line is about. */
  static Prediction bare(Path file, int line, String text) {
    ObjectNode node = (ObjectNode) JsonLine.object(file, line, text, SHAPE);
    return parse(file, line, node.put("score", 0).toString(), false);
  }

  /** One line. @throws DataException when it is no prediction */
  static Prediction parse(Path file, int line, String text, boolean labels) {
    JsonNode node = JsonLine.object(file, line, text, SHAPE);
    JsonNode id = required(file, line, node, "id");
    if (!id.isTextual() && !id.isIntegralNumber()) {
      throw new DataException(file, line, "id is " + JsonLine.kind(id) + "; it must be a string or a whole number");
    }
    JsonNode score = required(file, line, node, "score");
    if (!score.isNumber()) {
      throw new DataException(file, line, "score is " + JsonLine.kind(score) + "; it must be a number: 1 right, 0 wrong, or a grade");
    } else if (!Double.isFinite(score.doubleValue())) {
      throw new DataException(file, line, "score is " + score.asText() + ", which is not finite; it must be a number: 1 right, 0 wrong, or a grade");
    }
    if (labels) {
      required(file, line, node, "label");
    }
    required(file, line, node, "gold");
    return new Prediction(line, id, orEmpty(text(file, line, node, "system")), orEmpty(text(file, line, node, "outcome")), text(file, line, node, "gold"), text(file, line, node, "answer"),
        text(file, line, node, "label"), score.doubleValue(), node.path("scale").isArray());
  }

  private static String orEmpty(String text) {
    return text == null ? "" : text;
  }

  private static JsonNode required(Path file, int line, JsonNode node, String name) {
    JsonNode value = node.get(name);
    if (value == null) {
      throw new DataException(file, line, "has no " + name + "; " + SHAPE);
    }
    return value;
  }

  /** A scalar as text; null and a missing one are null. */
  private static String text(Path file, int line, JsonNode node, String name) {
    JsonNode value = node.get(name);
    if (value == null || value.isNull()) {
      return null;
    } else if (value.isContainerNode()) {
      throw new DataException(file, line, name + " is " + JsonLine.kind(value) + "; it must be a string");
    }
    return value.asText();
  }
}
