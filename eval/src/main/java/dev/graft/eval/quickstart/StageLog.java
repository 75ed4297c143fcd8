package dev.graft.eval.quickstart;

import dev.graft.eval.process.Stage;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** {@code stages.json}: what each stage took, so that a quickstart that was interrupted tells of the whole. One thread. */
public final class StageLog {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final ObjectNode stages;

  /** Reads what is there. */
  public StageLog(Path file) {
    this.file = file;
    ObjectNode read = JSON.createObjectNode();
    if (Files.exists(file)) {
      try {
        read = JSON.readTree(file.toFile()) instanceof ObjectNode object ? object : read;
      } catch (IOException e) {
        read = JSON.createObjectNode(); // only for the table
      }
    }
    stages = read;
  }

  /** Adds a stage's time, over all its starts; and keeps its highest memory. @param report what the command printed with --json, may be missing */
  public void add(Stage stage, double seconds, JsonNode report) throws IOException {
    ObjectNode node = stages.withObject("/" + stage.name());
    node.put("seconds", node.path("seconds").asDouble(0) + seconds);
    node.put("peak_memory_bytes", Math.max(node.path("peak_memory_bytes").asLong(0), report.path("peak_memory_bytes").asLong(0)));
    SafeFiles.writeText(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(stages) + "\n");
  }

  /** "12.3 s, 182 MiB", or "-" for a stage that is not there. */
  public String told(String name) {
    JsonNode node = stages.path(name);
    if (node.isMissingNode()) {
      return "-";
    }
    long bytes = node.path("peak_memory_bytes").asLong();
    return String.format(Locale.ROOT, "%6.1f s%s", node.path("seconds").asDouble(), bytes == 0 ? "" : String.format(Locale.ROOT, ", %4d MiB", bytes >> 20));
  }

  /** Seconds of all these stages. */
  public double seconds(List<Stage> of) {
    return of.stream().mapToDouble(stage -> stages.path(stage.name()).path("seconds").asDouble()).sum();
  }
}
