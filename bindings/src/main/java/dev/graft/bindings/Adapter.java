package dev.graft.bindings;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/** A LoRA adapter of one model, in llama.cpp's file layout. Closed by who made it; see the package about lifetimes and threads. */
public final class Adapter implements Trainable {
  private final Handle handle;
  private final Handle model;
  private final AdapterInfo info;

  private Adapter(Handle model, Handle handle) {
    this.model = model;
    this.handle = handle;
    this.info = AdapterInfo.of(handle.with(p -> Calls.json((b, c, needed, m, n) -> GraftLibrary.graft_adapter_describe(p, b, c, needed, m, n))));
  }

  /**
   * Makes a new adapter: A Kaiming-uniform, B zero, so that it changes nothing yet.
   *
   * @throws UsageException when rank, alpha or targets do not fit the model
   */
  public static Adapter create(Model model, LoraSpec spec) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(spec, "spec");
    return opened(model.handle(), p -> Calls.open((out, m, n) ->
        GraftLibrary.graft_adapter_create(p, spec.rank(), spec.alpha(), spec.rslora() ? 1 : 0, spec.targets(), spec.seed(), out, m, n)));
  }

  /**
   * Reads an adapter in F32, F16 or BF16 with any subset of targets.
   *
   * @throws BadFileException when it is damaged or made for another model
   * @throws GraftIoException when it cannot be read
   */
  public static Adapter open(Model model, Path path) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(path, "path");
    return opened(model.handle(), p -> Calls.open((out, m, n) -> GraftLibrary.graft_adapter_open(p, Calls.path(path), out, m, n)));
  }

  private static Adapter opened(Handle model, Function<Pointer, Pointer> open) {
    Handle handle = model.child("adapter", List.of(), open, GraftLibrary::graft_adapter_close);
    try {
      return new Adapter(model, handle);
    } catch (RuntimeException e) {
      handle.close();
      throw e;
    }
  }

  /** An independent copy, which the caller closes. */
  public Adapter copy() {
    return opened(model, p -> Calls.open((out, m, n) -> GraftLibrary.graft_adapter_clone(handle.pointer(), out, m, n)));
  }

  /**
   * Writes the adapter in F32, whole or not at all.
   *
   * @param name general.name of the file, may be null
   * @throws GraftIoException when it cannot be written
   */
  public void save(Path path, String name) {
    Objects.requireNonNull(path, "path");
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_adapter_save(p, Calls.path(path), name, m, n)));
  }

  @Override
  public long parameters() {
    return info.parameters();
  }

  @Override
  public long elements(String tensor) {
    return info.elements(tensor);
  }

  /** Ranks, scale and tensors; they never change. */
  public AdapterInfo info() {
    return info;
  }

  /**
   * A copy of one tensor, row-major.
   *
   * @throws IllegalArgumentException when there is none of that name
   */
  public float[] get(String name) {
    int count = Math.toIntExact(info.elements(name));
    try (Memory values = new Memory(4L * Math.max(1, count))) {
      handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_adapter_tensor(p, name, 0, values, count, m, n)));
      return values.getFloatArray(0, count);
    }
  }

  /**
   * Overwrites one tensor.
   *
   * @throws IllegalArgumentException when there is none of that name, or it has another number of elements
   */
  public void set(String name, float[] values) {
    Objects.requireNonNull(values, "values");
    long count = info.elements(name);
    if (values.length != count) {
      throw new IllegalArgumentException("the tensor '" + name + "' has " + count + " elements, not " + values.length);
    }
    try (Memory memory = new Memory(4L * Math.max(1, count))) {
      memory.write(0, values, 0, values.length);
      handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_adapter_tensor(p, name, 1, memory, count, m, n)));
    }
  }

  /** Ends the use of this adapter; its memory goes when the sessions and generators that have it are closed. */
  @Override
  public void close() {
    handle.close();
  }

  /** The handle, for use with {@code other}. @throws IllegalArgumentException when this was made for another open model */
  Handle handleFor(Model other) {
    if (other.handle() != model) {
      throw new IllegalArgumentException("the adapter was opened for another model than " + other.path());
    }
    return handle;
  }
}
