package dev.graft.eval.cli;

import dev.graft.eval.synthetic.Split;
import dev.graft.eval.task.Task;
import dev.graft.eval.task.TaskData;
import dev.graft.eval.task.TaskSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft data prepare}. */
@Command(
    name = "prepare",
    customSynopsis = "graft data prepare --task T --output DIR [--source FILE] [--map NAME=COLUMN ...] [--n N] [--seed S] [--overwrite]",
    description = "Makes a task's rows, in splits that share nothing, out of its generator or out of your own file.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  graft data prepare --task uti --output data/uti                                        synthetic notes",
      "  graft data prepare --task uti --source notes.xlsx --map passage=Text --map label=UTI --output data/mine",
      "  graft data prepare --task reasoning --source US_qbank.jsonl --output data/medqa        MedQA's questions of steps 2 and 3",
      "  graft data prepare --task summary --source augmented_notes_30K.jsonl --output data/notes",
      "  graft data prepare --task mine.yaml --output data/mine                                 a task of your own",
      "",
      "Files are CSV (comma, semicolon or tab), XLSX or JSONL with the columns that 'graft data tasks T' names; a column 'split' (train,",
      "eval, dev, test) is obeyed, else chance (--seed) decides. Rows that are the same or nearly alike to a row of another split are left",
      "out; where the file itself puts such rows into different splits, that is an error. DIR holds sft/{train,eval,dev,test}.jsonl,",
      "dpo/{train,eval,dev,test}.jsonl and manifest.json; the same command finds them there and does nothing."
    })
final class DataPrepareCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--task", required = true, paramLabel = "T", description = "A shipped task (uti, reasoning, summary, triage), or the path of your own .yaml. Required.")
  String task;

  @Option(names = "--output", required = true, paramLabel = "DIR", description = "The folder to write. Required.")
  Path output;

  @Option(names = "--source", paramLabel = "FILE", description = "Your own rows. Default: what the task names itself, its generator or file.")
  Path source;

  @Option(names = "--map", paramLabel = "NAME=COLUMN", arity = "1", description = "The file's column for a name of the task; may be given several times. Default: as the task says.")
  List<String> map = new ArrayList<>();

  @Option(names = "--n", paramLabel = "N", description = "Rows in all; the splits keep the task's shares. Default: the task's counts.")
  Integer n;

  @Option(names = "--overwrite", description = "Replaces a data set that is in DIR; other files there stay. Default: off.")
  boolean overwrite;

  @Override
  public Integer call() {
    if (n != null && n < 1) {
      throw CliException.usage("--n " + n + " must be at least 1");
    }
    long start = System.nanoTime();
    Task loaded = Task.load(task);
    TaskData data = TaskData.prepare(loaded, new TaskSource(Optional.ofNullable(source), columns(map)), output, common.seed(), n == null ? 0 : n, overwrite);
    if (common.json()) {
      common.printJson(data.manifest());
    } else {
      common.note(String.format(Locale.ROOT, "%s: %s rows of task %s (%s), seed %d, %.1f s", output, data.manifest().path("rows").asText(), loaded.name(), splits(data), common.seed(),
          (System.nanoTime() - start) * 1e-9));
      left(data).ifPresent(common::note);
    }
    return ExitCode.DONE;
  }

  /** The names and columns of {@code NAME=COLUMN}. */
  static Map<String, String> columns(List<String> map) {
    Map<String, String> columns = new LinkedHashMap<>();
    for (String flag : map) {
      int equals = flag.indexOf('=');
      if (equals < 1 || equals == flag.length() - 1) {
        throw CliException.usage("--map " + flag + ": give NAME=COLUMN, such as passage=Text");
      } else if (columns.put(flag.substring(0, equals).strip(), flag.substring(equals + 1).strip()) != null) {
        throw CliException.usage("--map " + flag + ": '" + flag.substring(0, equals).strip() + "' is there twice");
      }
    }
    return columns;
  }

  private static String splits(TaskData data) {
    List<String> splits = new ArrayList<>();
    for (Split split : Split.values()) {
      splits.add(split.fileName() + " " + data.manifest().path("splits").path(split.fileName()).asText());
    }
    return String.join(", ", splits);
  }

  /** What of a file was left out. */
  private static Optional<String> left(TaskData data) {
    List<String> left = new ArrayList<>();
    data.manifest().path("left_out").properties().forEach(why -> left.add(why.getValue().asText() + " " + why.getKey()));
    int same = data.manifest().path("near_duplicates").path("left_out_as_same").asInt();
    int near = data.manifest().path("near_duplicates").path("left_out_as_near").asInt();
    if (same > 0) {
      left.add(same + " the same as another");
    }
    if (near > 0) {
      left.add(near + " nearly alike to one of another split");
    }
    return left.isEmpty() ? Optional.empty() : Optional.of("left out of " + data.manifest().path("rows_read").asText() + ": " + String.join(", ", left));
  }
}
