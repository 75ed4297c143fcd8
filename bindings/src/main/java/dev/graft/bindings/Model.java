package dev.graft.bindings;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** A model whose quantized weights stay mapped. Closed by who opened it; see the package about lifetimes and threads. */
public final class Model implements AutoCloseable {
  private final Handle handle;
  private final Path path;
  private final GraftRuntime runtime;
  private final ModelInfo info;

  private Model(Handle handle, Path path, GraftRuntime runtime) {
    this.runtime = runtime;
    this.handle = handle;
    this.path = path;
    this.info = ModelInfo.of(handle.with(p -> Calls.json((b, c, needed, m, n) -> GraftLibrary.graft_model_describe(p, b, c, needed, m, n))));
  }

  /**
   * Opens a GGUF of an architecture that Graft trains (llama, qwen2, qwen3).
   *
   * @throws BadFileException when the file is damaged or not supported
   * @throws GraftIoException when it cannot be read
   */
  public static Model open(GraftRuntime runtime, Path path) {
    Objects.requireNonNull(runtime, "runtime");
    Objects.requireNonNull(path, "path");
    Handle handle = runtime.handle().child("model", List.of(),
        p -> Calls.open((out, m, n) -> GraftLibrary.graft_model_open(p, Calls.path(path), out, m, n)), GraftLibrary::graft_model_close);
    try {
      return new Model(handle, path, runtime);
    } catch (RuntimeException e) {
      handle.close();
      throw e;
    }
  }

  /** What this model is. */
  public ModelInfo info() {
    return info;
  }

  /** What it was opened from. */
  public GraftRuntime runtime() {
    return runtime;
  }

  /** The path it was opened with. */
  public Path path() {
    return path;
  }

  /** Ends the use of this model; its memory goes when everything opened from it is closed. */
  @Override
  public void close() {
    handle.close();
  }

  Handle handle() {
    return handle;
  }
}
