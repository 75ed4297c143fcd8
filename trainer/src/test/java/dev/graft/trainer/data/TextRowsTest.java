package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.trainer.data.Dataset.Kind;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.ByteTokenizer;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of text, with a tokenizer of single bytes. */
class TextRowsTest {
  @TempDir Path folder;
  private final Vocabulary vocabulary = TestVocabularies.read(TestVocabularies.qwen2());
  private final ByteTokenizer tokenizer = new ByteTokenizer(vocabulary);

  private DataOptions options(String template, int maxLength) {
    Optional<ChatTemplate> chosen = ChatTemplate.resolve(template, vocabulary, Path.of("m.gguf"));
    return new DataOptions(vocabulary, vocabulary.size(), () -> tokenizer, chosen, maxLength, false);
  }

  private Dataset read(String template, int maxLength, Kind kind, String... rows) throws IOException {
    return new DatasetReader(options(template, maxLength)).read(Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", rows)), kind);
  }

  @Test
  void aChatWithoutAssistantIsAllMasked() throws IOException {
    String asked = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}";
    String answered = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}";
    Dataset data = read("chatml", 0, Kind.SFT, asked, answered);
    assertThat(data.report().allMasked().first()).containsExactly(1);
    assertThat(data.examples()).extracting(Example::line).containsExactly(2);
    assertThat(data.sft().get(0).promptLength()).isEqualTo(-1);
  }

  @Test
  void aLongChatKeepsItsFirstLearntTurnAndIsCutFromTheRight() throws IOException {
    String row = "{\"messages\": [{\"role\": \"user\", \"content\": \"" + "q".repeat(50) + "\"}, {\"role\": \"assistant\", \"content\": \"abcdefgh\"},"
        + "{\"role\": \"user\", \"content\": \"x\"}, {\"role\": \"assistant\", \"content\": \"ijk\"}]}";
    SftExample cut = read("chatml", 6, Kind.SFT, row).sft().get(0);
    assertThat(vocabulary.decode(cut.tokens(), true)).isEqualTo("\nabcde");
    assertThat(cut.targetPositions()).containsExactly(1, 2, 3, 4, 5);
  }

  @Test
  void anEmptyCompletionIsItsEnd() throws IOException {
    SftExample row = read("none", 0, Kind.SFT, "{\"prompt\": \"a\", \"completion\": \"\"}").sft().get(0);
    assertThat(row.tokens()).containsExactly('a', vocabulary.eosId());
    assertThat(row.targets()).isOne();
  }

  @Test
  void contentInPartsIsItsTextAndToolsReachTheTemplate() throws IOException {
    Path template = Files.writeString(folder.resolve("t.jinja"), "{% if tools %}{{ tools[0].name }}|{% endif %}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}");
    SftExample row = read(template.toString(), 0, Kind.SFT,
        "{\"tools\": [{\"name\": \"calc\"}], \"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"}, {\"type\": \"text\", \"text\": \"b\"}]},"
            + " {\"role\": \"assistant\", \"content\": \"c\"}]}").sft().get(0);
    assertThat(vocabulary.decode(row.tokens(), true)).isEqualTo("calc|ab<|im_end|>c<|im_end|>");
    assertThat(row.targets()).isEqualTo(2);
  }

  /** Whatever the template leaves out: so that only ids can lack an end. */
  @Test
  void preferencesInTextAlwaysEnd() throws IOException {
    Path template = Files.writeString(folder.resolve("t.jinja"), "{% for m in messages %}{{ m.content }}{% if m.role == 'user' %}<|im_end|>{% else %}|{% endif %}{% endfor %}");
    String row = "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}";
    for (String chosen : new String[] {template.toString(), "chatml", "none"}) {
      Dataset data = read(chosen, 0, Kind.PREFERENCE, row);
      assertThat(data.report().pairs().unended().count()).as(chosen).isZero();
      assertThat(data.preferences().get(0).chosen()).as(chosen).contains(vocabulary.eosId());
    }
  }

  @Test
  void formatsOfOneKindMayBeMixedAndManyRowsAreAskedTogether() throws IOException {
    String[] rows = new String[1000];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i % 2 == 0 ? "{\"prompt\": \"p" + i + "\", \"completion\": \"c\"}" : "{\"prompt_ids\": [1], \"completion_ids\": [2]}";
    }
    Dataset data = read("none", 0, Kind.ANY, rows);
    assertThat(data.examples()).hasSize(1000);
    assertThat(tokenizer.requests()).isLessThanOrEqualTo(2);
  }

  @Test
  void promptsAreReadFromAnyFormat() throws IOException {
    Dataset data = read("chatml", 0, Kind.PROMPT, "{\"prompt\": \"a\"}", "{\"prompt_ids\": [5, 6]}", "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}");
    int[] expected = new PromptEncoder(options("chatml", 0)).encode("a");
    assertThat(vocabulary.decode(expected, true)).isEqualTo("<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n");
    assertThat(data.prompts().get(0).tokens()).isEqualTo(expected);
    assertThat(data.prompts().get(1).tokens()).containsExactly(5, 6);
    assertThat(data.prompts().get(2).tokens()).isEqualTo(expected);
    assertThat(data.prompts().get(3).tokens()).isEqualTo(expected);
    assertThat(new PromptEncoder(options("chatml", 0)).encode(List.of(Map.of("role", "user", "content", "a")))).isEqualTo(expected);
  }

  @Test
  void thePreviewShowsEveryToken() throws IOException {
    Dataset data = read("none", 0, Kind.ANY, "{\"prompt\": \"\u20ac\", \"completion\": \"b\"}");
    assertThat(Preview.sequences(data.examples().get(0), vocabulary).get("tokens"))
        .containsExactly(
            new Preview.Token(0xE2, "<0xE2>", false), new Preview.Token(0x82, "<0x82>", false), new Preview.Token(0xAC, "<0xAC>", false),
            new Preview.Token('b', "b", true), new Preview.Token(vocabulary.eosId(), "<|im_end|>", true));
    assertThat(Preview.toJson(0, data.examples().get(0), vocabulary).toString()).startsWith("{\"index\":0,\"line\":1,\"tokens\":[{\"id\":226,\"text\":\"<0xE2>\",\"learnt\":false}");
  }
}
