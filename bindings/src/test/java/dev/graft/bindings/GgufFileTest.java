package dev.graft.bindings;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
  @TempDir Path folder;

  @Test
  void describesWhatRandomModelWrote() throws IOException {
    Path path = folder.resolve("mödel ☃.gguf");
    RandomModel.tiny().write(path);
    try (GgufFile file = GgufFile.open(path)) {
      JsonNode all = file.describe(3);
      assertThat(all.path("file_bytes").asLong()).isEqualTo(Files.size(path));
      assertThat(all.path("tensors").size()).isGreaterThan(10);
      assertThat(file.string("general.architecture")).contains("llama");
      assertThat(file.string("no.such.key")).isEmpty();
      assertThat(file.string("llama.block_count")).as("not a text").isEmpty();
      assertThat(file.metadata("llama.block_count")).hasValueSatisfying(v -> assertThat(v.asInt()).isEqualTo(2));
      assertThat(file.metadata("no.such.key")).isEmpty();
      JsonNode tokens = file.metadata("tokenizer.ggml.tokens").orElseThrow();
      assertThat(tokens.path("count").asInt()).isEqualTo(320);
      assertThat(tokens.path("items").size()).isEqualTo(320);
      String first = tokens.path("items").get(0).asText();
      assertThat(new String(file.stringBytes("tokenizer.ggml.tokens", 0), UTF_8)).isEqualTo(first);
      assertThatThrownBy(() -> file.stringBytes("tokenizer.ggml.tokens", 320)).isInstanceOf(GraftException.class);
      assertThatThrownBy(() -> file.stringBytes("tokenizer.ggml.tokens", -1)).isInstanceOf(GraftException.class);
      assertThatThrownBy(() -> file.stringBytes("no.such.key", 0)).isInstanceOf(GraftException.class).hasMessageContaining("no.such.key");
      assertThatThrownBy(() -> file.stringBytes(null, 0)).isInstanceOf(NullPointerException.class);
    }
  }

  @Test
  void writesItsTokenizer() {
    Path target = folder.resolve("tokenizer.gguf");
    try (GgufFile file = GgufFile.open(TestModels.tiny(folder))) {
      file.writeTokenizer(target);
      assertThatThrownBy(() -> file.writeTokenizer(folder.resolve("no/such/folder/t.gguf"))).isInstanceOf(GraftIoException.class);
    }
    try (GgufFile file = GgufFile.open(target)) {
      assertThat(file.metadata("tokenizer.ggml.tokens").orElseThrow().path("count").asInt()).isEqualTo(320);
    }
  }

  @Test
  void refusesWhatIsNoGguf() throws IOException {
    assertThatThrownBy(() -> GgufFile.open(folder.resolve("absent.gguf"))).isInstanceOfSatisfying(BadFileException.class, e -> {
      assertThat(e.exitCode()).isEqualTo(3);
      assertThat(e.getMessage()).contains("absent.gguf").hasLineCount(1);
    });
    assertThatThrownBy(() -> GgufFile.open(folder)).isInstanceOf(GraftException.class);
    assertThatThrownBy(() -> GgufFile.open(null)).isInstanceOf(NullPointerException.class);
    Path text = Files.writeString(folder.resolve("text.gguf"), "this is not a model, by any means");
    assertThatThrownBy(() -> GgufFile.open(text)).isInstanceOfSatisfying(BadFileException.class, e -> assertThat(e.exitCode()).isEqualTo(3));
    byte[] whole = Files.readAllBytes(TestModels.tiny(folder));
    for (int length : new int[] {0, 4, 23, 200, whole.length / 2, whole.length - 1}) {
      Path cut = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> GgufFile.open(cut)).as("first %d bytes", length).isInstanceOf(BadFileException.class);
    }
  }

  @Test
  void closedTwiceAndUsedAfterwards() {
    GgufFile file = GgufFile.open(TestModels.tiny(folder));
    file.close();
    file.close();
    assertThatThrownBy(() -> file.describe(1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> file.string("general.architecture")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void senselessShapesAreRefused() {
    Path path = folder.resolve("odd.gguf");
    assertThatThrownBy(() -> RandomModel.tiny().withMix("Q9_Z").write(path)).isInstanceOf(UsageException.class).hasMessageContaining("Q9_Z");
    assertThatThrownBy(() -> RandomModel.tiny().withArchitecture("gpt2").write(path)).isInstanceOf(UsageException.class).hasMessageContaining("gpt2");
    assertThatThrownBy(() -> new RandomModel("llama", 0, 64, 4, 2, 0, 128, 320, 64, false, "F32", null, 1).write(path)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> new RandomModel("llama", 1, 64, 4, 3, 0, 128, 320, 64, false, "F32", null, 1).write(path)).isInstanceOf(UsageException.class);
    assertThatThrownBy(() -> RandomModel.tiny().withVocabulary(folder.resolve("absent.gguf")).write(path)).isInstanceOf(BadFileException.class);
    assertThat(path).doesNotExist();
  }
}
