package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VocabularyFileTest {
  @TempDir Path folder;

  private static VocabularyFile of(List<String> tokens, List<Integer> types, List<String> merges, int bos) {
    return new VocabularyFile("v", "llama-bpe", tokens, types, merges, bos, 1, 1, VocabularyFile.NONE, true, "{{ x }}");
  }

  @Test
  void isReadBackAsItWasGiven() {
    List<String> tokens = List.of("<|b\u00f6s|>", "<|end|>", "a", "\u0120", "\u0120a");
    Path path = folder.resolve("v.gguf");
    of(tokens, List.of(3, 3, 1, 1, 1), List.of("\u0120 a"), 0).write(path);
    try (GgufFile file = GgufFile.open(path)) {
      for (int i = 0; i < tokens.size(); i++) {
        assertThat(new String(file.stringBytes("tokenizer.ggml.tokens", i), StandardCharsets.UTF_8)).isEqualTo(tokens.get(i));
      }
      assertThat(file.string("general.name")).contains("v");
      assertThat(file.string("tokenizer.chat_template")).contains("{{ x }}");
      assertThat(file.metadata("tokenizer.ggml.eos_token_id").orElseThrow().asInt()).isEqualTo(1);
      assertThat(file.metadata("tokenizer.ggml.padding_token_id")).isEmpty();
      file.writeTokenizer(folder.resolve("copy.gguf"));
    }
  }

  @Test
  void refusesWhatDoesNotFitAndWritesNothing() {
    Path path = folder.resolve("v.gguf");
    List<String> tokens = List.of("<s>", "</s>", "a");
    assertThatThrownBy(() -> of(List.of("a", "b", "a"), List.of(1, 1, 1), List.of(), 0).write(path)).isInstanceOf(UsageException.class).hasMessageContaining("'a' is there twice");
    assertThatThrownBy(() -> of(tokens, List.of(3, 3), List.of(), 0).write(path)).isInstanceOf(UsageException.class).hasMessageContaining("2 token types for 3");
    assertThatThrownBy(() -> of(tokens, List.of(3, 3, 1), List.of("a a"), 0).write(path)).isInstanceOf(UsageException.class).hasMessageContaining("'aa'");
    assertThatThrownBy(() -> of(tokens, List.of(3, 3, 1), List.of(), 7).write(path)).isInstanceOf(UsageException.class).hasMessageContaining("bos is 7");
    assertThatThrownBy(() -> of(List.of("<s>", "</s>", "a\0"), List.of(3, 3, 1), List.of(), 0).write(path)).isInstanceOf(UsageException.class).hasMessageContaining("NUL");
    assertThat(Files.exists(path)).isFalse();
    assertThatThrownBy(() -> of(tokens, List.of(3, 3, 1), List.of(), 0).write(folder.resolve("none/v.gguf"))).isInstanceOf(GraftIoException.class).hasMessageContaining("v.gguf");
  }
}
