package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.jna.Memory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What blocks of every weight type mean must equal ggml's own reading, bit for bit, on every instruction set of this machine. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DequantizeOracleTest {
  private static final int BLOCKS = 102_400;
  /** Zeros, smallest and largest subnormals, smallest normal, one, largest, infinities, NaNs, with both signs. */
  private static final int[] SPECIAL_HALVES = {
    0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x83ff, 0x0400, 0x8400, 0x3c00, 0xbc00, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7c01, 0x7fff
  };

  /** ggml's number, elements and bytes of a block, where a block keeps f16 scales, and ggml's function. */
  enum Type {
    F32(0, 1, 4, null),
    F16(1, 1, 2, "ggml_fp16_to_fp32_row", 0),
    BF16(30, 1, 2, "ggml_bf16_to_fp32_row"),
    Q4_0(2, 32, 18, "dequantize_row_q4_0", 0),
    Q4_1(3, 32, 20, "dequantize_row_q4_1", 0, 2),
    Q5_0(6, 32, 22, "dequantize_row_q5_0", 0),
    Q5_1(7, 32, 24, "dequantize_row_q5_1", 0, 2),
    Q8_0(8, 32, 34, "dequantize_row_q8_0", 0),
    Q2_K(10, 256, 84, "dequantize_row_q2_K", 80, 82),
    Q3_K(11, 256, 110, "dequantize_row_q3_K", 108),
    Q4_K(12, 256, 144, "dequantize_row_q4_K", 0, 2),
    Q5_K(13, 256, 176, "dequantize_row_q5_K", 0, 2),
    Q6_K(14, 256, 210, "dequantize_row_q6_K", 208),
    IQ4_NL(20, 32, 18, "dequantize_row_iq4_nl", 0),
    IQ4_XS(23, 256, 136, "dequantize_row_iq4_xs", 0);

    final int number;
    final int elements;
    final int bytes;
    final String function;
    final int[] halves;

    Type(int number, int elements, int bytes, String function, int... halves) {
      this.number = number;
      this.elements = elements;
      this.bytes = bytes;
      this.function = function;
      this.halves = halves;
    }
  }

  private Ggml ggml;
  private final List<GraftRuntime> runtimes = new ArrayList<>();

  @BeforeAll
  void open() throws IOException {
    ggml = Ggml.load();
    try (GraftRuntime any = GraftRuntime.open("cpu", "ref", 1)) {
      for (String isa : any.info().isas()) {
        runtimes.add(GraftRuntime.open("cpu", isa, 2));
      }
    }
    assertThat(runtimes).isNotEmpty();
  }

  @AfterAll
  void close() {
    runtimes.forEach(GraftRuntime::close);
  }

  @ParameterizedTest
  @EnumSource
  void equalsGgmlBitForBit(Type type) {
    SplittableRandom random = new SplittableRandom(type.number);
    int chunk = 4096;
    int count = chunk * type.elements;
    int bytes = chunk * type.bytes;
    byte[] blocks = new byte[bytes];
    try (Memory source = new Memory(bytes);
        Memory expected = new Memory(4L * count);
        Memory actual = new Memory(4L * count)) {
      for (int done = 0; done < BLOCKS; done += chunk) {
        random.nextBytes(blocks);
        // one scale in four is a special value
        for (int b = 0; b < chunk; b++) {
          for (int at : type.halves) {
            if (random.nextInt(4) == 0) {
              int half = SPECIAL_HALVES[random.nextInt(SPECIAL_HALVES.length)];
              blocks[b * type.bytes + at] = (byte) half;
              blocks[b * type.bytes + at + 1] = (byte) (half >> 8);
            }
          }
        }
        source.write(0, blocks, 0, bytes);
        if (type.function == null) {
          expected.write(0, blocks, 0, bytes);
        } else {
          ggml.dequantize(type.function, source, expected, count);
        }
        for (GraftRuntime runtime : runtimes) {
          actual.setMemory(0, 4L * count, (byte) 0x5a);
          runtime.dequantize(type.number, source, bytes, actual, count);
          compare(type, runtime.info().isa(), expected, actual, count);
        }
      }
    }
  }

  @Test
  void allHalvesEqualGgml() {
    allSixteenBits(Type.F16);
    allSixteenBits(Type.BF16);
  }

  private void allSixteenBits(Type type) {
    int count = 1 << 16;
    try (Memory source = new Memory(2L * count);
        Memory expected = new Memory(4L * count);
        Memory actual = new Memory(4L * count)) {
      for (int i = 0; i < count; i++) {
        source.setShort(2L * i, (short) i);
      }
      ggml.dequantize(type.function, source, expected, count);
      for (GraftRuntime runtime : runtimes) {
        runtime.dequantize(type.number, source, 2L * count, actual, count);
        compare(type, runtime.info().isa(), expected, actual, count);
      }
    }
  }

  @Test
  void oddCountsAndWrongSizes() {
    GraftRuntime runtime = runtimes.get(0);
    assertThat(runtime.dequantize(0, new byte[] {0, 0, (byte) 0x80, 0x3f}, 1)).containsExactly(1f);
    assertThat(runtime.dequantize(1, new byte[] {0, 0x3c, 0, (byte) 0xc0, 1, 0}, 3)).containsExactly(1f, -2f, 0x1p-24f);
    assertThat(runtime.dequantize(1, new byte[0], 0)).isEmpty();
    assertThatThrownBy(() -> runtime.dequantize(12, new byte[144], 255)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> runtime.dequantize(12, new byte[143], 256)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> runtime.dequantize(12, new byte[144], -256)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> runtime.dequantize(999, new byte[144], 256)).isInstanceOf(UsageException.class).hasMessageContaining("999");
    assertThatThrownBy(() -> runtime.dequantize(-1, new byte[144], 256)).isInstanceOf(UsageException.class);
  }

  private static void compare(Type type, String isa, Memory expected, Memory actual, int count) {
    int[] want = expected.getIntArray(0, count);
    int[] got = actual.getIntArray(0, count);
    for (int i = 0; i < count; i++) {
      // two NaNs are equal: which payload the processor makes of 0 * infinity is not the format's matter
      if (want[i] != got[i] && !(isNaN(want[i]) && isNaN(got[i]))) {
        fail("%s on %s: element %d is %s (0x%08x), ggml's is %s (0x%08x)".formatted(type, isa, i, Float.intBitsToFloat(got[i]), got[i],
            Float.intBitsToFloat(want[i]), want[i]));
      }
    }
  }

  private static boolean isNaN(int bits) {
    return (bits & 0x7fffffff) > 0x7f800000;
  }
}
