package dev.graft.eval.judge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GraftRuntime;
import dev.graft.trainer.run.FileHash;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code eval.json}: everything that answers and verdicts follow from, so that they can be repeated, and resumed with nothing else. */
final class EvalConfig {
  private static final ObjectMapper JSON = new ObjectMapper();

  private EvalConfig() {}

  /** Starts hashing every file that answers depend on. */
  static Map<String, FileHash> hashes(EvalOptions options) {
    Map<String, FileHash> hashes = new LinkedHashMap<>();
    files(options).forEach((name, file) -> hashes.put(name, FileHash.start(file)));
    return hashes;
  }

  private static Map<String, Path> files(EvalOptions options) {
    Map<String, Path> files = new LinkedHashMap<>();
    files.put("model", options.model());
    files.put("data", options.data());
    for (EvalSystem system : options.systems()) {
      if (system.adapter() != null) {
        files.put("adapter " + system.name(), system.adapter());
      }
    }
    return files;
  }

  /** Builds the tree; waits for the hashes. */
  static ObjectNode build(EvalOptions options, Map<String, FileHash> hashes, Map<String, Object> runtime, ZonedDateTime clock) {
    ObjectNode root = JSON.createObjectNode();
    root.put("command", "eval");
    root.put("version", GraftRuntime.nativeVersion());
    root.put("java", System.getProperty("java.version"));
    root.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    ObjectNode files = root.putObject("files");
    files(options).forEach((name, path) ->
        files.putObject(name).put("path", path.toAbsolutePath().normalize().toString()).put("bytes", path.toFile().length()).put("sha256", hashes.get(name).get()));
    root.set("options", flags(options));
    root.set("runtime", JSON.valueToTree(runtime));
    root.put("template_clock", clock.toString());
    return root;
  }

  /** What a resumed run may not change. */
  private static ObjectNode flags(EvalOptions options) {
    ObjectNode flags = JSON.createObjectNode();
    ArrayNode systems = flags.putArray("systems");
    options.systems().forEach(system -> systems.add(system.name()));
    options.task().ifPresent(task -> flags.put("task", task.name()).set("outcomes", JSON.valueToTree(task.outcomes().stream().map(outcome -> outcome.json()).toList())));
    flags.set("labels", JSON.valueToTree(options.labels()));
    if (!options.judge().isEmpty()) {
      flags.put("judge", options.judge());
    }
    flags.put("max-tokens", options.maxTokens());
    flags.put("template", options.template());
    flags.put("engine", options.llama() ? "llama.cpp" : "native");
    flags.put("seed", options.generate().seed());
    flags.put("temperature", options.generate().sampling().temperature());
    flags.set("stop", JSON.valueToTree(options.generate().stop()));
    return flags;
  }

  static void write(Path file, Object tree) {
    try {
      SafeFiles.writeText(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(tree) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write " + file + " as JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  static ObjectNode read(Path file) {
    try {
      if (JSON.readTree(Files.readString(file)) instanceof ObjectNode config) {
        return config;
      }
      throw RunException.badData(file + ": is no JSON object, so the evaluation cannot be resumed; start anew with --overwrite", null);
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read, so the evaluation cannot be resumed: " + SafeFiles.reason(e) + "; start anew with --overwrite", e);
    }
  }

  /** The clock that templates saw. */
  static ZonedDateTime clock(Path file, JsonNode config) {
    try {
      return ZonedDateTime.parse(config.path("template_clock").asText());
    } catch (DateTimeException e) {
      throw RunException.badData(file + ": has no template_clock, so the evaluation cannot be resumed; start anew with --overwrite", e);
    }
  }

  /**
   * Refuses a resume that would answer or judge otherwise, naming each difference.
   *
   * @return sentences about differences that may change the last bits
   */
  static List<String> check(JsonNode before, EvalOptions options, Map<String, FileHash> hashes, Map<String, Object> runtime) {
    List<String> refused = new ArrayList<>();
    flags(options).properties().forEach(flag -> {
      JsonNode was = before.path("options").path(flag.getKey());
      if (!was.toString().equals(flag.getValue().toString())) {
        refused.add(flag.getKey() + " " + flag.getValue() + " (it was " + (was.isMissingNode() ? "not said" : was) + ")");
      }
    });
    files(options).forEach((name, path) -> {
      JsonNode was = before.path("files").path(name);
      if (!was.isMissingNode() && !was.path("sha256").asText().equals(hashes.get(name).get())) {
        refused.add(name + " " + path + " is another file than " + was.path("path").asText() + " was");
      }
    });
    if (!refused.isEmpty()) {
      throw RunException.usage("--resume: this evaluation was started otherwise: " + String.join(", ", refused) + "; give the old values, or another --output");
    }
    List<String> notes = new ArrayList<>();
    runtime.forEach((name, now) -> {
      String was = before.path("runtime").path(name).asText();
      if (!was.equals(String.valueOf(now))) {
        notes.add(name + " " + now + " (it was " + was + ")");
      }
    });
    return notes;
  }
}
