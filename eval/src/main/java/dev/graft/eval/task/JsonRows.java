package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import dev.graft.trainer.data.LineReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Reads JSONL, and values of its objects, strictly. */
final class JsonRows {
  /** Hears each object. */
  interface Reader {
    void row(int line, JsonNode row);
  }

  private JsonRows() {}

  /** Reads all. @param shape what a row should be, for messages  @throws DataException naming a line that is no object, or an empty file */
  static int read(Path file, String shape, Reader reader) {
    int count = 0;
    try (LineReader lines = new LineReader(file)) {
      for (String text = lines.next(); text != null; text = lines.next()) {
        if (!text.isBlank()) {
          reader.row(lines.line(), JsonLine.object(file, lines.line(), text, shape));
          count++;
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (count == 0) {
      throw new DataException(file, 0, "is empty; " + shape);
    }
    return count;
  }

  /** A field that must be a text. */
  static String text(Path file, int line, JsonNode row, String name) {
    JsonNode value = field(file, line, row, name);
    if (!value.isTextual() || value.textValue().isBlank()) {
      throw new DataException(file, line, "'" + name + "' is " + (value.isTextual() ? "blank" : JsonLine.kind(value)) + "; it must be a text");
    }
    return value.textValue();
  }

  /** A field that must be there. */
  static JsonNode field(Path file, int line, JsonNode row, String name) {
    JsonNode value = row.get(name);
    if (value == null) {
      throw new DataException(file, line, "has no '" + name + "'; its fields are " + names(row));
    }
    return value;
  }

  /** Names of the fields, for messages. */
  static String names(JsonNode row) {
    List<String> names = new ArrayList<>();
    for (Iterator<String> all = row.fieldNames(); all.hasNext() && names.size() < 30; ) {
      names.add(all.next());
    }
    return names.isEmpty() ? "none" : String.join(", ", names);
  }
}
