package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.IntNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import dev.graft.trainer.data.LineReader;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads what judging needs of a data file beside the tokens of its prompts: ids and right answers. */
final class TestRows {
  private static final String SHAPE = "a row is {\"prompt\", \"completion\"}, {\"messages\"} or {\"prompt_ids\", \"completion_ids\"}";

  private final Path file;
  private final Vocabulary vocabulary;
  private final Gold kind;

  /** Where a row's right answer is. */
  enum Gold {
    /** Its completion. */
    COMPLETION,
    /** Its "label", where it has one; else its completion. */
    LABEL,
    /** Its completion, where it has one; else other fields, as a task says. */
    TASK;

    static Gold of(EvalOptions options) {
      return options.task().isPresent() ? TASK : options.labels().isEmpty() ? COMPLETION : LABEL;
    }
  }

  private TestRows(Path file, Vocabulary vocabulary, Gold kind) {
    this.file = file;
    this.vocabulary = vocabulary;
    this.kind = kind;
  }

  /** All rows in file order. @throws DataException naming the line of a row without a right answer, or whose id is taken */
  static List<TestRow> read(Path file, Vocabulary vocabulary, Gold kind) {
    return new TestRows(file, vocabulary, kind).read();
  }

  private List<TestRow> read() {
    List<TestRow> rows = new ArrayList<>();
    Map<String, Integer> lineOf = new HashMap<>();
    try (LineReader lines = new LineReader(file)) {
      for (String text = lines.next(); text != null; text = lines.next()) {
        if (text.isBlank()) {
          continue;
        }
        TestRow row = row(lines.line(), rows.size(), JsonLine.object(file, lines.line(), text, SHAPE));
        Integer before = lineOf.putIfAbsent(row.id().asText(), row.line());
        if (before != null) {
          throw new DataException(file, row.line(), "id '" + row.id().asText() + "' is also that of line " + before + " (a row without \"id\" has its position, from 0); give each row its own");
        }
        rows.add(row);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (rows.isEmpty()) {
      throw new DataException(file, 0, "holds no rows to answer; " + SHAPE);
    }
    return rows;
  }

  private TestRow row(int line, int index, JsonNode node) {
    JsonNode id = node.has("id") ? node.get("id") : IntNode.valueOf(index);
    if (!id.isTextual() && !id.isIntegralNumber()) {
      throw new DataException(file, line, "id is " + JsonLine.kind(id) + "; it must be a string or a whole number");
    }
    return new TestRow(line, id, prompt(node), gold(line, node), node);
  }

  private static JsonNode prompt(JsonNode node) {
    if (node.path("messages").isArray()) {
      ArrayNode messages = ((ArrayNode) node.get("messages")).deepCopy();
      int last = messages.size() - 1;
      if (last > 0 && messages.get(last).path("role").asText().equals("assistant")) {
        messages.remove(last);
      }
      return messages;
    }
    return node.get("prompt");
  }

  private String gold(int line, JsonNode node) {
    JsonNode label = node.get("label");
    if (kind == Gold.LABEL && label != null && label.isValueNode() && !label.isNull()) {
      return label.asText();
    } else if (node.path("completion").isTextual()) {
      return node.get("completion").textValue();
    } else if (node.path("completion_ids").isArray()) {
      return ids(line, node.get("completion_ids"));
    }
    JsonNode messages = node.path("completion").isArray() ? node.get("completion") : node.path("messages");
    JsonNode last = messages.path(messages.size() - 1);
    if (last.path("role").asText().equals("assistant")) {
      return content(last.path("content"));
    }
    if (kind == Gold.TASK) {
      return null;
    }
    throw new DataException(file, line, "has no right answer to judge by; give it a completion" + (kind == Gold.LABEL ? " or a label" : "") + "; " + SHAPE);
  }

  private static String content(JsonNode content) {
    if (!content.isArray()) {
      return content.asText();
    }
    StringBuilder text = new StringBuilder();
    content.forEach(part -> text.append(part.path("text").asText()));
    return text.toString();
  }

  private String ids(int line, JsonNode ids) {
    int[] values = new int[ids.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = ids.get(i).isIntegralNumber() ? ids.get(i).intValue() : -1;
      if (values[i] < 0 || values[i] >= vocabulary.size()) {
        throw new DataException(file, line, "completion_ids[" + i + "] is " + ids.get(i).asText() + ", but the vocabulary has the ids 0 to " + (vocabulary.size() - 1)
            + "; tokenize the data with this model's tokenizer");
      }
    }
    return vocabulary.decode(values, false);
  }
}
