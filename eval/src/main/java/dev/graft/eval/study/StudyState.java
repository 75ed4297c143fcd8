package dev.graft.eval.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * {@code study.json}: what the study was started with, and each stage that is done with what it took and gave. Written whole after each stage, so that a
 * study killed at any moment repeats no finished one. One thread.
 */
public final class StudyState {
  /** Its name in the study's folder. */
  public static final String NAME = "study.json";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FORMAT = 1;

  private final Path file;
  private final ObjectNode root;

  private StudyState(Path file, ObjectNode root) {
    this.file = file;
    this.root = root;
  }

  /**
   * Opens what is there, or begins.
   *
   * @param settings everything that results follow from, by name
   * @throws RunException (usage) naming what differs when the study there was started with other settings
   */
  public static StudyState open(Path folder, Map<String, Object> settings) {
    Path file = folder.resolve(NAME);
    JsonNode asked = tree(settings);
    if (Files.exists(file)) {
      ObjectNode root = read(file);
      List<String> other = differences(root.path("settings"), asked);
      if (!other.isEmpty()) {
        throw RunException.usage("--output " + folder + ": the study there was started otherwise: " + String.join(", ", other) + "; give the old values, or another --output");
      }
      return new StudyState(file, root);
    }
    ObjectNode root = JSON.createObjectNode();
    root.put("format", FORMAT);
    root.put("started", now());
    root.set("settings", asked);
    root.putObject("stages");
    StudyState state = new StudyState(file, root);
    state.write();
    return state;
  }

  /** As it would be read again, so that numbers compare. */
  private static JsonNode tree(Map<String, Object> settings) {
    try {
      return JSON.readTree(JSON.writeValueAsString(settings));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("settings as JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static ObjectNode read(Path file) {
    try {
      if (JSON.readTree(Files.readString(file)) instanceof ObjectNode root && root.path("format").asInt() == FORMAT && root.path("stages").isObject()) {
        return root;
      }
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read: " + SafeFiles.reason(e).lines().findFirst().orElse("") + "; name another --output", e);
    }
    throw RunException.badData(file + ": is not the state of a study of this version of Graft; name another --output", null);
  }

  /** "rates [1e-3] (it was [1e-4])" for each that differs. */
  private static List<String> differences(JsonNode was, JsonNode now) {
    List<String> differ = new ArrayList<>();
    now.properties().forEach(entry -> {
      JsonNode old = was.path(entry.getKey());
      if (!old.equals(entry.getValue())) {
        differ.add(entry.getKey() + " " + brief(entry.getValue()) + " (it was " + (old.isMissingNode() ? "not said" : brief(old)) + ")");
      }
    });
    was.fieldNames().forEachRemaining(name -> {
      if (!now.has(name)) {
        differ.add("no " + name + " (it was " + brief(was.path(name)) + ")");
      }
    });
    return differ;
  }

  private static String brief(JsonNode value) {
    String text = value.isTextual() ? value.asText() : value.toString();
    return text.matches("[0-9a-f]{64}") ? text.substring(0, 12) + "..." : text;
  }

  static String now() {
    return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** When the study was first started, ISO-8601. */
  public String started() {
    return root.path("started").asText();
  }

  /** When its last stage ended, or null while there is more to do. */
  public String finished() {
    return root.path("finished").asText(null);
  }

  /** Notes the end, once. */
  public void finish() {
    if (!root.has("finished")) {
      root.put("finished", now());
      write();
    }
  }

  /** What the study was started with. */
  public JsonNode settings() {
    return root.path("settings");
  }

  /** What a finished stage left; a missing node when it is not done. */
  public JsonNode done(String stage) {
    JsonNode node = root.path("stages").path(stage);
    return node.path("done").asBoolean() ? node : MissingNode.getInstance();
  }

  /** What all finished stages of these names left. */
  public List<JsonNode> done(Predicate<String> names) {
    List<JsonNode> done = new ArrayList<>();
    root.path("stages").properties().forEach(entry -> {
      if (names.test(entry.getKey()) && entry.getValue().path("done").asBoolean()) {
        done.add(entry.getValue());
      }
    });
    return done;
  }

  /** What is known of a stage, done or not. */
  public JsonNode of(String stage) {
    return root.path("stages").path(stage);
  }

  /** Counts the time of a stage under way, over all starts. */
  public void spent(String stage, double seconds) {
    ObjectNode node = node(stage);
    node.put("seconds", Math.round((node.path("seconds").asDouble() + seconds) * 1000) / 1000.0);
    write();
  }

  /** A stage is done. @param seconds more, since the last {@link #spent}  @param result what it gave; its fields are kept with the stage's */
  public void finish(String stage, double seconds, ObjectNode result) {
    ObjectNode node = node(stage);
    node.put("seconds", Math.round((node.path("seconds").asDouble() + seconds) * 1000) / 1000.0);
    node.setAll(result);
    node.put("done", true);
    write();
  }

  private ObjectNode node(String stage) {
    return ((ObjectNode) root.get("stages")).withObjectProperty(stage);
  }

  private void write() {
    try {
      SafeFiles.writeText(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    } catch (IOException e) {
      throw RunException.failed(file + ": cannot be written: " + SafeFiles.reason(e) + "; make room, then start again: what is done is kept", e);
    }
  }
}
