package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.eval.synthetic.Dice;
import dev.graft.eval.synthetic.Split;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.JsonLine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Forms prompts and answers of a file's rows as a task's templates say. */
final class RowMaker {
  /** Names that a written row has itself. */
  private static final Set<String> TAKEN = Set.of("id", "prompt", "completion", "chosen", "rejected");

  private final Task task;
  private final Importing importing;
  private final Path file;
  private final long seed;

  RowMaker(Task task, Importing importing, Path file, long seed) {
    this.task = task;
    this.importing = importing;
    this.file = file;
    this.seed = seed;
  }

  /** @param index of the row among those that are used: with the seed, what chance follows from  @throws DataException naming line and column */
  TaskRow make(SourceRow row, int index) {
    Dice dice = new Dice(Dice.stream(task.name() + " rejected", seed, index, 0));
    String completion = fill("completion", importing.completion(), row, Map.of());
    String rejected = rejected(row, completion, dice);
    if (rejected.strip().equals(completion.strip())) {
      throw new DataException(file, row.line(), "the wrong answer is the same as the right one ('" + cut(completion) + "'); mend the row");
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    for (String name : importing.fields()) {
      if (!TAKEN.contains(name) && row.values().get(name) != null) {
        fields.put(name, row.values().get(name));
      }
    }
    String id = row.text("id").isEmpty() ? task.name() + "-" + row.line() : row.text("id");
    return new TaskRow(row.line(), id, fill("prompt", importing.prompt(), row, Map.of()), completion, rejected, fields, fill("passage", importing.passage(), row, Map.of()), split(row));
  }

  private Optional<Split> split(SourceRow row) {
    if (!row.values().containsKey("split")) {
      return Optional.empty();
    }
    String name = row.text("split").toLowerCase(Locale.ROOT);
    for (Split split : Split.values()) {
      if (split.fileName().equals(name)) {
        return Optional.of(split);
      }
    }
    throw new DataException(file, row.line(), "column '" + importing.columns().getOrDefault("split", "split") + "' is '" + cut(row.text("split")) + "'; it must be train, eval, dev or test");
  }

  private String rejected(SourceRow row, String completion, Dice dice) {
    Importing.Rejected how = importing.rejected();
    if (how.template() != null) {
      return fill("rejected", how.template(), row, Map.of());
    } else if (!how.change().isEmpty()) {
      List<String> changed = how.change().size() == 1 || dice.chance(0.2) ? how.change() : List.of(dice.pick(how.change()));
      Map<String, String> other = new LinkedHashMap<>();
      for (String name : changed) {
        List<String> labels = new ArrayList<>(task.outcomes().stream().filter(o -> o.field().equals(name) && !o.labels().isEmpty()).findFirst().orElseThrow().labels());
        labels.remove(row.text(name));
        other.put(name, dice.pick(labels));
      }
      return fill("rejected", importing.completion(), row, other);
    }
    List<String> wrong = new ArrayList<>();
    for (String name : how.anyOf()) {
      JsonNode value = row.values().get(name);
      if (value.isArray()) {
        value.forEach(item -> wrong.add(item.asText().strip()));
      } else {
        wrong.add(row.text(name));
      }
    }
    wrong.removeIf(text -> text.isEmpty() || text.equals(completion.strip()));
    if (wrong.isEmpty()) {
      throw new DataException(file, row.line(), "has no wrong answer in " + String.join(", ", how.anyOf()) + "; give it one");
    }
    return dice.pick(wrong);
  }

  private String fill(String key, Template template, SourceRow row, Map<String, String> instead) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String name : template.names()) {
      JsonNode value = row.values().get(name);
      if (value == null) {
        throw new DataException(file, row.line(), "has no '" + name + "', which the task's " + key + " uses");
      } else if (value.isContainerNode()) {
        throw new DataException(file, row.line(), "'" + name + "' is " + JsonLine.kind(value) + "; the task's " + key + " needs a text");
      }
      values.put(name, instead.getOrDefault(name, row.text(name)));
    }
    return template.fill(values);
  }

  private static String cut(String text) {
    return text.length() > 60 ? text.substring(0, 60) + "..." : text;
  }
}
