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
   * @param type ggml's number: F32 0, F16 1, Q8_0 8, BF16 30
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
}
