package dev.graft.eval.convert;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.graft.bindings.BadFileException;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A JSON object in a file, and typed access to its fields; whatever does not fit is one line that names file and field. */
public final class JsonFile {
  private static final ObjectMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private final Path path;
  private final JsonNode root;

  private JsonFile(Path path, JsonNode root) {
    this.path = path;
    this.root = root;
  }

  /**
   * Reads a file.
   *
   * @param mostBytes a larger one is refused
   * @throws BadFileException when it is not a JSON object
   */
  public static JsonFile read(Path path, long mostBytes) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new BadFileException(path + ": no such file");
    } else if (Files.size(path) > mostBytes) {
      throw new BadFileException(path + " has " + Files.size(path) + " bytes, more than any such file");
    }
    try {
      JsonNode root = JSON.readTree(path.toFile());
      if (!root.isObject()) {
        throw new BadFileException(path + " is no JSON object");
      }
      return new JsonFile(path, root);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw new BadFileException(path + (at == null ? "" : ":" + at.getLineNr() + ":" + at.getColumnNr()) + ": not JSON: " + e.getOriginalMessage().lines().findFirst().orElse(""), e);
    }
  }

  /** As {@link #read}, or an empty object when there is no such file. */
  public static JsonFile readIfThere(Path path, long mostBytes) throws IOException {
    return Files.exists(path) ? read(path, mostBytes) : new JsonFile(path, JSON.createObjectNode());
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** The object. */
  public JsonNode root() {
    return root;
  }

  /** A field, missing nodes included. */
  public JsonNode get(String field) {
    return root.path(field);
  }

  /** Whether a field is there and not null. */
  public boolean has(String field) {
    return root.hasNonNull(field);
  }

  /** A whole number from 1 to a limit; {@code otherwise} when absent or null, and refused when that is 0. */
  public int positive(String field, int otherwise, int most) {
    JsonNode value = root.path(field);
    if ((value.isMissingNode() || value.isNull()) && otherwise > 0) {
      return otherwise;
    } else if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1 || value.intValue() > most) {
      throw bad(field, value, "expected a whole number from 1 to " + most);
    }
    return value.intValue();
  }

  /** A positive finite number; {@code otherwise} when absent or null. */
  public double number(String field, double otherwise) {
    return number(field, root.path(field), otherwise);
  }

  /** As {@link #number(String, double)}, of a node deeper in the file. @param field its name, for messages */
  public double number(String field, JsonNode value, double otherwise) {
    if (value.isMissingNode() || value.isNull()) {
      return otherwise;
    } else if (!value.isNumber() || !(value.doubleValue() > 0) || !Float.isFinite(value.floatValue())) {
      throw bad(field, value, "expected a positive number");
    }
    return value.doubleValue();
  }

  /** Refuses a field. */
  public BadFileException bad(String field, JsonNode value, String expected) {
    return new BadFileException(path + ": " + field + " is " + (value.isMissingNode() ? "missing" : SafetensorsFile.shown(value.toString())) + "; " + expected);
  }
}
