package dev.graft.trainer.constrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.tokenizer.TestGguf;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ConstraintsTest {

  /** A vocabulary of just these tokens and an end. */
  private static Vocabulary vocabulary(String... tokens) {
    List<String> all = new ArrayList<>(List.of("<s>", "</s>"));
    all.addAll(List.of(tokens));
    List<Integer> types = new ArrayList<>(List.of(3, 3));
    Arrays.stream(tokens).forEach(token -> types.add(1));
    return TestVocabularies.read(
        new TestGguf().put("tokenizer.ggml.model", "llama").put("tokenizer.ggml.tokens", all).put("tokenizer.ggml.token_type", types).put("tokenizer.ggml.bos_token_id", 0).put("tokenizer.ggml.eos_token_id", 1));
  }

  @Test
  void aVocabularyWithoutSomeBytesIsNotLedIntoDeadEnds() {
    Vocabulary v = vocabulary("a", "b", "ab", "xa", "ax", "\u00e9", "c\u00e9", "c", "!");
    Constraints forms = Constraints.of(v);
    Random random = new Random(1);
    // x has no token of its own: "ax" can be followed by nothing that writes it, "xa" can
    for (String regex : List.of("(a|b)*", "(xa|b)+", "axb|ab", "(ax)+!|b", "(\u00e9|c)*!", "[a-c\u00e9]{3}", "a(x(a|y)|b)")) {
      for (int i = 0; i < 30; i++) {
        assertThat(Walks.answer(forms.regex(regex), v, random, 6)).matches(regex);
      }
    }
    assertThatThrownBy(() -> forms.regex("xay")).isInstanceOf(ConstraintException.class).hasMessage("the vocabulary cannot write such an answer: it has no token of its own for byte 0x78 (x), byte 0x79 (y)");
    assertThatThrownBy(forms::json).hasMessageContaining("it has no token of its own for");
  }

  @Test
  void aVocabularyWithoutAnEndIsRefused() {
    TestGguf gguf = TestVocabularies.spm().put("tokenizer.ggml.model", "bert").remove("tokenizer.ggml.eos_token_id");
    assertThatThrownBy(() -> Constraints.of(TestVocabularies.read(gguf))).isInstanceOf(ConstraintException.class).hasMessageContaining("no end-of-generation token");
  }

  @Test
  void tokensOfOneTextAreAllowedTogether() {
    Vocabulary v = TestVocabularies.read(TestVocabularies.spm());
    int letter = -1;
    for (int id = 259; id < v.size(); id++) {
      letter = Arrays.equals(v.piece(id), new byte[] {'h'}) ? id : letter;
    }
    long[] mask = Constraints.of(v).choice(List.of("hello", "yes")).start().allowed();
    assertThat(Walks.has(mask, letter)).isTrue();
    assertThat(Walks.has(mask, 3 + 'h')).isTrue();
    assertThat(Walks.has(mask, 3 + 'e')).isFalse();
  }

  @Test
  void formsAreKept() throws Exception {
    Constraints forms = Constraints.of(Walks.bpe());
    ObjectMapper json = new ObjectMapper();
    assertThat(forms.regex("a+")).isSameAs(forms.regex("a+"));
    assertThat(forms.jsonSchema(json.readTree("{\"type\":\"null\"}"))).isSameAs(forms.jsonSchema(json.readTree("{ \"type\": \"null\" }")));
    assertThat(forms.choice(List.of("a"))).isNotSameAs(forms.regex("a"));
  }

  @Test
  void threadsShareAForm() throws Exception {
    Vocabulary v = Walks.bpe();
    Constraints forms = Constraints.of(v);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<Integer>> all = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int seed = i;
        all.add(pool.submit(() -> {
          Random random = new Random(seed);
          for (int n = 0; n < 20; n++) {
            new ObjectMapper().readTree(Walks.answer(forms.json(), v, random, 40));
          }
          return 1;
        }));
      }
      for (Future<Integer> each : all) {
        assertThat(each.get()).isEqualTo(1);
      }
    } finally {
      pool.shutdown();
    }
  }

  @Test
  void longAnswersOfManyFormsStayWithinTheirCaches() {
    Vocabulary v = Walks.bpe();
    TokenConstraint json = Constraints.of(v).json();
    ConstraintState state = json.start();
    state.accept('[');
    for (int i = 0; i < 3 * Limits.STACK_SETS; i++) {
      // ever new stacks: each value nests in another pattern of arrays and objects
      int pattern = i;
      StringBuilder open = new StringBuilder(i > 0 ? "," : "");
      StringBuilder close = new StringBuilder();
      for (int d = 0; d < 4; d++, pattern >>= 1) {
        open.append((pattern & 1) == 0 ? "[" : "{\"\":");
        close.insert(0, (pattern & 1) == 0 ? "]" : "}");
      }
      for (byte b : (open + "1" + close).getBytes(java.nio.charset.StandardCharsets.US_ASCII)) {
        state.accept(b);
      }
    }
    state.accept(']');
    assertThat(state.finished()).isTrue();
  }
}
