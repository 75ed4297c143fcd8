package dev.graft.trainer.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.data.DataException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class VocabularyTest {

  private static int id(TestGguf gguf, String token) {
    return gguf.tokens().indexOf(token);
  }

  @Test
  void sentencePiecePiecesAreSpacesAndBytes() {
    TestGguf gguf = TestVocabularies.spm();
    Vocabulary v = TestVocabularies.read(gguf);
    assertThat(v.piece(id(gguf, "\u2581hello"))).isEqualTo(" hello".getBytes(StandardCharsets.UTF_8));
    assertThat(v.piece(id(gguf, "<0xE2>"))).containsExactly(0xE2);
    int[] ids = {1, id(gguf, "\u2581hello"), id(gguf, "<0xE2>"), id(gguf, "<0x82>"), id(gguf, "<0xAC>"), 2};
    assertThat(v.decode(ids, false)).isEqualTo(" hello\u20ac");
    assertThat(v.decode(ids, true)).isEqualTo("<s> hello\u20ac</s>");
    assertThat(v.kind()).isEqualTo(VocabularyKind.SPM);
    assertThat(v.addSpacePrefix()).isTrue();
  }

  @Test
  void byteLevelPiecesCoverEveryByte() {
    Vocabulary v = TestVocabularies.read(TestVocabularies.qwen2());
    for (int b = 0; b < 256; b++) {
      assertThat(v.piece(b)).containsExactly(b);
    }
    assertThat(v.decode(new int[] {0xF0, 0x9F, 0x98, 0x80}, false)).isEqualTo("\uD83D\uDE00");
    assertThat(v.decode(new int[] {0xF0}, false)).isEqualTo("\uFFFD");
  }

  @Test
  void bosIsAddedAsLlamaCppDoesWhenTheFileIsSilent() {
    assertThat(TestVocabularies.read(TestVocabularies.spm()).addBos()).isTrue();
    assertThat(TestVocabularies.read(TestVocabularies.llama3()).addBos()).isTrue();
    assertThat(TestVocabularies.read(TestVocabularies.bpe("tekken", "<s>", "</s>", "<s>", "</s>")).addBos()).isTrue();
    assertThat(TestVocabularies.read(TestVocabularies.bpe("gpt-2", "<s>", "</s>", "<s>", "</s>")).addBos()).isFalse();
    assertThat(TestVocabularies.read(TestVocabularies.spm().put("tokenizer.ggml.add_bos_token", false)).addBos()).isFalse();
    assertThat(TestVocabularies.read(TestVocabularies.bpe("gpt-2", "<s>", "</s>", "<s>", "</s>").put("tokenizer.ggml.add_bos_token", true)).addBos()).isTrue();
  }

  @Test
  void endOfGenerationIsEosAndWhatLlamaCppKnowsByName() {
    TestGguf llama3 = TestVocabularies.llama3();
    Vocabulary v = TestVocabularies.read(llama3);
    assertThat(v.endOfGeneration()).containsExactlyInAnyOrder(id(llama3, "<|end_of_text|>"), id(llama3, "<|eot_id|>"));
    assertThat(v.eotId()).isEqualTo(id(llama3, "<|eot_id|>"));
    assertThat(v.bosText()).isEqualTo("<|begin_of_text|>");
    TestGguf qwen = TestVocabularies.qwen2();
    assertThat(TestVocabularies.read(qwen).endOfGeneration()).containsExactlyInAnyOrder(id(qwen, "<|im_end|>"), id(qwen, "<|endoftext|>"));
  }

  @Test
  void anIdOutsideOfTheVocabularyIsPassedOver() {
    Vocabulary v = TestVocabularies.read(TestVocabularies.spm().put("tokenizer.ggml.bos_token_id", 99999).put("tokenizer.ggml.eot_token_id", 99999));
    assertThat(v.bosId()).isEqualTo(1);
    assertThat(v.eotId()).isEqualTo(Vocabulary.NONE);
    assertThat(v.text(Vocabulary.NONE)).isEmpty();
    assertThatThrownBy(() -> v.piece(v.size())).hasMessageContaining("token id " + v.size());
  }

  @Test
  void aFileWithoutVocabularySaysSo() {
    assertThatThrownBy(() -> TestVocabularies.read(new TestGguf())).isInstanceOf(DataException.class).hasMessageContaining("test.gguf: has no tokenizer");
    assertThatThrownBy(() -> TestVocabularies.read(new TestGguf().put("tokenizer.ggml.model", "llama"))).hasMessageContaining("tokenizer.ggml.tokens is missing");
    assertThatThrownBy(() -> TestVocabularies.read(TestVocabularies.spm().put("tokenizer.ggml.token_type", List.of(1, 2)))).hasMessageContaining("2 entries for");
  }

  @Test
  void anEmptyChatTemplateIsNone() {
    assertThat(TestVocabularies.read(TestVocabularies.spm().put("tokenizer.chat_template", " ")).chatTemplate()).isEmpty();
    assertThat(TestVocabularies.read(TestVocabularies.spm().put("tokenizer.chat_template", "x")).chatTemplate()).contains("x");
  }
}
