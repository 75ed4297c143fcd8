package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.graft.eval.synthetic.ShingleIndex;
import dev.graft.trainer.data.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Takes the columns of a table that a task asks for. */
final class TableImporter {
  /** Columns that a file need not have, unless they were asked for by name. */
  private static final Set<String> OPTIONAL = Set.of("id", "split");

  private final Path file;
  private final Importing importing;
  private final Set<String> asked;
  private final Map<String, Map<String, String>> labels;

  /**
   * @param importing with the columns to take  @param asked names whose column the user has chosen
   * @param labels for names that hold labels, the label by each text that stands for it ({@link ShingleIndex#normalized})
   */
  TableImporter(Path file, Importing importing, Set<String> asked, Map<String, Map<String, String>> labels) {
    this.file = file;
    this.importing = importing;
    this.asked = asked;
    this.labels = labels;
  }

  /** What labels are called in files: themselves, and what the task's "values" say. @param task whose outcomes have labels */
  static Map<String, Map<String, String>> labels(Task task, Importing importing) {
    Map<String, Map<String, String>> labels = new HashMap<>();
    for (Outcome outcome : task.outcomes()) {
      if (outcome.grader() == Outcome.Kind.LABEL) {
        outcome.labels().forEach(label -> labels.computeIfAbsent(outcome.field(), k -> new LinkedHashMap<>()).put(ShingleIndex.normalized(label), label));
      }
    }
    importing.values().forEach((name, values) -> {
      Map<String, String> known = labels.get(name);
      values.forEach((text, label) -> {
        if (known != null) {
          known.put(ShingleIndex.normalized(text), label);
        }
      });
    });
    return labels;
  }

  SourceRows read() {
    TableFile table = TableFile.read(file, importing.sheet());
    Map<String, String> columns = columns(table.columns());
    List<SourceRow> rows = new ArrayList<>();
    for (SourceRow row : table.rows()) {
      Map<String, JsonNode> values = new LinkedHashMap<>();
      columns.forEach((name, column) -> values.put(name, value(row, name, column)));
      rows.add(new SourceRow(row.line(), values));
    }
    return new SourceRows(rows, rows.size(), Map.of());
  }

  /** The columns that are there. @throws DataException naming those that are not, and what is there */
  private Map<String, String> columns(Set<String> there) {
    Map<String, String> columns = new LinkedHashMap<>(importing.columns());
    columns.entrySet().removeIf(column -> OPTIONAL.contains(column.getKey()) && !asked.contains(column.getKey()) && !there.contains(column.getValue()));
    List<String> missing = new ArrayList<>();
    columns.forEach((name, column) -> {
      if (!there.contains(column)) {
        missing.add("'" + column + "'" + (name.equals(column) ? "" : " (for " + name + ")"));
      }
    });
    if (!missing.isEmpty()) {
      Set<String> shown = new LinkedHashSet<>(there);
      throw new DataException(file, 0, "has no column " + String.join(", ", missing) + "; its columns are " + (shown.isEmpty() ? "none" : String.join(", ", shown))
          + "; say which is which with --map NAME=COLUMN");
    }
    return columns;
  }

  private JsonNode value(SourceRow row, String name, String column) {
    JsonNode value = row.values().get(column);
    String text = row.text(column);
    boolean list = value != null && value.isArray() && !value.isEmpty();
    if (text.isEmpty() && !list) {
      if (name.equals("id")) {
        throw new DataException(file, row.line(), "column '" + column + "' is empty; give each row its id, or leave the column out");
      }
      throw new DataException(file, row.line(), "column '" + column + "'" + (name.equals(column) ? "" : " (for " + name + ")") + " is empty; give it a value, or leave the row out");
    } else if (!labels.containsKey(name)) {
      String standsFor = importing.values().getOrDefault(name, Map.of()).get(text);
      return standsFor != null ? TextNode.valueOf(standsFor) : value.isTextual() ? TextNode.valueOf(text) : value;
    }
    String label = labels.get(name).get(ShingleIndex.normalized(text));
    if (label == null) {
      String shown = text.length() > 60 ? text.substring(0, 60) + "..." : text;
      throw new DataException(file, row.line(), "column '" + column + "' is '" + shown + "', which is none of the labels "
          + String.join(", ", new LinkedHashSet<>(labels.get(name).values())) + "; mend it, or say in the task's 'values' what it stands for");
    }
    return TextNode.valueOf(label);
  }
}
