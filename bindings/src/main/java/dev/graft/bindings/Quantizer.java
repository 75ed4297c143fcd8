package dev.graft.bindings;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import java.util.Objects;

/** Values into the blocks of a weight type, with ggml's own rounding. Any thread. */
public final class Quantizer {
  private Quantizer() {}

  /**
   * The bytes of {@code values} in a type.
   *
   * @param type ggml's number: F32 0, F16 1, Q4_0 2, Q4_1 3, Q5_0 6, Q5_1 7, Q8_0 8, Q2_K 10, Q3_K 11, Q4_K 12, Q5_K 13, Q6_K 14, IQ4_NL 20, IQ4_XS 23, BF16 30
   * @param bytes that the values take in that type
   * @throws UsageException when the type is another, or the values are no whole number of its blocks
   */
  public static byte[] quantize(int type, float[] values, int bytes) {
    Objects.requireNonNull(values, "values");
    GraftLibrary.require();
    try (Memory source = new Memory(4L * Math.max(1, values.length));
        Memory target = new Memory(Math.max(1, bytes))) {
      source.write(0, values, 0, values.length);
      quantize(type, source, values.length, target, bytes);
      return target.getByteArray(0, bytes);
    }
  }

  /** The same between buffers. */
  static void quantize(int type, Pointer values, long count, Pointer target, long bytes) {
    Calls.run((m, n) -> GraftLibrary.graft_quantize(type, values, count, target, bytes, m, n));
  }

  /**
   * Rows of values by a runtime's kernels and threads; the same bytes on all of them.
   *
   * @param values rows times width floats
   * @param importance width weights of the columns' errors, none below 0, or null
   * @throws UsageException when the type is not supported or the sizes do not fit
   */
  public static void quantizeRows(GraftRuntime runtime, int type, Pointer values, long rows, long width, Pointer importance, Pointer target, long bytes) {
    runtime.handle().run(p -> Calls.run((m, n) -> GraftLibrary.graft_quantize_rows(p, type, values, rows, width, importance, target, bytes, m, n)));
  }

  /**
   * The same from and to arrays.
   *
   * @param importance as above, or null
   * @param bytes that the values take in that type
   */
  public static byte[] quantizeRows(GraftRuntime runtime, int type, float[] values, int width, float[] importance, int bytes) {
    if (importance != null && importance.length != width) {
      throw new IllegalArgumentException(importance.length + " weights for " + width + " columns");
    }
    try (Memory source = new Memory(4L * Math.max(1, values.length));
        Memory weights = importance == null ? null : new Memory(4L * width);
        Memory target = new Memory(Math.max(1, bytes))) {
      source.write(0, values, 0, values.length);
      if (importance != null) {
        weights.write(0, importance, 0, width);
      }
      quantizeRows(runtime, type, source, values.length / width, width, weights, target, bytes);
      return target.getByteArray(0, bytes);
    }
  }
}
