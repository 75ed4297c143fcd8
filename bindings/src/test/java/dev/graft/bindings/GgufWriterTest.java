package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files written piece by piece from Java are what was said, or nothing. */
class GgufWriterTest {
  @TempDir Path folder;

  private static byte[] floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    Path file = folder.resolve("a.gguf");
    try (GgufWriter writer = GgufWriter.create()) {
      writer.set("a.text", "naïve").set("a.number", 4_000_000_000L).set("a.float", 0.5f).set("a.flag", true).set("a.texts", List.of("x", "", "é")).set("a.ints", new int[] {-1, 2})
          .set("a.floats", new float[] {1, -2}).set("a.number", 7L);
      writer.tensor("one", WeightType.f32(), List.of(3L)).tensor("two", WeightType.named("f16"), List.of(2L, 3L));
      writer.begin(file);
      byte[] all = new byte[12 + 12];
      System.arraycopy(floats(1, 2, 3), 0, all, 0, 12);
      all[23] = 0x3C; // the last half is 1
      writer.write(all, 0, 5); // pieces may end anywhere
      writer.write(all, 5, 19);
      assertThat(file).doesNotExist();
      writer.commit();
    }
    try (GgufFile read = GgufFile.open(file)) {
      assertThat(read.metadata("a.text").orElseThrow().asText()).isEqualTo("naïve");
      assertThat(read.metadata("a.number").orElseThrow().asLong()).isEqualTo(7);
      assertThat(read.metadata("a.float").orElseThrow().floatValue()).isEqualTo(0.5f);
      assertThat(read.metadata("a.flag").orElseThrow().asBoolean()).isTrue();
      assertThat(read.metadata("a.texts").orElseThrow().path("items").toString()).isEqualTo("[\"x\",\"\",\"é\"]");
      assertThat(read.metadata("a.ints").orElseThrow().path("items").toString()).isEqualTo("[-1,2]");
      assertThat(read.metadata("a.floats").orElseThrow().path("items").path(1).asDouble()).isEqualTo(-2);
      List<GgufTensor> tensors = read.tensors();
      assertThat(tensors).extracting(GgufTensor::name).containsExactly("one", "two");
      assertThat(tensors.get(1).rows()).isEqualTo(3);
      assertThat(read.bytes(tensors.get(0), 0, 3)).isEqualTo(floats(1, 2, 3));
      assertThat(read.bytes(tensors.get(1), 5, 1)).containsExactly(0, 0x3C);
    }
  }

  @Test
  void allMetadataOfAnotherFileIsCarriedOver() {
    Path source = TestModels.tiny(folder);
    Path copy = folder.resolve("copy.gguf");
    try (GgufFile file = GgufFile.open(source);
        GgufWriter writer = GgufWriter.copyOf(file)) {
      writer.begin(copy);
      writer.commit();
      try (GgufFile read = GgufFile.open(copy)) {
        assertThat(read.describe(-1).path("metadata")).isEqualTo(file.describe(-1).path("metadata"));
      }
    }
  }

  @Test
  void whatIsNotWholeLeavesNothing() throws IOException {
    Path file = folder.resolve("a.gguf");
    try (GgufWriter writer = GgufWriter.create()) {
      writer.tensor("one", WeightType.f32(), List.of(3L));
      assertThatThrownBy(() -> writer.write(new byte[1])).isInstanceOf(UsageException.class).hasMessageContaining("not been begun");
      writer.begin(file);
      writer.write(new byte[11]);
      assertThatThrownBy(writer::commit).isInstanceOf(UsageException.class).hasMessageContaining("one").hasMessageContaining("11 bytes of 12");
      assertThatThrownBy(() -> writer.write(new byte[2])).isInstanceOf(UsageException.class).hasMessageContaining("more bytes");
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
    try (GgufWriter writer = GgufWriter.create()) {
      writer.tensor("q", WeightType.named("Q8_0"), List.of(33L, 1L));
      assertThatThrownBy(() -> writer.begin(file)).isInstanceOf(UsageException.class).hasMessageContaining("multiple of 32");
      assertThatThrownBy(() -> writer.begin(folder.resolve("none").resolve("a.gguf"))).isInstanceOf(GraftException.class);
    }
    assertThatThrownBy(() -> WeightType.named("Q9")).isInstanceOf(UsageException.class).hasMessageContaining("Q4_K");
  }
}
