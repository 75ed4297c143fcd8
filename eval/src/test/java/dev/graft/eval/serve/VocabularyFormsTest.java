package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.tokenizer.Metadata;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VocabularyFormsTest {
  /** Two letters and no end: what some base models are published with. */
  private static final class Endless implements Metadata {
    private static final String VALUES = """
        {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "llama-bpe", "tokenizer.ggml.tokens": ["a", "b"], "tokenizer.ggml.token_type": [1, 1], "tokenizer.ggml.merges": []}
        """;
    private final JsonNode values;

    Endless() throws IOException {
      values = new ObjectMapper().readTree(VALUES);
    }

    @Override
    public Optional<JsonNode> value(String key) {
      return Optional.ofNullable(values.get(key));
    }

    @Override
    public byte[] bytes(String key, long index) {
      return values.path(key).path((int) index).asText().getBytes(StandardCharsets.UTF_8);
    }
  }

  @Test
  void aVocabularyThatCannotEndAnAnswerStillServesPlainOnes() throws IOException {
    Vocabulary endless = Vocabulary.read(new Endless(), Path.of("endless.gguf"));
    assertThat(endless.endOfGeneration()).isEmpty();
    VocabularyForms forms = new VocabularyForms(endless);
    assertThat(forms.of(fields("{\"model\": \"base\"}"))).isNull();
    assertThatThrownBy(() -> forms.of(fields("{\"guided_regex\": \"a+\"}"))).isInstanceOf(ApiException.class).hasMessageContaining("no end-of-generation token");
  }

  @Test
  void plainTextNeedsNoPreparation() {
    VocabularyForms forms = new VocabularyForms(FakeServer.VOCABULARY);
    assertThat(forms.of(fields("{\"response_format\": {\"type\": \"text\"}}"))).isNull();
    assertThat(forms.prepared()).isFalse();
    assertThat(forms.of(fields("{\"guided_regex\": \"a+\"}"))).isNotNull();
    assertThat(forms.prepared()).isTrue();
  }

  private static Fields fields(String body) {
    return Fields.parse(body.getBytes(StandardCharsets.UTF_8));
  }
}
