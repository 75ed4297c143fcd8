package dev.graft.eval.bench;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Quantizer;
import dev.graft.eval.cli.CliException;
import dev.graft.trainer.llama.Ggml;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** One matrix, quantized by us and by ggml in turn. One thread may use it; it starts others. */
final class QuantizeBench implements AutoCloseable {
  /** A weight type: ggml's number, and elements and bytes of a block. */
  record Type(String name, int number, int elements, int bytes) {}

  /**
   * Speeds of one type.
   *
   * @param ours values a second  @param ggml values a second
   * @param equal whether the bytes are the same
   */
  record Result(String type, boolean importance, double ours, double ggml, boolean equal) {
    double ratio() {
      return ours / ggml;
    }
  }

  private static final List<Type> TYPES = List.of(new Type("F16", 1, 1, 2), new Type("BF16", 30, 1, 2), new Type("Q8_0", 8, 32, 34), new Type("Q4_0", 2, 32, 18), new Type("Q4_1", 3, 32, 20),
      new Type("Q5_0", 6, 32, 22), new Type("Q5_1", 7, 32, 24), new Type("Q2_K", 10, 256, 84), new Type("Q3_K", 11, 256, 110), new Type("Q4_K", 12, 256, 144),
      new Type("Q5_K", 13, 256, 176), new Type("Q6_K", 14, 256, 210), new Type("IQ4_NL", 20, 32, 18), new Type("IQ4_XS", 23, 256, 136));
  private static final float DEVIATION = 0.02f;

  private final GraftRuntime runtime;
  private final Ggml ggml;
  private final int rows;
  private final int width;
  private final int repeats;
  private final Memory values;
  private final Memory importance;
  private final Memory ours;
  private final Memory theirs;

  QuantizeBench(GraftRuntime runtime, Ggml ggml, int rows, int width, int repeats, long seed) {
    this.runtime = runtime;
    this.ggml = ggml;
    this.rows = rows;
    this.width = width;
    this.repeats = repeats;
    this.values = new Memory(4L * rows * width);
    this.importance = new Memory(4L * width);
    this.ours = new Memory(2L * rows * width);
    this.theirs = new Memory(2L * rows * width);
    SplittableRandom random = new SplittableRandom(seed);
    for (long i = 0; i < (long) rows * width; i++) {
      values.setFloat(4 * i, (float) random.nextGaussian() * DEVIATION);
    }
    for (int i = 0; i < width; i++) {
      importance.setFloat(4L * i, (float) Math.exp(random.nextGaussian()));
    }
    ours.clear();
    theirs.clear(); // pages are touched before they are timed
  }

  /** The types of these names; null gives all. */
  static List<Type> types(List<String> names) {
    if (names == null) {
      return TYPES;
    }
    return names.stream().map(name -> TYPES.stream().filter(t -> t.name().equals(name.toUpperCase(Locale.ROOT))).findFirst()
        .orElseThrow(() -> CliException.usage("--types " + name + " is not known; there are " + String.join(", ", TYPES.stream().map(Type::name).toList())))).toList();
  }

  Result run(Type type, boolean weighted) {
    long bytes = (long) rows * width / type.elements() * type.bytes();
    Pointer weights = weighted ? importance : Pointer.NULL;
    double mine = Double.MAX_VALUE;
    double other = Double.MAX_VALUE;
    for (int i = 0; i < repeats; i++) {
      mine = Math.min(mine, seconds(() -> Quantizer.quantizeRows(runtime, type.number(), values, rows, width, weights, ours, bytes)));
      other = Math.min(other, seconds(() -> ggml(type, weights)));
    }
    boolean equal = Arrays.equals(ours.getByteArray(0, (int) bytes), theirs.getByteArray(0, (int) bytes));
    double count = (double) rows * width;
    return new Result(type.name(), weighted, count / mine, count / other, equal);
  }

  /** As llama-quantize does it: rows shared among threads. */
  private void ggml(Type type, Pointer weights) {
    int threads = runtime.info().threads();
    Thread[] others = new Thread[threads - 1];
    for (int t = 0; t < others.length; t++) {
      int part = t + 1;
      others[t] = new Thread(() -> part(type, weights, part, threads));
      others[t].start();
    }
    part(type, weights, 0, threads);
    for (Thread thread : others) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw CliException.failed("interrupted", e);
      }
    }
  }

  private void part(Type type, Pointer weights, int part, int parts) {
    long first = (long) rows * part / parts;
    long end = (long) rows * (part + 1) / parts;
    if (end > first) {
      ggml.quantize(type.number(), values, theirs, first, end - first, width, weights);
    }
  }

  private static double seconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return Math.max(1e-9, (System.nanoTime() - start) * 1e-9);
  }

  @Override
  public void close() {
    values.close();
    importance.close();
    ours.close();
    theirs.close();
  }
}
