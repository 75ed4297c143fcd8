package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.eval.synthetic.DataFolder;
import dev.graft.eval.synthetic.DataSet;
import dev.graft.eval.synthetic.DataSetException;
import dev.graft.eval.synthetic.DataSetWriter;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.synthetic.SyntheticTasks;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A folder of a task's rows, in the layout of {@code graft data make}: {@code sft/} and {@code dpo/} with {@code train.jsonl}, {@code
 * eval.jsonl}, {@code dev.jsonl} and {@code test.jsonl}, and {@code manifest.json}. Immutable.
 *
 * @param folder where it lies
 * @param manifest what it tells of itself; without fields where the folder is a user's own
 */
public record TaskData(Path folder, JsonNode manifest) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> KINDS = List.of("sft", "dpo");

  /** Prompts with completions of a split. */
  public Path sft(Split split) {
    return folder.resolve("sft").resolve(split.fileName() + ".jsonl");
  }

  /** Preferences of a split. */
  public Path dpo(Split split) {
    return folder.resolve("dpo").resolve(split.fileName() + ".jsonl");
  }

  /**
   * Makes a task's rows, or finds that they lie there already, made of the same source in the same way.
   *
   * @param rows in all, the splits keeping their shares; 0 for the task's own counts
   * @param overwrite replaces a data set that was made otherwise
   * @throws RunException (usage) when the folder holds something else, or the task needs a source  @throws DataException about the source's rows
   */
  public static TaskData prepare(Task task, TaskSource source, Path folder, long seed, int rows, boolean overwrite) {
    if (generated(task, source) && !source.columns().isEmpty()) {
      throw RunException.usage("--map is for the columns of a file; give it with --source FILE");
    }
    Map<String, Object> recipe = recipe(task, source, seed, rows);
    Path manifest = folder.resolve(DataFolder.MANIFEST);
    if (Files.isRegularFile(manifest)) {
      JsonNode there = read(manifest);
      if (there.path("recipe").toString().equals(JSON.valueToTree(recipe).toString()) && whole(folder, there)) {
        return new TaskData(folder, there);
      }
    }
    try {
      DataFolder out = DataFolder.open(folder, overwrite || unfinished(folder));
      return new TaskData(folder, JSON.valueToTree(make(task, source, out, seed, rows, recipe)));
    } catch (DataSetException e) {
      throw e.usage() ? RunException.usage(e.getMessage()) : RunException.failed(e.getMessage(), e);
    } catch (IOException e) {
      throw RunException.failed(folder + ": cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  /**
   * Opens a folder that was prepared, or that a user filled.
   *
   * @throws RunException (usage) when it is of another task  @throws DataException when there is no test split, or a file is not as the manifest says and its rows
   *     are shared between splits
   */
  public static TaskData open(Task task, Path folder) {
    Path file = folder.resolve(DataFolder.MANIFEST);
    JsonNode manifest = Files.isRegularFile(file) ? read(file) : JSON.createObjectNode();
    TaskData data = new TaskData(folder, manifest);
    String of = manifest.path("task").asText(task.name());
    if (!of.equals(task.name()) && !of.equals(task.generator().orElse(""))) {
      throw RunException.usage("--data-dir " + folder + ": holds rows of the task " + of + ", not " + task.name() + "; give the folder that 'graft data prepare --task " + task.name() + "' made");
    } else if (!Files.isRegularFile(data.sft(Split.TEST))) {
      throw new DataException(data.sft(Split.TEST), 0, "no such file; make the folder with 'graft data prepare --task " + task.name() + " --output " + folder + "'");
    } else if (!whole(folder, manifest)) {
      Leakage.check(data);
    }
    return data;
  }

  private static Map<String, Object> make(Task task, TaskSource source, DataFolder out, long seed, int rows, Map<String, Object> recipe) throws IOException {
    int[] counts = counts(task, rows);
    if (generated(task, source)) {
      return DataSetWriter.write(DataSet.make(SyntheticTasks.named(task.generator().orElseThrow()).orElseThrow(), counts, seed), out, Map.of("recipe", recipe));
    }
    Path file = file(task, source);
    Importing importing = task.importing().orElseThrow().with(source.columns());
    SourceRows read = switch (importing.format()) {
      case MEDQA -> MedQaImporter.read(file);
      case AUGMENTED_CLINICAL_NOTES -> NotesImporter.read(file, seed);
      case TABLE -> new TableImporter(file, importing, source.columns().keySet(), TableImporter.labels(task, importing)).read();
    };
    Splitter.checkIds(file, read.rows());
    RowMaker maker = new RowMaker(task, importing, file, seed);
    boolean given = importing.format() == Importing.Format.TABLE && !read.rows().isEmpty() && read.rows().get(0).values().containsKey("split");
    if (given && rows > 0) {
      throw RunException.usage("--n " + rows + ": " + file + " says the split of each row, so all are taken; leave --n out");
    }
    Splitter.Result data = given ? Splitter.given(file, all(read.rows(), maker)) : Splitter.random(file, counts, seed, read, i -> maker.make(read.rows().get(i), i));
    return TaskWriter.write(data, read, recipe, out);
  }

  private static List<TaskRow> all(List<SourceRow> rows, RowMaker maker) {
    List<TaskRow> made = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      made.add(maker.make(rows.get(i), i));
    }
    return made;
  }

  private static Path file(Task task, TaskSource source) {
    return source.file().or(task::file).orElseThrow();
  }

  private static int[] counts(Task task, int rows) {
    int[] counts = Arrays.stream(Split.values()).mapToInt(task.splits()::get).toArray();
    return rows == 0 ? counts : Split.scaled(counts, rows);
  }

  private static boolean generated(Task task, TaskSource source) {
    return source.file().isEmpty() && task.file().isEmpty();
  }

  /** Everything that the rows follow from. */
  private static Map<String, Object> recipe(Task task, TaskSource source, long seed, int rows) {
    Map<String, Object> recipe = new LinkedHashMap<>();
    recipe.put("task", task.name());
    recipe.put("seed", seed);
    Map<String, Object> splits = new LinkedHashMap<>();
    try {
      int[] counts = counts(task, rows);
      for (Split split : Split.values()) {
        splits.put(split.fileName(), counts[split.ordinal()]);
      }
    } catch (DataSetException e) {
      throw RunException.usage(e.getMessage());
    }
    recipe.put("splits", splits);
    if (generated(task, source)) {
      recipe.put("generator", task.generator().orElseThrow(() -> RunException.usage("--task " + task.name() + " has no rows of its own; give a file of them with --source FILE")));
      recipe.put("generator_version", DataFolder.GENERATOR_VERSION);
    } else {
      Importing importing = task.importing().orElseThrow(() -> RunException.usage("--task " + task.name() + ": does not say how a file becomes rows; add an 'import' to " + task.origin()));
      if (importing.format() != Importing.Format.TABLE && !source.columns().isEmpty()) {
        throw RunException.usage("--map is for tables; the task " + task.name() + " reads " + importing.format().id() + ", whose columns are known (your own YAML can read any table)");
      }
      for (String name : source.columns().keySet()) {
        if (!importing.columns().containsKey(name)) {
          throw RunException.usage("--map " + name + "=" + source.columns().get(name) + ": the task has no '" + name + "'; it has " + String.join(", ", importing.columns().keySet()));
        }
      }
      Path file = file(task, source);
      if (!Files.isRegularFile(file)) {
        throw new DataException(file, 0, Files.exists(file) ? "is no regular file; give a file" : "no such file; check the path");
      }
      recipe.put("import", importing.with(source.columns()).json());
      recipe.put("source_bytes", file.toFile().length());
      recipe.put("source_sha256", FileHash.start(file).get());
    }
    return recipe;
  }

  /** Whether all files are there with the bytes that the manifest tells of. */
  private static boolean whole(Path folder, JsonNode manifest) {
    for (String kind : KINDS) {
      for (Split split : Split.values()) {
        String name = kind + "/" + split.fileName() + ".jsonl";
        Path file = folder.resolve(name);
        if (!Files.isRegularFile(file) || !FileHash.start(file).get().equals(manifest.path("files").path(name).path("sha256").asText())) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether all that lies there is a data set whose making was broken off: its folders and no manifest. */
  private static boolean unfinished(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return false;
    }
    try (java.util.stream.Stream<Path> entries = Files.list(folder)) {
      List<String> names = entries.map(entry -> entry.getFileName().toString()).toList();
      return !names.isEmpty() && KINDS.containsAll(names);
    }
  }

  private static JsonNode read(Path manifest) {
    try {
      return JSON.readTree(Files.readString(manifest));
    } catch (IOException e) {
      throw new DataException(manifest, 0, "cannot be read: " + SafeFiles.reason(e) + "; choose another folder, or make the data anew with --overwrite", e);
    }
  }
}
