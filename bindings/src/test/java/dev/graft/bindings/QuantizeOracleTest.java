package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Memory;
import java.io.IOException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our rounding into weight types against ggml's own, bit for bit. */
class QuantizeOracleTest {
  private static final int ROW = 4096;
  private static final int ROUNDS = 60;

  @ParameterizedTest
  @CsvSource({"0, 4, 1", "1, 2, 1", "30, 2, 1", "8, 34, 32"})
  void equalsGgmlBitForBit(int type, int blockBytes, int blockElements) throws IOException {
    Ggml ggml = Ggml.load();
    SplittableRandom random = new SplittableRandom(type);
    int bytes = ROW / blockElements * blockBytes;
    try (Memory values = new Memory(4L * ROW);
        Memory expected = new Memory(bytes);
        Memory actual = new Memory(bytes)) {
      for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROW; i++) {
          values.setFloat(4L * i, value(random, round, i));
        }
        assertThat(ggml.quantize(type, values, expected, ROW)).isEqualTo(bytes);
        Quantizer.quantize(type, values, ROW, actual, bytes);
        assertThat(actual.getByteArray(0, bytes)).as("round %d", round).isEqualTo(expected.getByteArray(0, bytes));
      }
    }
  }

  /** Of every size: ordinary ones, halves between two representable ones, subnormals, zeros and blocks of zeros. */
  private static float value(SplittableRandom random, int round, int i) {
    return switch (round % 5) {
      case 0 -> (float) random.nextDouble(-1, 1);
      case 1 -> (float) (random.nextDouble(-1, 1) * Math.pow(2, random.nextInt(-40, 16)));
      case 2 -> random.nextInt(-127 * 2, 127 * 2 + 1) / 2f; // halves
      case 3 -> i / 32 % 3 == 0 ? 0f : Math.scalb((float) random.nextInt(-4096, 4097), -26); // f16's subnormals
      default -> Float.intBitsToFloat((random.nextInt() & 0x8fffffff) | 0x30000000); // many bits
    };
  }

  private static final int WIDTH = 512;
  private static final int ROWS = 6;
  private static final String[] ISAS = {"ref", "avx2", "avx512", "neon"};

  /** Every type that searches, by every instruction set here, on one thread and three, with importance weights and without. */
  @ParameterizedTest
  @CsvSource({"1, 2, 1", "30, 2, 1", "8, 34, 32", "2, 18, 32", "3, 20, 32", "6, 22, 32", "7, 24, 32", "10, 84, 256", "11, 110, 256", "12, 144, 256", "13, 176, 256", "14, 210, 256", "20, 18, 32",
      "23, 136, 256"})
  void searchesAsGgmlDoes(int type, int blockBytes, int blockElements) throws IOException {
    Ggml ggml = Ggml.load();
    int bytes = ROWS * WIDTH / blockElements * blockBytes;
    try (Memory values = new Memory(4L * ROWS * WIDTH);
        Memory weights = new Memory(4L * WIDTH);
        Memory expected = new Memory(bytes);
        Memory actual = new Memory(bytes)) {
      for (String isa : ISAS) {
        for (int threads = 1; threads <= 3; threads += 2) {
          try (GraftRuntime runtime = available(isa, threads)) {
            SplittableRandom random = new SplittableRandom(type);
            for (int round = 0; runtime != null && round < 2 * KINDS; round++) {
              fill(random, round % KINDS, values, weights);
              Memory importance = round < KINDS ? null : weights;
              assertThat(ggml.quantize(type, values, expected, ROWS, WIDTH, importance)).isEqualTo(bytes);
              Quantizer.quantizeRows(runtime, type, values, ROWS, WIDTH, importance, actual, bytes);
              assertThat(actual.getByteArray(0, bytes)).as("%s, %d threads, round %d", isa, threads, round).isEqualTo(expected.getByteArray(0, bytes));
              actual.clear();
            }
          }
        }
      }
    }
  }

  private static GraftRuntime available(String isa, int threads) {
    try {
      return GraftRuntime.open("cpu", isa, threads);
    } catch (UsageException e) {
      return null; // not on this machine
    }
  }

  private static final int KINDS = 11;

  private static void fill(SplittableRandom random, int kind, Memory values, Memory weights) {
    for (int i = 0; i < ROWS * WIDTH; i++) {
      float x = (float) random.nextGaussian();
      values.setFloat(4L * i, switch (kind) {
        case 0 -> 0.02f * x;
        case 1 -> x * (float) Math.pow(2, random.nextInt(-30, 10));
        case 2 -> random.nextInt(-8, 9); // ties
        case 3 -> i / 32 % 3 == 0 ? 0 : x; // sub-blocks of zeros
        case 4 -> 0;
        case 5 -> i % 256 == i / 256 * 7 ? x : 0; // one number in a super-block
        case 6 -> Math.abs(x) + 0.5f;
        case 7 -> -Math.abs(x) - 1;
        case 8 -> x * 1e-18f; // below ggml's least scale
        case 9 -> x * 2e3f;
        default -> random.nextInt(10) == 0 ? 100 * x : i % 5 == 0 ? -0.0f : 0.01f * x; // outliers, negative zeros
      });
    }
    for (int i = 0; i < WIDTH; i++) {
      weights.setFloat(4L * i, (float) Math.exp(random.nextGaussian() * (kind % 2 == 0 ? 3 : 0.3)));
    }
  }

  /** Where all weights of a sub-block are 0, ggml divides 0 by 0, and llama.cpp refuses the file; ours stays finite. */
  @Test
  void weightsOfZeroGiveNoNan() {
    float[] values = new float[256];
    float[] weights = new float[256];
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
      weights[i] = i < 128 ? 0 : 1;
    }
    for (int[] type : new int[][] {{2, 18, 32}, {3, 20, 32}, {6, 22, 32}, {7, 24, 32}, {10, 84, 256}, {11, 110, 256}, {12, 144, 256}, {13, 176, 256}, {14, 210, 256}, {20, 18, 32}, {23, 136, 256}}) {
      int bytes = 256 / type[2] * type[1];
      byte[] first = null;
      for (String isa : ISAS) {
        try (GraftRuntime runtime = available(isa, 1);
            Memory source = new Memory(1024);
            Memory importance = new Memory(1024);
            Memory target = new Memory(bytes)) {
          if (runtime == null) {
            continue;
          }
          source.write(0, values, 0, 256);
          importance.write(0, weights, 0, 256);
          Quantizer.quantizeRows(runtime, type[0], source, 1, 256, importance, target, bytes);
          byte[] blocks = target.getByteArray(0, bytes);
          for (float value : runtime.dequantize(type[0], blocks, 256)) {
            assertThat(value).isFinite();
          }
          first = first == null ? blocks : first;
          assertThat(blocks).as("%s, type %d", isa, type[0]).isEqualTo(first);
        }
      }
    }
  }

  @Test
  void wrongTypesAndSizes() {
    assertThat(Quantizer.quantize(0, new float[] {1}, 4)).containsExactly(0, 0, (byte) 0x80, 0x3f);
    assertThatThrownBy(() -> Quantizer.quantize(8, new float[31], 34)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> Quantizer.quantize(8, new float[32], 33)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> Quantizer.quantize(12, new float[128], 72)).isInstanceOf(UsageException.class).hasMessageContaining("q4_K");
    assertThatThrownBy(() -> Quantizer.quantize(99, new float[32], 34)).isInstanceOf(UsageException.class);
  }
}
