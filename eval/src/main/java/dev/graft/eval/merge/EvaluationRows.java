package dev.graft.eval.merge;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.BadFileException;
import dev.graft.eval.convert.JsonFile;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.data.Example;
import dev.graft.trainer.data.PreferenceExample;
import dev.graft.trainer.data.SftExample;
import dev.graft.trainer.run.RowSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows on which the cost of a merge is measured, and how they are read.
 *
 * @param data the file
 * @param template how text becomes a prompt
 * @param maxLength most tokens of a row, 0 for the model's context
 * @param trainOnPrompts prompts count too
 * @param beta of DPO's loss, for rows of preferences
 */
public record EvaluationRows(Path data, String template, int maxLength, boolean trainOnPrompts, double beta) {
  private static final long MOST_CONFIG_BYTES = 64 << 20;
  private static final double BETA = 0.1;

  /** Rows that the user named. */
  public static EvaluationRows of(Path data, String template) {
    return new EvaluationRows(data, template, 0, false, BETA);
  }

  /**
   * What a training run left.
   *
   * @param model the base that it named  @param adapter what it made
   * @param rows its evaluation rows, null when it had none
   */
  public record Run(Path model, Path adapter, EvaluationRows rows) {}

  /** Reads a run's {@code config.json}. @throws BadFileException when the folder is none of a run */
  public static Run ofRun(Path folder) throws IOException {
    JsonFile config = JsonFile.read(folder.resolve("config.json"), MOST_CONFIG_BYTES);
    JsonNode model = config.get("files").path("model").path("path");
    if (!model.isTextual()) {
      throw config.bad("files.model", model, "expected the config.json of graft sft or graft dpo");
    }
    JsonNode options = config.get("options");
    JsonNode data = config.get("files").path("eval-data").path("path");
    EvaluationRows rows = !data.isTextual() ? null : new EvaluationRows(Path.of(data.asText()), options.path("template").asText("auto"),
        Math.max(0, options.path("max-length").asInt(0)), options.path("train-on-prompts").asBoolean(false), options.path("beta").asDouble(BETA));
    return new Run(Path.of(model.asText()), folder.resolve("adapter.gguf"), rows);
  }

  /** The run that an adapter lies in, as {@code adapter.gguf} or {@code best/adapter.gguf}; null when it lies elsewhere or the rows are gone. */
  public static Run around(Path adapter) {
    Path folder = adapter.toAbsolutePath().normalize().getParent();
    if (folder != null && folder.getFileName() != null && folder.getFileName().toString().equals("best")) {
      folder = folder.getParent();
    }
    try {
      Run run = folder != null && Files.isRegularFile(folder.resolve("config.json")) ? ofRun(folder) : null;
      return run != null && run.rows != null && Files.isRegularFile(run.rows.data) ? run : null;
    } catch (IOException | BadFileException e) {
      return null;
    }
  }

  /**
   * Reads them.
   *
   * @param most rows, spread evenly over the file; 0 for all
   * @throws BadFileException when there are none with anything to predict
   */
  List<Example> read(Path model, int vocabulary, int context, int most) {
    try (RowSource source = RowSource.open(model, vocabulary, template)) {
      Dataset rows = source.read(data, Dataset.Kind.ANY, maxLength > 0 ? maxLength : context, false, trainOnPrompts);
      List<Example> all = rows.examples().stream().filter(EvaluationRows::counts).toList();
      if (all.isEmpty()) {
        throw new BadFileException(data + ": no row has an answer to predict; see 'graft preview'");
      } else if (most == 0 || all.size() <= most) {
        return all;
      }
      List<Example> some = new ArrayList<>();
      for (int i = 0; i < most; i++) {
        some.add(all.get((int) ((long) i * all.size() / most)));
      }
      return some;
    }
  }

  private static boolean counts(Example example) {
    return example instanceof SftExample row && row.targets() > 0
        || example instanceof PreferenceExample pair && pair.chosen().length > 0 && pair.rejected().length > 0;
  }
}
