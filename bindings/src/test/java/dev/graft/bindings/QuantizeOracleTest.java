package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Memory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our rounding into weight types against ggml's own, bit for bit. */
class QuantizeOracleTest {
  private static final int ROW = 4096;
  private static final int ROUNDS = 60;

  @TempDir(cleanup = CleanupMode.NEVER) // libjllama stays mapped
  static Path folder;

  @ParameterizedTest
  @CsvSource({"0, 4, 1", "1, 2, 1", "30, 2, 1", "8, 34, 32"})
  void equalsGgmlBitForBit(int type, int blockBytes, int blockElements) throws IOException {
    Ggml ggml = Ggml.load(folder);
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

  @Test
  void wrongTypesAndSizes() {
    assertThat(Quantizer.quantize(0, new float[] {1}, 4)).containsExactly(0, 0, (byte) 0x80, 0x3f);
    assertThatThrownBy(() -> Quantizer.quantize(8, new float[31], 34)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> Quantizer.quantize(8, new float[32], 33)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> Quantizer.quantize(12, new float[256], 144)).isInstanceOf(UsageException.class).hasMessageContaining("Q8_0");
    assertThatThrownBy(() -> Quantizer.quantize(99, new float[32], 34)).isInstanceOf(UsageException.class);
  }
}
