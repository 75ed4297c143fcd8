package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.jna.Memory;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * All weights of a model in f32, to be trained: for pretraining and full fine-tuning. From opening to closing, the model computes with
 * these, whoever asks. Closed by who opened it, before another is opened; see the package about lifetimes and threads.
 */
public final class Weights implements Trainable {
  private final Handle handle;
  private final Handle model;
  private final long parameters;
  private final Map<String, Long> tensors;

  private Weights(Handle model, Handle handle) {
    this.model = model;
    this.handle = handle;
    JsonNode json = handle.with(p -> Calls.json((b, c, needed, m, n) -> GraftLibrary.graft_weights_describe(p, b, c, needed, m, n)));
    this.parameters = json.path("parameters").asLong();
    Map<String, Long> counts = new LinkedHashMap<>();
    json.path("tensors").forEach(tensor -> counts.put(tensor.path("name").asText(), tensor.path("count").asLong()));
    this.tensors = Collections.unmodifiableMap(counts);
  }

  /**
   * Copies the weights of a model in F32, F16 or BF16: 4 bytes a parameter.
   *
   * @throws UsageException when a weight is quantized, or the model's weights are being trained already
   * @throws NativeMemoryException when the memory is not to be had
   */
  public static Weights open(Model model) {
    Objects.requireNonNull(model, "model");
    Handle handle = model.handle().child("set of weights", List.of(), p -> Calls.open((out, m, n) -> GraftLibrary.graft_weights_open(p, out, m, n)),
        GraftLibrary::graft_weights_close);
    try {
      return new Weights(model.handle(), handle);
    } catch (RuntimeException e) {
      handle.close();
      throw e;
    }
  }

  /**
   * Writes the model's file with these weights, whole or not at all.
   *
   * @param type F32, F16, BF16 or Q8_0 for the matrices, norms and biases in F32; or null: each tensor in the type that it had
   * @param name general.name of the file, or null for the source's
   * @throws UsageException when there is no such type
   * @throws NotFiniteException when a weight is not finite, or beyond F16
   * @throws GraftIoException when the file cannot be written
   */
  public void save(Path path, String type, String name) {
    Objects.requireNonNull(path, "path");
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_weights_save(p, Calls.path(path), type, name, m, n)));
  }

  @Override
  public long parameters() {
    return parameters;
  }

  /** Names of all tensors and their elements, matrices first. */
  public Map<String, Long> tensors() {
    return tensors;
  }

  @Override
  public long elements(String tensor) {
    Long count = tensors.get(tensor);
    if (count == null) {
      throw new IllegalArgumentException("the model has no trained tensor '" + tensor + "'");
    }
    return count;
  }

  /**
   * A copy of one tensor, row-major.
   *
   * @throws IllegalArgumentException when there is none of that name
   */
  public float[] get(String tensor) {
    int count = Math.toIntExact(elements(tensor));
    try (Memory values = new Memory(4L * Math.max(1, count))) {
      handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_weights_tensor(p, tensor, 0, values, count, m, n)));
      return values.getFloatArray(0, count);
    }
  }

  /** Ends the training of these; the model computes with its file's weights again once the sessions that have them are closed. */
  @Override
  public void close() {
    handle.close();
  }

  /** The handle, for use with {@code other}. @throws IllegalArgumentException when this was made for another open model */
  Handle handleFor(Model other) {
    if (other.handle() != model) {
      throw new IllegalArgumentException("the weights were opened for another model than " + other.path());
    }
    return handle;
  }
}
