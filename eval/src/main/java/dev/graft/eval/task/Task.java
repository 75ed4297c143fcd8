package dev.graft.eval.task;

import dev.graft.eval.synthetic.Split;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a task's YAML says. Immutable.
 *
 * @param name as flags and files have it  @param title for people  @param study what it repeats ("savage2025"), or empty
 * @param origin the YAML file, as messages name it
 * @param generator the synthetic task whose rows it has by default  @param file the user's file whose rows it has by default; at most one of the two
 * @param splits rows of train, eval, dev and test, in this order
 * @param importing how a file becomes rows; empty when only the generator can make them
 * @param maxTokens most tokens of an answer
 * @param outcomes what answers are judged by, one at least; each its own name
 */
public record Task(String name, String title, String study, Path origin, Optional<String> generator, Optional<Path> file, Map<Split, Integer> splits,
    Optional<Importing> importing, int maxTokens, List<Outcome> outcomes) {
  private static final List<String> SHIPPED = List.of("uti", "reasoning", "summary", "triage");
  private static final int MAX_BYTES = 1 << 20;

  /** Names of the shipped tasks, in the study's order. */
  public static List<String> names() {
    return SHIPPED;
  }

  /**
   * Loads a shipped task by its name, or a user's own by the path of its YAML ({@code .yaml} or {@code .yml}).
   *
   * @throws RunException (usage) when there is no such task  @throws DataException naming the line of the YAML that is wrong
   */
  public static Task load(String nameOrPath) {
    if (SHIPPED.contains(nameOrPath)) {
      return TaskReader.read(Path.of(nameOrPath + ".yaml"), resource(nameOrPath + ".yaml"));
    } else if (!nameOrPath.endsWith(".yaml") && !nameOrPath.endsWith(".yml")) {
      throw RunException.usage("--task " + nameOrPath + ": no such task; there are " + String.join(", ", SHIPPED) + ", or give the path of your own .yaml");
    }
    Path file = Path.of(nameOrPath);
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new DataException(file, 0, "is larger than 1 MiB; a task's YAML is a page of text");
      }
      return TaskReader.read(file, Files.readString(file));
    } catch (CharacterCodingException e) {
      throw new DataException(file, 0, "is not UTF-8 text; convert the file", e);
    } catch (IOException e) {
      throw RunException.usage("--task " + file + ": cannot be read: " + (Files.exists(file) ? SafeFiles.reason(e) : "no such file"));
    }
  }

  /** The outcome of a name. */
  public Optional<Outcome> outcome(String name) {
    return outcomes.stream().filter(outcome -> outcome.name().equals(name)).findFirst();
  }

  /** Whether a judge model grades some of the answers. */
  public boolean needsJudge() {
    return outcomes.stream().anyMatch(outcome -> outcome.grader() == Outcome.Kind.LIKERT);
  }

  /** The file's column for each name that the import takes; empty where the format knows them. */
  public Map<String, String> columns() {
    return importing.map(Importing::columns).orElse(Map.of());
  }

  /** As JSON. */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", name);
    json.put("title", title);
    json.put("study", study);
    json.put("generator", generator.orElse(null));
    json.put("file", file.map(Path::toString).orElse(null));
    Map<String, Object> counts = new LinkedHashMap<>();
    splits.forEach((split, n) -> counts.put(split.fileName(), n));
    json.put("splits", counts);
    json.put("import", importing.map(Importing::json).orElse(null));
    json.put("max_tokens", maxTokens);
    json.put("outcomes", outcomes.stream().map(Outcome::json).toList());
    return json;
  }

  private static String resource(String name) {
    try (InputStream in = Task.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("the resource " + name + " is missing");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
