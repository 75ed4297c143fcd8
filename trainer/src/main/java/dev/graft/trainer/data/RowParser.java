package dev.graft.trainer.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** From a line of JSON to a {@link Row}, strictly. */
final class RowParser {
  private static final String SHAPES =
      "a row is {\"prompt\", \"completion\"}, {\"messages\"}, {\"text\"}, {\"prompt\", \"chosen\", \"rejected\"}, {\"prompt_ids\", \"completion_ids\"} or"
          + " {\"prompt_ids\", \"chosen_ids\", \"rejected_ids\"}";

  private final Path file;
  private final int vocabularySize;
  private final boolean promptOnly;

  RowParser(Path file, int vocabularySize, boolean promptOnly) {
    this.file = file;
    this.vocabularySize = vocabularySize;
    this.promptOnly = promptOnly;
  }

  Row parse(int line, String text) {
    JsonNode node = JsonLine.object(file, line, text, SHAPES);
    return new Fields(line, node).row();
  }

  /** The fields of one row. */
  private final class Fields {
    private final int line;
    private final JsonNode node;

    Fields(int line, JsonNode node) {
      this.line = line;
      this.node = node;
    }

    Row row() {
      boolean ids = node.has("prompt_ids") || node.has("completion_ids") || node.has("chosen_ids") || node.has("rejected_ids");
      boolean messages = node.has("messages");
      boolean fields = node.has("prompt") || node.has("completion") || node.has("chosen") || node.has("rejected");
      if ((ids ? 1 : 0) + (messages ? 1 : 0) + (fields ? 1 : 0) > 1) {
        throw bad("mixes the fields of several formats (" + names() + "); keep those of one: " + SHAPES);
      } else if (ids) {
        return idsRow();
      } else if (messages) {
        return new Row.Chat(line, new Messages(file, line).read("messages", node.get("messages")), extra());
      } else if (fields) {
        return textRow();
      } else if (node.has("text")) { // beside those of another format, it is a field of the user's own
        return plainRow();
      }
      throw bad("has none of the fields that are read (it has: " + names() + "); " + SHAPES);
    }

    private Row idsRow() {
      int[] prompt = ids("prompt_ids");
      if (prompt.length == 0) {
        throw bad("has an empty prompt_ids, so nothing comes before the first token to be predicted; put the BOS id there at least");
      }
      if (promptOnly) {
        return new Row.SftIds(line, prompt, null, null);
      } else if (preference("chosen_ids", "rejected_ids", "completion_ids")) {
        return new Row.PreferenceIds(line, prompt, ids("chosen_ids"), ids("rejected_ids"));
      }
      return new Row.SftIds(line, prompt, ids("completion_ids"), label());
    }

    private Row plainRow() {
      JsonNode text = node.get("text");
      if (!text.isTextual()) {
        throw bad("text is " + JsonLine.kind(text) + "; it must be a string");
      }
      return new Row.Plain(line, Messages.checked(file, line, "text", text.textValue()));
    }

    private Row textRow() {
      Row.Turns prompt = turns("prompt");
      if (promptOnly) {
        return new Row.Text(line, prompt, List.of(), extra(), null);
      } else if (preference("chosen", "rejected", "completion")) {
        return new Row.Text(line, prompt, List.of(answer("chosen"), answer("rejected")), extra(), null);
      }
      return new Row.Text(line, prompt, List.of(answer("completion")), extra(), label());
    }

    /** For unpaired preferences; a label of another type is a field of the user's own, which means nothing here. */
    private Boolean label() {
      JsonNode label = node.get("label");
      return label != null && label.isBoolean() ? label.booleanValue() : null;
    }

    private boolean preference(String chosen, String rejected, String completion) {
      boolean pair = node.has(chosen) || node.has(rejected);
      if (pair && node.has(completion)) {
        throw bad("has both " + completion + " and " + chosen + " or " + rejected + "; keep one kind");
      }
      return pair;
    }

    private Row.Turns answer(String name) {
      Row.Turns turns = turns(name);
      if (turns.messages() != null && turns.messages().stream().anyMatch(m -> !"assistant".equals(m.get("role")))) {
        throw bad(name + " holds a message whose role is not assistant; put the others into prompt, or use {\"messages\": [...]}");
      }
      return turns;
    }

    private Row.Turns turns(String name) {
      JsonNode value = required(name);
      if (value.isTextual()) {
        return new Row.Turns(Messages.checked(file, line, name, value.textValue()), null);
      } else if (value.isArray()) {
        return new Row.Turns(null, new Messages(file, line).read(name, value));
      }
      throw bad(name + " is " + JsonLine.kind(value) + "; it must be a string or a list of messages");
    }

    private int[] ids(String name) {
      JsonNode value = required(name);
      if (!value.isArray()) {
        throw bad(name + " is " + JsonLine.kind(value) + "; it must be a list of token ids");
      }
      int[] ids = new int[value.size()];
      for (int i = 0; i < ids.length; i++) {
        JsonNode id = value.get(i);
        if (!id.isIntegralNumber()) {
          throw bad(name + "[" + i + "] is " + (id.isNumber() ? id.asText() : JsonLine.kind(id)) + "; a token id is a whole number");
        } else if (!id.canConvertToInt() || id.intValue() < 0 || id.intValue() >= vocabularySize) {
          throw bad(name + "[" + i + "] is " + id.asText() + ", but the model has the ids 0 to " + (vocabularySize - 1) + "; tokenize the data with this model's tokenizer");
        }
        ids[i] = id.intValue();
      }
      return ids;
    }

    private Map<String, Object> extra() {
      JsonNode tools = node.get("tools");
      if (tools == null || tools.isNull()) {
        return Map.of();
      } else if (!tools.isArray()) {
        throw bad("tools is " + JsonLine.kind(tools) + "; it must be a list");
      }
      return Map.of("tools", JsonLine.MAPPER.convertValue(tools, Object.class));
    }

    private JsonNode required(String name) {
      JsonNode value = node.get(name);
      if (value == null) {
        throw bad("has no " + name + " (it has: " + names() + "); " + SHAPES);
      }
      return value;
    }

    private String names() {
      StringJoiner names = new StringJoiner(", ");
      List<String> all = new ArrayList<>();
      node.fieldNames().forEachRemaining(all::add);
      all.stream().limit(8).map(name -> name.length() > 40 ? name.substring(0, 40) + "..." : name).forEach(names::add);
      return all.isEmpty() ? "no fields" : names + (all.size() > 8 ? ", ..." : "");
    }

    private DataException bad(String what) {
      return new DataException(file, line, what);
    }
  }
}
