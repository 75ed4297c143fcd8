package dev.graft.eval.study;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.eval.report.StudyResults;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What a study tells of its model and its machine. Stateless. */
final class Surroundings {
  private Surroundings() {}

  static StudyResults.Model model(Model model, String sha256) {
    return new StudyResults.Model(model.path().getFileName().toString(), sha256, model.info().fileBytes(), model.info().architecture(), type(model.path()), model.info().parameters());
  }

  /** The type of most weights. */
  private static String type(Path file) {
    Map<String, Long> counts = new TreeMap<>();
    try (GgufFile gguf = GgufFile.open(file)) {
      for (JsonNode tensor : gguf.describe(1).path("tensors")) {
        long count = 1;
        for (JsonNode size : tensor.path("shape")) {
          count *= size.asLong();
        }
        counts.merge(tensor.path("type").asText().toUpperCase(Locale.ROOT), count, Long::sum);
      }
    }
    return counts.entrySet().stream().max(Map.Entry.comparingByValue()).map(Map.Entry::getKey).orElse(null);
  }

  static StudyResults.Machine machine(GraftRuntime runtime) {
    Long memory = field("/proc/meminfo", "MemTotal").map(text -> 1024 * Long.parseLong(text.replace("kB", "").strip())).orElse(null);
    return new StudyResults.Machine(field("/proc/cpuinfo", "model name").orElse(null), Runtime.getRuntime().availableProcessors(), runtime.info().isa(), runtime.info().device(),
        runtime.info().threads(), memory, System.getProperty("os.name") + " " + System.getProperty("os.arch"), System.getProperty("java.version"));
  }

  /** What follows "name :" on the first such line; empty where the system has no such file. */
  private static Optional<String> field(String file, String name) {
    try {
      return Files.readAllLines(Path.of(file)).stream().filter(line -> line.startsWith(name)).findFirst().map(line -> line.substring(line.indexOf(':') + 1).strip());
    } catch (IOException | RuntimeException e) {
      return Optional.empty();
    }
  }
}
