package dev.graft.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.RuntimeInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** {@code config.json}: everything resolved, with versions and hashes; and what a resumed run may change of it. */
final class RunConfig {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** These never change what is learnt. */
  private static final Set<String> FREE = Set.of("save-steps", "save-total-limit", "eval-steps", "early-stopping-patience", "load-best", "epochs", "max-steps");

  /** These change the order of additions, so the last bits. */
  private static final Set<String> ROUNDING = Set.of("micro-batch-tokens", "recompute");

  private RunConfig() {}

  /** Builds the tree; hashes not yet known are null. */
  static ObjectNode build(Task task, RunOptions options, RuntimeInfo runtime, Map<String, FileHash> hashes, RunPlan plan, JsonNode model, Trained trained,
      JsonNode dataReport) {
    ObjectNode root = JSON.createObjectNode();
    root.put("command", task.command());
    root.put("version", GraftRuntime.nativeVersion());
    root.put("java", System.getProperty("java.version"));
    root.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    ObjectNode files = root.putObject("files");
    file(files, "model", options.files().model(), hashes);
    file(files, "data", options.files().data(), hashes);
    file(files, "eval-data", options.files().evalData(), hashes);
    file(files, "init-adapter", options.files().initAdapter(), hashes);
    task.files().forEach((name, path) -> file(files, name, path, hashes));
    root.set("options", flags(options, task));
    root.set("runtime", JSON.valueToTree(Map.of("device", runtime.device(), "isa", runtime.isa(), "threads", runtime.threads(), "describe", runtime.describe())));
    root.set("model", model);
    root.set(trained.adapter() != null ? "adapter" : "weights", trained.describe());
    root.set("data_report", dataReport);
    root.set("plan", JSON.valueToTree(plan));
    return root;
  }

  private static ObjectNode flags(RunOptions options, Task task) {
    ObjectNode flags = JSON.valueToTree(options.flags());
    flags.setAll((ObjectNode) JSON.valueToTree(task.flags()));
    return flags;
  }

  private static void file(ObjectNode files, String name, Path path, Map<String, FileHash> hashes) {
    if (path == null) {
      files.putNull(name);
      return;
    }
    ObjectNode node = files.putObject(name);
    node.put("path", path.toAbsolutePath().normalize().toString());
    node.put("bytes", path.toFile().length());
    node.put("sha256", hashes.get(name).now());
  }

  static void write(Path file, ObjectNode config) {
    try {
      SafeFiles.writeText(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n");
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e), e);
    }
  }

  static JsonNode read(Path file) {
    try {
      return JSON.readTree(Files.readString(file));
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read, so the run cannot be resumed: " + SafeFiles.reason(e), e);
    }
  }

  /** What a flag was in runs that are older than the flag. */
  private static String younger(String flag, JsonNode now) {
    return flag.equals("adam-beta2") ? "0.999" : now.isBoolean() ? "false" : now.isNull() ? "null" : "";
  }

  /**
   * Refuses a resume whose flags would learn something else, naming each difference.
   *
   * @return sentences about differences that are allowed but change the last bits
   */
  static List<String> checkFlags(JsonNode before, RunOptions options, Task task, RuntimeInfo runtime) {
    String command = before.path("command").asText();
    if (!command.equals(task.command())) {
      throw RunException.usage("--resume: this run was started with graft " + command + "; go on with that, or give another --output");
    }
    ObjectNode flags = flags(options, task);
    List<String> refused = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    for (Map.Entry<String, JsonNode> now : flags.properties()) {
      String was = before.path("options").path(now.getKey()).asText(younger(now.getKey(), now.getValue()));
      if (was.equals(now.getValue().asText()) || FREE.contains(now.getKey()) || task.freeFlags().contains(now.getKey())) {
        continue;
      }
      String change = "--" + now.getKey() + " " + now.getValue().asText() + " (it was " + was + ")";
      (ROUNDING.contains(now.getKey()) || task.roundingFlags().contains(now.getKey()) ? notes : refused).add(change);
    }
    for (String name : new String[] {"isa", "threads", "device"}) {
      String now = Map.of("isa", runtime.isa(), "threads", "" + runtime.threads(), "device", runtime.device()).get(name);
      String was = before.path("runtime").path(name).asText();
      if (!was.equals(now)) {
        notes.add(name + " " + now + " (it was " + was + ")");
      }
    }
    if (!refused.isEmpty()) {
      throw RunException.usage("--resume: this run was started otherwise: " + String.join(", ", refused) + "; give the old values, or another --output");
    }
    return notes;
  }

  /** Refuses a resume that would train other steps on another schedule. */
  static void checkSteps(JsonNode before, RunOptions options, long steps) {
    long was = before.path("plan").path("steps").asLong();
    if (was != steps && options.optimizer().schedule() != Schedule.CONSTANT) {
      throw RunException.usage("--resume: " + steps + " steps now, " + was + " before, and the " + options.optimizer().schedule().flag()
          + " schedule depends on that; give the old --max-steps or --epochs, or start anew with --init-adapter");
    }
  }

  /** Refuses a resume with other files, by their SHA-256; waits for the hashes. */
  static void checkFiles(JsonNode before, Task task, Map<String, FileHash> hashes) {
    Set<String> names = new LinkedHashSet<>(List.of("model", "data", "eval-data", "init-adapter"));
    names.addAll(task.files().keySet());
    for (String name : names) {
      JsonNode was = before.path("files").path(name);
      String now = hashes.containsKey(name) ? hashes.get(name).get() : null;
      boolean known = was.path("sha256").isTextual();
      boolean same = was.isObject() == (now != null) && (!known || was.path("sha256").asText().equals(now));
      if (!same) {
        throw RunException.usage("--resume: --" + name + " is not the file that this run was started with"
            + (was.isObject() ? " (" + was.path("path").asText() + ", SHA-256 " + abbreviate(was.path("sha256").asText()) + ")" : " (there was none)")
            + "; give that one, or another --output");
      }
    }
  }

  private static String abbreviate(String hash) {
    return hash.length() > 12 ? hash.substring(0, 12) + "..." : hash;
  }
}
