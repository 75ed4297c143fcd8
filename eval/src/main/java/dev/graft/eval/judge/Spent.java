package dev.graft.eval.judge;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an evaluation has taken so far, over all its processes: kept in {@code eval.json}, written now and then and at the end, so that a
 * resumed one knows. One thread.
 */
final class Spent {
  private static final long EVERY_NANOS = 10_000_000_000L;

  private final Path file;
  private final ObjectNode config;
  private final Map<String, Double> seconds = new LinkedHashMap<>();
  private final Map<String, Long> tokens = new LinkedHashMap<>();
  private final double before;
  private final long start = System.nanoTime();
  private long saved = start;

  /** Begins to count, on top of what {@code config} says. */
  Spent(Path file, ObjectNode config, List<EvalSystem> systems) {
    this.file = file;
    this.config = config;
    JsonNode spent = config.path("spent");
    before = spent.path("seconds").asDouble();
    for (EvalSystem system : systems) {
      seconds.put(system.name(), spent.path("systems").path(system.name()).path("seconds").asDouble());
      tokens.put(system.name(), spent.path("systems").path(system.name()).path("tokens").asLong());
    }
  }

  /** An answer is done. */
  void add(String system, double took, int generated) {
    seconds.merge(system, took, Double::sum);
    tokens.merge(system, (long) generated, Long::sum);
    if (System.nanoTime() - saved >= EVERY_NANOS) {
      save();
    }
  }

  /** Wall time of answering. */
  double seconds() {
    return before + (System.nanoTime() - start) * 1e-9;
  }

  /** For each system, its share of that. */
  Map<String, Double> systemSeconds() {
    return seconds;
  }

  /** For each system, tokens generated. */
  Map<String, Long> systemTokens() {
    return tokens;
  }

  /** Writes {@code eval.json} with what was spent. */
  void save() {
    saved = System.nanoTime();
    ObjectNode spent = config.putObject("spent");
    spent.put("seconds", seconds());
    ObjectNode systems = spent.putObject("systems");
    seconds.forEach((name, value) -> systems.putObject(name).put("seconds", value).put("tokens", tokens.get(name)));
    EvalConfig.write(file, config);
  }
}
