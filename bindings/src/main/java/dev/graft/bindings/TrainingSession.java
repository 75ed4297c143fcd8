package dev.graft.bindings;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.DoubleByReference;
import com.sun.jna.ptr.LongByReference;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Scores and trains: forward, loss (see {@link Losses}), backward, step. Closed by who opened it; see the package about lifetimes
 * and threads.
 */
public final class TrainingSession implements AutoCloseable {
  private final Handle handle;
  private final Trainable trained;
  /** The batch of the last training forward, which alone backward may be given; guarded by the handle's lock. */
  private PackedBatch last;

  private TrainingSession(Handle handle, Trainable trained) {
    this.handle = handle;
    this.trained = trained;
  }

  /**
   * Opens a session and takes all its memory.
   *
   * @param trained the adapter that is trained or scored with, the model's weights, or null for the bare base (scoring only)
   * @throws UsageException when the options do not fit
   * @throws NativeMemoryException when the memory is not to be had
   */
  public static TrainingSession open(Model model, Trainable trained, SessionOptions options) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(options, "options");
    Handle adapter = trained instanceof Adapter a ? a.handleFor(model) : null;
    Handle weights = trained instanceof Weights w ? w.handleFor(model) : null;
    List<Handle> others = Stream.of(adapter, weights).filter(Objects::nonNull).toList();
    Handle handle = model.handle().child("training session", others, p -> {
      Pointer a = adapter == null ? null : adapter.pointer();
      Pointer w = weights == null ? null : weights.pointer();
      return Calls.open((out, m, n) -> GraftLibrary.graft_trainer_open(p, a, w, options.trainable() ? 1 : 0, options.maxTokens(), options.maxTargets(),
          options.recompute().ordinal(), options.dropout(), options.seed(), out, m, n));
    }, GraftLibrary::graft_trainer_close);
    return new TrainingSession(handle, trained);
  }

  /**
   * Bytes that a session would take beside the mapped file, adapter and optimizer included.
   *
   * @throws UsageException when the options do not fit
   */
  public static long memoryBytes(Model model, int rank, String targets, SessionOptions options) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(targets, "targets");
    Objects.requireNonNull(options, "options");
    return model.handle().with(p -> {
      LongByReference bytes = new LongByReference();
      Calls.run((m, n) -> GraftLibrary.graft_trainer_memory(p, rank, targets, options.trainable() ? 1 : 0, options.maxTokens(), options.maxTargets(),
          options.recompute().ordinal(), options.dropout(), bytes, m, n));
      return bytes.getValue();
    });
  }

  /**
   * The same for training all weights, the weights included.
   *
   * @throws UsageException when the options do not fit, or a weight is quantized
   */
  public static long memoryBytesOfWeights(Model model, SessionOptions options) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(options, "options");
    return model.handle().with(p -> {
      LongByReference bytes = new LongByReference();
      Calls.run((m, n) -> GraftLibrary.graft_trainer_memory_of_weights(p, options.maxTokens(), options.maxTargets(), options.recompute().ordinal(), bytes, m, n));
      return bytes.getValue();
    });
  }

  /**
   * Computes the log-probability (natural) of every target and writes it into the batch.
   *
   * @param training keep what backward needs, and apply dropout
   * @throws UsageException when the batch is larger than the session, or an id is out of range
   */
  public void forward(PackedBatch batch, boolean training) {
    Objects.requireNonNull(batch, "batch");
    handle.run(p -> {
      last = null;
      batch.forward(p, training ? 1 : 0);
      last = training ? batch : null;
    });
  }

  /**
   * Scores by the numerics of a training forward, which may be coarser than those of a scoring one (see graft.h), without dropout and
   * with nothing kept: two sessions of models that are the same give log-probabilities that are the same.
   *
   * @throws UsageException when the batch is larger than the session, or an id is out of range
   */
  public void rehearse(PackedBatch batch) {
    Objects.requireNonNull(batch, "batch");
    handle.run(p -> {
      last = null;
      batch.forward(p, 2);
    });
  }

  /**
   * After a scoring forward: natural log-probabilities of the whole vocabulary that some of its targets were drawn from, one
   * distribution after another.
   *
   * @param first of the targets, in the order of their rows  @param count of them
   * @throws UsageException when the last batch has no such targets, or the session trains
   */
  public float[] distributions(Model model, int first, int count) {
    int values = Math.multiplyExact(count, model.info().vocabulary());
    try (Memory memory = new Memory(4L * Math.max(1, values))) {
      handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_trainer_distributions(p, first, count, memory, values, m, n)));
      return memory.getFloatArray(0, values);
    }
  }

  /**
   * From now on every forward pass adds the squares of all linear layers' inputs to an importance matrix.
   *
   * @param importance null for no more
   */
  public void observe(Importance importance) {
    handle.run(p -> {
      if (importance == null) {
        Calls.run((m, n) -> GraftLibrary.graft_trainer_observe(p, null, m, n));
      } else {
        importance.handle().run(matrix -> Calls.run((m, n) -> GraftLibrary.graft_trainer_observe(p, matrix, m, n)));
      }
    });
  }

  /**
   * Accumulates the gradient of the loss whose derivative by each log-probability is the batch's weight.
   *
   * @throws IllegalStateException unless {@code batch} is that of the last forward, and it was a training one
   */
  public void backward(PackedBatch batch) {
    Objects.requireNonNull(batch, "batch");
    handle.run(p -> {
      if (last != batch) {
        throw new IllegalStateException("backward needs the batch of the last forward, which must have been a training one");
      }
      last = null;
      batch.backward(p);
    });
  }

  /** {@link #step(float, float, float, float)} with a beta2 of 0.999. */
  public double step(float learningRate, float weightDecay, float maxGradNorm) {
    return step(learningRate, weightDecay, maxGradNorm, 0.999f);
  }

  /**
   * Clips the accumulated gradient, makes one AdamW update (0.9, beta2, 1e-8; Loshchilov and Hutter 2019, arXiv:1711.05101) and
   * zeroes the gradient.
   *
   * @param weightDecay decoupled
   * @param maxGradNorm 0 for no clipping
   * @param beta2 decay of the second moment, usually 0.999; in [0, 1)
   * @return the global L2 norm of the gradient before clipping
   * @throws NotFiniteException when the gradient is not finite; parameters and optimizer are as before
   */
  public double step(float learningRate, float weightDecay, float maxGradNorm, float beta2) {
    return handle.with(p -> {
      DoubleByReference norm = new DoubleByReference();
      Calls.run((m, n) -> GraftLibrary.graft_trainer_step(p, learningRate, weightDecay, maxGradNorm, beta2, norm, m, n));
      return norm.getValue();
    });
  }

  /**
   * A copy of the accumulated gradient of one tensor, row-major. For tests.
   *
   * @throws IllegalArgumentException when there is none of that name
   */
  public float[] gradient(String tensor) {
    if (trained == null) {
      throw new IllegalStateException("a session that trains nothing has no gradients");
    }
    int count = Math.toIntExact(trained.elements(tensor));
    try (Memory values = new Memory(4L * Math.max(1, count))) {
      handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_trainer_gradient(p, tensor, values, count, m, n)));
      return values.getFloatArray(0, count);
    }
  }

  /**
   * Writes parameters, moments, update count and dropout counter, whole or not at all, with a checksum.
   *
   * @throws GraftIoException when the file cannot be written
   */
  public void save(Path path) {
    Objects.requireNonNull(path, "path");
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_trainer_save(p, Calls.path(path), m, n)));
  }

  /**
   * Reads what {@link #save} wrote; training goes on bit for bit.
   *
   * @throws BadFileException when it is damaged or of another shape
   * @throws GraftIoException when it cannot be read
   */
  public void load(Path path) {
    Objects.requireNonNull(path, "path");
    handle.run(p -> {
      last = null;
      Calls.run((m, n) -> GraftLibrary.graft_trainer_load(p, Calls.path(path), m, n));
    });
  }

  /** Gives the session's memory back. */
  @Override
  public void close() {
    handle.close();
  }
}
