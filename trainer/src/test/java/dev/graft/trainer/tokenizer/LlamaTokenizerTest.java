package dev.graft.trainer.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.data.DataException;
import dev.graft.trainer.data.TextModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way from a model file: the native reader, the tokenizer's tiny model, llama.cpp in its process. */
class LlamaTokenizerTest {
  @TempDir Path folder;

  @Test
  void theVocabularyOfAFileIsThatOfItsMetadata() throws IOException {
    for (TestGguf gguf : List.of(TestVocabularies.spm(), TestVocabularies.llama3().put("tokenizer.chat_template", "{{ messages[0].content }}"), TestVocabularies.qwen2())) {
      Path file = gguf.write(folder.resolve("m.gguf"));
      Vocabulary fromFile = Vocabulary.read(file);
      Vocabulary expected = TestVocabularies.read(gguf);
      assertThat(fromFile.size()).isEqualTo(expected.size());
      for (int id = 0; id < expected.size(); id++) {
        assertThat(fromFile.piece(id)).isEqualTo(expected.piece(id));
      }
      assertThat(fromFile.endOfGeneration()).isEqualTo(expected.endOfGeneration());
      assertThat(fromFile.addBos()).isEqualTo(expected.addBos());
      assertThat(fromFile.chatTemplate()).isEqualTo(expected.chatTemplate());
    }
  }

  @Test
  void encodesAsTheModelItself() throws IOException {
    List<String> texts = List.of("hello world", "", "<|im_start|>user\nhello<|im_end|>\n", "\u00e9\uD83D\uDE00", "hello world");
    TestGguf gguf = TestVocabularies.qwen2();
    try (LlamaTokenizer tokenizer = LlamaTokenizer.open(gguf.write(folder.resolve("m.gguf"))); ProcessTokenizer direct = new ProcessTokenizer(gguf, folder)) {
      assertThat(tokenizer.encodeAll(texts)).usingRecursiveComparison().isEqualTo(direct.encodeAll(texts));
      assertThat(tokenizer.encode("hello")).containsExactly(gguf.tokens().indexOf("hello"));
      assertThat(tokenizer.decode(tokenizer.encode("hello world"))).isEqualTo("hello world");
      assertThat(tokenizer.decodeByLlama(new int[] {tokenizer.vocabulary().eosId()})).isEqualTo("<|im_end|>");
      int[] mine = tokenizer.encode("hello");
      mine[0] = 0;
      assertThat(tokenizer.encode("hello")[0]).as("the cache is not shared with callers").isNotZero();
    }
  }

  @Test
  void muchTextIsSharedOutAndComesBackInOrder() throws IOException {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      texts.add("yes no ".repeat(1500) + i);
    }
    TestGguf gguf = TestVocabularies.spm();
    try (LlamaTokenizer tokenizer = LlamaTokenizer.open(gguf.write(folder.resolve("m.gguf"))); ProcessTokenizer direct = new ProcessTokenizer(gguf, folder)) {
      assertThat(tokenizer.encodeAll(texts)).usingRecursiveComparison().isEqualTo(direct.encodeAll(texts));
    }
  }

  @Test
  void aTokenizerThatLlamaCppDoesNotKnowIsNamed() throws IOException {
    Path file = TestVocabularies.qwen2().put("tokenizer.ggml.pre", "no-such-pre").write(folder.resolve("m.gguf"));
    assertThatThrownBy(() -> LlamaTokenizer.open(file)).isInstanceOf(DataException.class).hasMessageContaining("m.gguf").hasMessageContaining("no-such-pre").hasMessageNotContaining("\n");
  }

  @Test
  void aHostileVocabularyGivesOneLine() throws IOException {
    TestGguf doubled = TestVocabularies.qwen2();
    List<String> same = new ArrayList<>(Collections.nCopies(doubled.tokens().size(), "x"));
    TestGguf scores = TestVocabularies.spm();
    List<Integer> wrong = Collections.nCopies(scores.tokens().size(), 1);
    for (TestGguf bad : List.of(doubled.put("tokenizer.ggml.tokens", same), scores.put("tokenizer.ggml.scores", wrong), TestVocabularies.spm().remove("tokenizer.ggml.scores"))) {
      Path file = bad.write(folder.resolve("m.gguf"));
      try (LlamaTokenizer tokenizer = LlamaTokenizer.open(file)) {
        tokenizer.encode("x"); // llama.cpp may take it; it must only not end this process
      } catch (RuntimeException e) {
        assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
      }
    }
  }

  @Test
  void theTextModelStartsNothingUntilAsked() throws IOException {
    Path file = TestVocabularies.llama3().write(folder.resolve("m.gguf"));
    try (TextModel model = TextModel.open(file)) {
      assertThat(model.contextLength()).isEqualTo(64);
      assertThat(model.vocabularySize()).isEqualTo(model.vocabulary().size());
      assertThat(model.tokenizer()).isSameAs(model.tokenizer());
      assertThat(model.options("auto", 0).template()).isEmpty();
    }
    assertThatThrownBy(() -> TextModel.open(Files.writeString(folder.resolve("x.gguf"), "nothing"))).hasMessageContaining("x.gguf");
  }
}
