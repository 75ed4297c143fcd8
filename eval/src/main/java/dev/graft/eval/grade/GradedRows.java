package dev.graft.eval.grade;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import dev.graft.eval.judge.TestRow;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import dev.graft.trainer.data.LineReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The rows that predictions are about, found by id in the data they were made from; without data, a prediction's own fields have to do. */
public final class GradedRows {
  private final Path predictions;
  private final Path data;
  private final Map<String, TestRow> rows = new HashMap<>();

  private GradedRows(Path predictions, Path data) {
    this.predictions = predictions;
    this.data = data;
  }

  /** @param data a JSONL file, or null. @throws DataException naming a line that is no object, or whose id is taken */
  public static GradedRows of(Path predictions, Path data) {
    GradedRows rows = new GradedRows(predictions, data);
    if (data != null) {
      rows.read();
    }
    return rows;
  }

  private void read() {
    try (LineReader lines = new LineReader(data)) {
      for (String text = lines.next(); text != null; text = lines.next()) {
        if (text.isBlank()) {
          continue;
        }
        JsonNode node = JsonLine.object(data, lines.line(), text, "each row of the data must be one");
        JsonNode id = node.has("id") ? node.get("id") : IntNode.valueOf(rows.size());
        TestRow row = new TestRow(lines.line(), id, node.has("prompt") ? node.get("prompt") : node.get("messages"), gold(node), node);
        TestRow before = rows.putIfAbsent(id.asText(), row);
        if (before != null) {
          throw new DataException(data, row.line(), "id '" + id.asText() + "' is also that of line " + before.line() + " (a row without \"id\" has its position, from 0); give each row its own");
        }
      }
    } catch (NoSuchFileException e) {
      throw new DataException(data, 0, "no such file; check the path", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String gold(JsonNode node) {
    return node.path("completion").isTextual() ? node.get("completion").textValue() : null;
  }

  /** The row of a prediction, with the prediction's right answer where it says one. @throws DataException when the data does not have it, or has another under its id */
  public TestRow of(AnswerLines.Line line) {
    JsonNode prompt = line.node().get("prompt");
    if (data == null) {
      if (line.gold() == null) {
        throw new DataException(predictions, line.line(), "has no gold; give the data that the predictions were made from with --data");
      }
      return new TestRow(line.line(), line.id(), prompt, line.gold(), line.node());
    }
    TestRow row = rows.get(line.id().asText());
    if (row == null) {
      throw new DataException(predictions, line.line(), "id '" + line.id().asText() + "' is not in " + data + "; give the data that the predictions were made from");
    } else if (prompt != null && prompt.isTextual() && row.prompt() != null && row.prompt().isTextual() && !row.prompt().equals(prompt)) {
      throw new DataException(predictions, line.line(), "its prompt is not that of " + data + ":" + row.line() + ", which has the same id; give the data that the predictions were made from");
    }
    String gold = line.gold() == null ? row.gold() : line.gold();
    if (gold == null) {
      throw new DataException(predictions, line.line(), "has no gold, and " + data + ":" + row.line() + " has no completion");
    }
    return row.withGold(gold);
  }

  /** A prompt as plain text: a string as it is, messages one after another with their roles; empty when there is none. */
  public static String text(JsonNode prompt) {
    if (prompt == null || !prompt.isArray()) {
      return prompt == null ? "" : prompt.asText();
    }
    List<String> turns = new ArrayList<>();
    prompt.forEach(message -> {
      StringBuilder content = new StringBuilder();
      if (message.path("content").isArray()) {
        message.path("content").forEach(part -> content.append(part.path("text").asText()));
      } else {
        content.append(message.path("content").asText());
      }
      turns.add(message.path("role").asText() + ": " + content);
    });
    return turns.size() == 1 ? turns.get(0).substring(turns.get(0).indexOf(": ") + 2) : String.join("\n\n", turns);
  }
}
