package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.graft.eval.synthetic.ShingleIndex;
import dev.graft.trainer.data.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * MedQA (Jin et al. 2020, "What disease does this patient have?"): {@code {"question", "answer", "options": {"A": ...}, "meta_info", "answer_idx"}}
 * a line. Questions of steps 2 and 3 are kept, without their options.
 */
final class MedQaImporter {
  private static final String SHAPE = "a row is {\"question\", \"answer\", \"options\": {\"A\": ...}, \"meta_info\", \"answer_idx\"}";
  private static final String KEPT = "step2&3";

  private MedQaImporter() {}

  static SourceRows read(Path file) {
    List<SourceRow> rows = new ArrayList<>();
    Map<String, Integer> leftOut = new LinkedHashMap<>();
    int read = JsonRows.read(file, SHAPE, (line, row) -> {
      String step = JsonRows.text(file, line, row, "meta_info").strip();
      if (!step.equals(KEPT)) {
        if (!step.equals("step1")) {
          throw new DataException(file, line, "'meta_info' is '" + step + "'; it must be step1 or " + KEPT);
        }
        leftOut.merge("of step1, which the task leaves out", 1, Integer::sum);
      } else {
        rows.add(row(file, line, row));
      }
    });
    if (rows.isEmpty()) {
      throw new DataException(file, 0, "has no question of " + KEPT + " among its " + read + " rows; give the whole of MedQA's US questions");
    }
    return new SourceRows(rows, read, leftOut);
  }

  private static SourceRow row(Path file, int line, JsonNode row) {
    String answer = JsonRows.text(file, line, row, "answer").strip();
    JsonNode options = JsonRows.field(file, line, row, "options");
    if (!options.isObject() || options.size() < 2) {
      throw new DataException(file, line, "'options' must be an object with two options at least; " + SHAPE);
    }
    String index = JsonRows.text(file, line, row, "answer_idx").strip();
    ArrayNode wrong = JsonNodeFactory.instance.arrayNode();
    String right = ShingleIndex.normalized(answer);
    for (Map.Entry<String, JsonNode> option : options.properties()) {
      String text = JsonRows.text(file, line, options, option.getKey()).strip();
      boolean same = text.equals(answer) || !right.isEmpty() && ShingleIndex.normalized(text).equals(right);
      if (option.getKey().equals(index) && !same) {
        throw new DataException(file, line, "'answer' is '" + answer + "', but option " + index + " of 'answer_idx' is '" + text + "'; mend one of them");
      } else if (!same) {
        wrong.add(text);
      }
    }
    if (!options.has(index)) {
      throw new DataException(file, line, "'answer_idx' is '" + index + "', which is none of the options " + JsonRows.names(options));
    } else if (wrong.isEmpty()) {
      throw new DataException(file, line, "has no wrong option; there must be one to be rejected");
    }
    Map<String, JsonNode> values = new LinkedHashMap<>();
    values.put("id", TextNode.valueOf("medqa-" + line));
    values.put("question", TextNode.valueOf(JsonRows.text(file, line, row, "question").strip()));
    values.put("answer", TextNode.valueOf(answer));
    values.put("wrong", wrong);
    values.put("aliases", JsonNodeFactory.instance.arrayNode());
    values.put("options", options);
    values.put("step", TextNode.valueOf(KEPT));
    return new SourceRow(line, values);
  }
}
