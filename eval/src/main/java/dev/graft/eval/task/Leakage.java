package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.ShingleIndex;
import dev.graft.eval.synthetic.Split;
import dev.graft.trainer.data.DataException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Looks through the splits of a user's own folder for rows that the test must not share with what was learnt. */
final class Leakage {
  /** Rows whose prompts are compared without the words that all prompts of the folder begin and end with: the instruction. */
  private record Row(Path file, int line, Split split, String[] words) {}

  private Leakage() {}

  /**
   * Checks {@code sft/*.jsonl}, as far as they are there.
   *
   * @throws DataException naming a row whose id is in another split too, or which is the same as or nearly alike to ({@link DataSet#NEARLY_ALIKE}) one of another split
   */
  static void check(TaskData data) {
    List<Row> rows = new ArrayList<>();
    Map<String, Row> ids = new HashMap<>();
    for (Split split : Split.values()) {
      Path file = data.sft(split);
      if (Files.exists(file)) {
        JsonRows.read(file, "it must have a row a line: {\"prompt\", \"completion\"}", (line, node) -> {
          Row row = new Row(file, line, split, ShingleIndex.normalized(text(node)).split(" "));
          Row before = node.path("id").isValueNode() ? ids.putIfAbsent(node.path("id").asText(), row) : null;
          if (before != null && before.split() != split) {
            throw new DataException(file, line, "id '" + node.path("id").asText() + "' is also that of " + before.file() + ":" + before.line() + ", of another split; give each row its own, or leave one out");
          }
          rows.add(row);
        });
      }
    }
    int begin = common(rows, true);
    int end = common(rows, false);
    ShingleIndex index = new ShingleIndex();
    for (Row row : rows) {
      String passage = String.join(" ", Arrays.copyOfRange(row.words(), begin, Math.max(begin, row.words().length - end)));
      ShingleIndex.Nearest nearest = index.nearestOutside(passage, row.split().ordinal());
      if (nearest.similarity() > DataSet.NEARLY_ALIKE) {
        Row other = rows.get(nearest.id());
        throw new DataException(row.file(), row.line(), String.format(Locale.ROOT, "is nearly alike to %s:%d, of another split (similarity %.2f): the test would not be fair; put both into one split, or leave one out",
            other.file(), other.line(), nearest.similarity()));
      }
      index.add(passage, row.split().ordinal());
    }
  }

  private static String text(JsonNode node) {
    JsonNode prompt = node.path("messages").isArray() ? node.path("messages") : node.path("prompt");
    if (!prompt.isArray()) {
      return prompt.asText();
    }
    StringBuilder text = new StringBuilder();
    prompt.forEach(message -> text.append(message.path("role").asText().equals("assistant") ? "" : message.path("content").asText() + " "));
    return text.toString();
  }

  /** How many words all prompts begin (or end) with; 0 for fewer than three different prompts, as those may just be alike. */
  private static int common(List<Row> rows, boolean begin) {
    if (rows.stream().map(row -> String.join(" ", row.words())).distinct().limit(3).count() < 3) {
      return 0;
    }
    String[] first = rows.get(0).words();
    int n = first.length;
    for (Row row : rows) {
      int same = 0;
      int most = Math.min(n, row.words().length);
      while (same < most && first[begin ? same : first.length - 1 - same].equals(row.words()[begin ? same : row.words().length - 1 - same])) {
        same++;
      }
      n = same;
    }
    return n;
  }
}
