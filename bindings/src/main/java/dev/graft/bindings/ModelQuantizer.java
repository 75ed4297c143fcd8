package dev.graft.bindings;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.ToIntFunction;

/**
 * Writes a GGUF again with other weight types, byte for byte as llama-quantize of llama.cpp b4916 would, in bounded memory. Metadata is carried over whole. Closed
 * by who made it; before the end that leaves nothing of the new file. One thread at a time.
 */
public final class ModelQuantizer implements AutoCloseable {
  private final GgufFile source;
  private final Handle handle;
  private final QuantizePlan plan;
  private long doneBytes;
  private boolean finished;

  private ModelQuantizer(GgufFile source, Handle handle) {
    this.source = source;
    this.handle = handle;
    this.plan = QuantizePlan.of(handle.with(p -> Calls.json((b, c, needed, m, n) -> GraftLibrary.graft_quantizer_describe(p, b, c, needed, m, n))));
  }

  /**
   * Reads the header and plans; writes nothing yet.
   *
   * @param importance weighs the errors, or null; may be closed afterwards
   * @throws BadFileException when the source is damaged, a part of a split model, or no model
   * @throws UsageException when a type is unknown or the importance was made for another model
   */
  public static ModelQuantizer open(GraftRuntime runtime, Path source, Path target, QuantizeSpec spec, Importance importance) {
    Objects.requireNonNull(target, "target");
    Objects.requireNonNull(spec, "spec");
    GgufFile file = GgufFile.open(source);
    try {
      Handle handle = runtime.handle().child("quantizer", List.of(), p -> Calls.open((out, m, n) -> withPointer(importance, weights ->
          file.handle().with(gguf -> GraftLibrary.graft_quantizer_open(p, gguf, Calls.path(target), spec.type(), spec.outputType(), spec.embeddingType(), spec.pure() ? 1 : 0,
              weights, out, m, n)))), GraftLibrary::graft_quantizer_close);
      try {
        return new ModelQuantizer(file, handle);
      } catch (RuntimeException e) {
        handle.close();
        throw e;
      }
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static int withPointer(Importance importance, ToIntFunction<Pointer> use) {
    return importance == null ? use.applyAsInt(null) : importance.handle().with(use::applyAsInt);
  }

  /** What happens to each tensor. */
  public QuantizePlan plan() {
    return plan;
  }

  /**
   * Works on for a part of a tensor.
   *
   * @return true when the file stands under its name
   * @throws NotFiniteException when a tensor, which is named, holds a NaN, an infinity, or values that its new type cannot hold
   * @throws GraftIoException when the file cannot be written
   */
  public boolean step() {
    LongByReference done = new LongByReference();
    IntByReference end = new IntByReference();
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_quantizer_step(p, done, end, m, n)));
    doneBytes = done.getValue();
    finished = end.getValue() == 1;
    return finished;
  }

  /** Bytes of the source's tensors that are done, of {@link QuantizePlan#sourceBytes}. */
  public long doneBytes() {
    return doneBytes;
  }

  /** True when the file stands under its name. */
  public boolean finished() {
    return finished;
  }

  @Override
  public void close() {
    handle.close();
    source.close();
  }
}
