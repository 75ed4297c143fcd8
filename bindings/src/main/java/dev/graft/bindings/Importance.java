package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.jna.Memory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * An importance matrix: for each weight, the mean square of every column of its input over some text. Made by {@link TrainingSession#observe}, or read from a
 * file of llama.cpp's (its binary format, or GGUF); used by {@link ModelQuantizer}. Any thread; calls are made one at a time.
 */
public final class Importance implements AutoCloseable {
  private final Handle handle;

  /**
   * What is known of one weight.
   *
   * @param name of the weight's tensor
   * @param columns numbers held, one for each column of its input
   * @param tokens that went through it (in the binary format, which does not say: batches)
   * @param mean over all columns
   * @param largest of all columns
   */
  public record Entry(String name, long columns, long tokens, double mean, double largest) {}

  private Importance(Handle handle) {
    this.handle = handle;
  }

  /** An empty one, to be filled with a session of any model. */
  public static Importance create() {
    return opened(null);
  }

  /**
   * Reads a file.
   *
   * @throws BadFileException when it is missing, damaged, or holds numbers that are negative or not finite
   */
  public static Importance open(Path path) {
    return opened(Calls.path(Objects.requireNonNull(path, "path")));
  }

  private static Importance opened(String path) {
    return new Importance(
        Handle.root("importance matrix", () -> Calls.open((out, m, n) -> GraftLibrary.graft_importance_open(path, out, m, n)), GraftLibrary::graft_importance_close));
  }

  /**
   * Writes it, whole or not at all: {@code .dat} in llama.cpp's binary format, any other name as GGUF.
   *
   * @param source what it was made from, kept in the file
   * @throws UsageException when it is empty
   * @throws GraftIoException when the file cannot be written
   */
  public void save(Path path, String source) {
    Objects.requireNonNull(path, "path");
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_importance_save(p, Calls.path(path), source, m, n)));
  }

  /** All weights, by name. @throws NotFiniteException when activations were not finite */
  public List<Entry> entries() {
    List<Entry> entries = new ArrayList<>();
    for (JsonNode entry : describe().path("entries")) {
      entries.add(new Entry(entry.path("name").asText(), entry.path("columns").asLong(), entry.path("tokens").asLong(), entry.path("mean").asDouble(),
          entry.path("largest").asDouble()));
    }
    return List.copyOf(entries);
  }

  /** Tokens seen while it was made; 0 of a file that was read. */
  public long tokens() {
    return describe().path("tokens").asLong();
  }

  /** Mean squares of a weight's columns. @throws UsageException when there are none, or not so many */
  public float[] values(String weight, int columns) {
    try (Memory values = new Memory(4L * Math.max(1, columns))) {
      handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_importance_values(p, weight, values, columns, m, n)));
      return values.getFloatArray(0, columns);
    }
  }

  private JsonNode describe() {
    return handle.with(p -> Calls.json((b, c, needed, m, n) -> GraftLibrary.graft_importance_describe(p, b, c, needed, m, n)));
  }

  Handle handle() {
    return handle;
  }

  /** Ends the use of this object; sessions and quantizers that have it keep what they need. */
  @Override
  public void close() {
    handle.close();
  }
}
