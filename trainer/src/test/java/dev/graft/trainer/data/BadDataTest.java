package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.data.Dataset.Kind;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.ByteTokenizer;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every wrong file gives one line that names the file, the line, what is wrong and what to do. */
class BadDataTest {
  private static final String GOOD = "{\"prompt_ids\": [1, 2], \"completion_ids\": [3]}";

  @TempDir Path folder;

  private Dataset read(Kind kind, byte[] bytes, boolean template) throws IOException {
    Path file = Files.write(folder.resolve("rows.jsonl"), bytes);
    Vocabulary v = TestVocabularies.read(TestVocabularies.qwen2());
    Optional<ChatTemplate> chosen = template ? Optional.of(ChatTemplate.named("mistral", "<s>", "</s>")) : Optional.empty();
    return new DatasetReader(new DataOptions(v, v.size(), () -> new ByteTokenizer(v), chosen, 0, false)).read(file, kind);
  }

  private void refused(Kind kind, String text, String... parts) {
    refused(kind, text.getBytes(StandardCharsets.UTF_8), false, parts);
  }

  private void refused(Kind kind, byte[] bytes, boolean template, String... parts) {
    assertThatThrownBy(() -> read(kind, bytes, template))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("rows.jsonl")
        .hasMessageNotContaining("\n")
        .hasMessageNotContaining("REDACTED")
        .satisfies(e -> assertThat(((DataException) e).exitCode()).isEqualTo(3))
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"prompt_ids\": [1, 2] | is not valid JSON | each line must be one JSON object",
        "{\"prompt_ids\": [1], \"completion_ids\": [2]} x | is not valid JSON | one JSON object",
        "{\"prompt_ids\": [1], \"completion_ids\": [2]}{} | is not valid JSON | one JSON object",
        "{\"prompt_ids\": [NaN], \"completion_ids\": [2]} | is not valid JSON | one JSON object",
        "{'prompt': 'a'} | is not valid JSON | one JSON object",
        "{\"prompt\": \"a\", \"prompt\": \"b\", \"completion\": \"c\"} | Duplicate | one JSON object",
        "[1, 2] | is a JSON array | jq",
        "42 | is not a JSON object | a row is",
        "{} | none of the fields | no fields",
        "{\"story\": \"a\"} | it has: story | a row is",
        "{\"text\": 5} | text is a number | must be a string",
        "{\"text\": \"\\ud800\"} | half a character | whole character",
        "{\"prompt\": \"a\"} | has no completion | it has: prompt",
        "{\"completion\": \"a\"} | has no prompt | a row is",
        "{\"prompt\": \"a\", \"chosen\": \"b\"} | has no rejected | a row is",
        "{\"prompt_ids\": [1]} | has no completion_ids | a row is",
        "{\"prompt\": 1, \"completion\": \"a\"} | prompt is a number | a string or a list of messages",
        "{\"prompt\": \"a\", \"completion\": null} | completion is null | a string or a list",
        "{\"prompt\": \"a\", \"completion\": \"b\", \"messages\": []} | mixes the fields | keep those of one",
        "{\"prompt\": \"a\", \"completion_ids\": [1]} | mixes the fields | keep those of one",
        "{\"prompt\": \"a\", \"completion\": \"b\", \"chosen\": \"c\", \"rejected\": \"d\"} | both completion and chosen | keep one",
        "{\"prompt_ids\": \"1 2\", \"completion_ids\": [2]} | prompt_ids is a string | list of token ids",
        "{\"prompt_ids\": [1.5], \"completion_ids\": [2]} | prompt_ids[0] is 1.5 | whole number",
        "{\"prompt_ids\": [1, \"2\"], \"completion_ids\": [2]} | prompt_ids[1] is a string | whole number",
        "{\"prompt_ids\": [1, null], \"completion_ids\": [2]} | prompt_ids[1] is null | whole number",
        "{\"prompt_ids\": [-1], \"completion_ids\": [2]} | prompt_ids[0] is -1 | ids 0 to 271",
        "{\"prompt_ids\": [1], \"completion_ids\": [272]} | completion_ids[0] is 272 | ids 0 to 271",
        "{\"prompt_ids\": [1], \"completion_ids\": [99999999999999999999]} | completion_ids[0] is 99999999999999999999 | ids 0 to",
        "{\"prompt_ids\": [], \"completion_ids\": [2]} | empty prompt_ids | BOS",
        "{\"messages\": \"hi\"} | messages is a string | list",
        "{\"messages\": []} | messages is empty | at least one",
        "{\"messages\": [1]} | messages[0] is a number | role",
        "{\"messages\": [{\"content\": \"a\"}]} | messages[0] has no role | user",
        "{\"messages\": [{\"role\": \"user\"}]} | messages[0].content is null | string",
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]} | not text | only text",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]} | no chat template | --template",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"a\"}], \"completion\": \"b\"} | no chat template | --template",
        "{\"prompt\": \"a\", \"completion\": [{\"role\": \"user\", \"content\": \"b\"}]} | role is not assistant | prompt",
        "{\"prompt\": \"\", \"completion\": \"b\"} | empty prompt and this model has no BOS | write a prompt",
        "{\"prompt\": \"\\ud800\", \"completion\": \"b\"} | half a character | whole character",
        "{\"prompt\": \"a\", \"completion\": \"b\", \"tools\": 3} | tools is a number | list",
        "{\"prompt_ids\": [1], \"chosen_ids\": [2], \"rejected_ids\": [3]} | preference pair | line 1",
      })
  void aBadRowIsNamedByItsLine(String row, String what, String todo) {
    refused(Kind.ANY, "\ufeff" + GOOD + "\r\n\r\n" + row + "\n" + GOOD, "rows.jsonl:3: ", what, todo);
  }

  @Test
  void theOtherKindIsRefused() {
    refused(Kind.PREFERENCE, GOOD, "rows.jsonl:1: ", "this command needs rows with chosen and rejected");
    refused(Kind.SFT, "{\"prompt\": \"a\", \"chosen\": \"b\", \"rejected\": \"c\"}", "rows.jsonl:1: ", "this command needs rows with a completion");
  }

  @Test
  void bytesThatAreNotUtf8AreNamedByTheirLine() {
    byte[] latin = (GOOD + "\n{\"prompt\": \"caf\u00e9\", \"completion\": \"x\"}").getBytes(StandardCharsets.ISO_8859_1);
    refused(Kind.ANY, latin, false, "rows.jsonl:2: ", "not UTF-8", "iconv");
    refused(Kind.ANY, GOOD.getBytes(StandardCharsets.UTF_16), false, "rows.jsonl:1: ", "UTF-16");
    refused(Kind.ANY, new byte[] {0x1F, (byte) 0x8B, 8}, false, "compressed", "unpack");
    refused(Kind.ANY, "GGUF\u0003".getBytes(StandardCharsets.UTF_8), false, "is a model");
  }

  @Test
  void emptyFilesAndFoldersAndMissingOnes() throws IOException {
    refused(Kind.ANY, "", "holds no rows");
    refused(Kind.ANY, "\n  \n", "holds no rows");
    refused(Kind.ANY, "\ufeff", "holds no rows");
    Vocabulary v = TestVocabularies.read(TestVocabularies.qwen2());
    DatasetReader reader = new DatasetReader(new DataOptions(v, v.size(), () -> new ByteTokenizer(v), Optional.empty(), 0, false));
    assertThatThrownBy(() -> reader.read(folder, Kind.ANY)).hasMessageContaining("is a folder");
    assertThatThrownBy(() -> reader.read(folder.resolve("none.jsonl"), Kind.ANY)).hasMessageContaining("none.jsonl: no such file");
  }

  @Test
  void deepNestingAndEndlessLinesAreRefused() throws IOException {
    refused(Kind.ANY, "{\"x\": " + "[".repeat(200_000) + "}", "rows.jsonl:1: ", "is not valid JSON", "nesting");
    Path file = Files.write(folder.resolve("long.jsonl"), new byte[2000]);
    try (LineReader lines = new LineReader(file, 1000)) {
      assertThatThrownBy(lines::next).hasMessageContaining("long.jsonl:1: is longer than");
    }
  }

  @Test
  void nothingLeftToLearnIsRefused() {
    refused(Kind.ANY, "{\"prompt_ids\": [1], \"completion_ids\": []}", "none has anything to learn", "graft preview");
  }

  @Test
  void whatTheTemplateRefusesIsNamedByItsLine() {
    String row = "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}";
    refused(Kind.ANY, row.getBytes(StandardCharsets.UTF_8), true, "rows.jsonl:1: ", "turns must alternate", "--template");
  }

  @Test
  void linesMayEndInAnyWayAndTheHashIsOfTheWholeFile() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(("\ufeff" + GOOD + "\r\n\n \r\n" + GOOD + "\n" + GOOD).getBytes(StandardCharsets.UTF_8));
    Dataset dataset = read(Kind.ANY, bytes.toByteArray(), false);
    assertThat(dataset.examples()).extracting(Example::line).containsExactly(1, 4, 5);
    assertThat(dataset.report().sha256()).hasSize(64);
    assertThat(dataset.kind()).isEqualTo(Kind.SFT);
  }

  @Test
  void aLimitOfOneIsRefused() {
    Vocabulary v = TestVocabularies.read(TestVocabularies.qwen2());
    assertThatThrownBy(() -> new DataOptions(v, v.size(), () -> null, Optional.empty(), 1, false)).hasMessageContaining("--max-length 1").hasMessageContaining("at least 2");
  }
}
