package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.data.Dataset.Kind;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.ByteTokenizer;
import dev.graft.trainer.tokenizer.TestGguf;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of plain text, and chats that are learnt whole, with a tokenizer of single bytes. */
class PlainRowsTest {
  @TempDir Path folder;
  /** ChatML, without and with a BOS of its own. */
  private final Vocabulary without = TestVocabularies.read(TestVocabularies.qwen2());
  private final Vocabulary with = withBos();

  private static Vocabulary withBos() {
    TestGguf gguf = TestVocabularies.qwen2();
    int bos = gguf.tokens().indexOf("<|im_start|>"); // which serves as BOS here
    return TestVocabularies.read(gguf.put("tokenizer.ggml.bos_token_id", bos).put("tokenizer.ggml.add_bos_token", true));
  }

  private DataOptions options(Vocabulary vocabulary, String template, int maxLength) {
    return new DataOptions(vocabulary, vocabulary.size(), () -> new ByteTokenizer(vocabulary), ChatTemplate.resolve(template, vocabulary, Path.of("m.gguf")), maxLength, false);
  }

  private Path rows(String... rows) throws IOException {
    return Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", rows));
  }

  private Dataset read(Vocabulary vocabulary, int maxLength, String... rows) throws IOException {
    return new DatasetReader(options(vocabulary, "none", maxLength)).read(rows(rows), Kind.SFT);
  }

  private static String shown(Vocabulary vocabulary, SftExample row) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < row.tokens().length; i++) {
      String token = vocabulary.decode(new int[] {row.tokens()[i]}, true);
      text.append(row.learnt().get(i) ? "[" + token + "]" : token);
    }
    return text.toString();
  }

  @Test
  void everyTokenIsLearntBetweenBosAndEos() throws IOException {
    assertThat(shown(with, read(with, 0, "{\"text\": \"abc\"}").sft().get(0))).isEqualTo("<|im_start|>[a][b][c][<|im_end|>]");
    assertThat(shown(without, read(without, 0, "{\"text\": \"abc\"}").sft().get(0))).isEqualTo("a[b][c][<|im_end|>]");
    assertThat(shown(with, read(with, 0, "{\"text\": \"<|im_start|>abc<|im_end|>\"}").sft().get(0))).isEqualTo("<|im_start|>[a][b][c][<|im_end|>]");
    assertThat(shown(with, read(with, 0, "{\"text\": \"a<|im_start|>b\"}").sft().get(0))).isEqualTo("<|im_start|>[a]<|im_start|>[b][<|im_end|>]");
  }

  @Test
  void aLongTextBecomesConsecutiveWindows() throws IOException {
    Dataset data = read(with, 4, "{\"text\": \"abcdefgh\"}", "{\"text\": \"ab\"}");
    assertThat(data.sft()).extracting(row -> shown(with, row))
        .containsExactly("<|im_start|>[a][b][c]", "<|im_start|>[d][e][f]", "<|im_start|>[g][h][<|im_end|>]", "<|im_start|>[a][b][<|im_end|>]");
    DatasetReport report = data.report();
    assertThat(List.of(report.rows(), report.kept(), report.windows().texts(), report.windows().count(), report.windows().cut().count())).containsExactly(2, 2, 2, 4, 1);
    assertThat(report.windows().cut().first()).containsExactly(1);
    assertThat(report.tokens()).isEqualTo(16);
    assertThat(report.learnt()).isEqualTo(12);
    assertThat(report.truncatedCompletions().count()).isZero();
    assertThat(String.join("\n", report.lines())).contains("rows of text 2, learnt whole in windows: 4; longer than 4 tokens and cut into consecutive windows: 1, line 1");
    assertThat(report.toJson().path("text_windows").asInt()).isEqualTo(4);
    assertThat(read(without, 4, "{\"text\": \"abcdefgh\"}").sft()).extracting(row -> shown(without, row)).as("without a BOS, windows share a token, so that each is learnt")
        .containsExactly("a[b][c][d]", "d[e][f][g]", "g[h][<|im_end|>]");
  }

  @Test
  void eachTokenOfAnyTextIsLearntOnce() throws IOException {
    Random random = new Random(3);
    for (int round = 0; round < 60; round++) {
      String text = "abcdefghij".repeat(1 + random.nextInt(5)).substring(random.nextInt(10));
      int maxLength = 2 + random.nextInt(20);
      for (Vocabulary vocabulary : List.of(with, without)) {
        List<Integer> learnt = new ArrayList<>();
        for (SftExample window : read(vocabulary, maxLength, "{\"text\": \"" + text + "\"}").sft()) {
          assertThat(window.length()).isBetween(2, maxLength);
          IntStream.of(window.targetPositions()).forEach(i -> learnt.add(window.tokens()[i]));
        }
        String expected = vocabulary.addBos() ? text : text.substring(1);
        assertThat(vocabulary.decode(learnt.stream().mapToInt(Integer::intValue).toArray(), true)).isEqualTo(expected + "<|im_end|>");
      }
    }
  }

  @Test
  void aTextFileIsOneRow() throws IOException {
    String text = "First line.\nSecond \"line\"\r\n\n{\"text\": 1}\n".repeat(9000);
    Path file = Files.writeString(folder.resolve("notes.TXT"), text);
    Dataset data = new DatasetReader(options(with, "chatml", 0)).read(file, Kind.ANY);
    assertThat(data.kind()).isEqualTo(Kind.SFT);
    assertThat(with.decode(data.sft().get(0).tokens(), true)).isEqualTo("<|im_start|>" + text + "<|im_end|>");
    assertThat(data.report().sha256()).hasSize(64);
    Path empty = Files.writeString(folder.resolve("empty.txt"), "");
    assertThatThrownBy(() -> new DatasetReader(options(with, "none", 0)).read(empty, Kind.SFT)).isInstanceOf(DataException.class).hasMessageContaining("empty.txt: is empty");
    Path latin = Files.write(folder.resolve("latin.txt"), new byte[] {'a', '\n', (byte) 0xE9, 'b'});
    assertThatThrownBy(() -> new DatasetReader(options(with, "none", 0)).read(latin, Kind.SFT)).isInstanceOf(DataException.class).hasMessageContaining("latin.txt:2").hasMessageContaining("byte 2");
    assertThatThrownBy(() -> new DatasetReader(options(with, "none", 0)).read(folder.resolve("no.txt"), Kind.SFT)).hasMessageContaining("no such file");
  }

  @Test
  void formsMayBeMixedInAFile() throws IOException {
    String chat = "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"a\"}]}";
    Dataset data = new DatasetReader(options(with, "chatml", 0)).read(rows("{\"text\": \"t\"}", chat, "{\"prompt\": \"p\", \"completion\": \"c\"}", "{\"text\": \"u\"}"), Kind.SFT);
    assertThat(data.sft()).extracting(SftExample::line).containsExactly(1, 2, 3, 4);
    assertThat(shown(with, data.sft().get(0))).isEqualTo("<|im_start|>[t][<|im_end|>]");
    assertThat(shown(with, data.sft().get(1))).endsWith("assistant\n[a][<|im_end|>]");
    assertThat(shown(with, data.sft().get(3))).isEqualTo("<|im_start|>[u][<|im_end|>]");
  }

  @Test
  void emptyTextIsCountedAndLeftOut() throws IOException {
    Dataset data = read(with, 0, "{\"text\": \"\"}", "{\"text\": \"a\"}");
    assertThat(data.examples()).hasSize(1);
    assertThat(data.report().emptied().first()).containsExactly(1);
    Dataset all = new DatasetReader(options(with, "none", 0).withKeepAll(true)).read(rows("{\"text\": \"\"}", "{\"text\": \"a\"}"), Kind.SFT);
    assertThat(all.sft()).extracting(SftExample::targets).containsExactly(0, 2);
  }

  @Test
  void whoNeedsAnswersRefusesText() throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "a");
    for (Kind kind : List.of(Kind.PREFERENCE, Kind.UNPAIRED, Kind.PROMPT, Kind.ANSWERS)) {
      DatasetReader reader = new DatasetReader(options(with, "none", 0));
      if (kind == Kind.ANSWERS || kind == Kind.PROMPT) {
        Path mixed = rows("{\"prompt_ids\": [1], \"completion_ids\": [2]}", "{\"text\": \"a\"}");
        assertThatThrownBy(() -> reader.read(mixed, kind)).isInstanceOf(DataException.class).hasMessageContaining("rows.jsonl:2: is text").hasMessageContaining("graft sft");
      }
      assertThatThrownBy(() -> reader.read(rows("{\"text\": \"a\"}"), kind)).isInstanceOf(DataException.class).hasMessageContaining("rows.jsonl:1: is text").hasMessageContaining("needs");
      assertThatThrownBy(() -> reader.read(file, kind)).isInstanceOf(DataException.class).hasMessageContaining("a.txt: is plain text");
    }
    assertThatThrownBy(() -> read(with, 0, "{\"text\": [\"a\"]}")).hasMessageContaining("text is a list; it must be a string");
    assertThat(read(with, 0, "{\"prompt\": \"a\", \"completion\": \"b\", \"text\": 5}").examples()).as("a field of the user's own").hasSize(1);
  }

  private SftExample whole(Vocabulary vocabulary, String template, int maxLength, String row) throws IOException {
    return new DatasetReader(options(vocabulary, template, maxLength).withTrainOnPrompts(true)).read(rows(row), Kind.SFT).sft().get(0);
  }

  @Test
  void promptsAreLearntWhenAskedFor() throws IOException {
    String chat = "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"a\"}]}";
    String rendered = "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n";
    SftExample row = whole(without, "chatml", 0, chat);
    assertThat(without.decode(row.tokens(), true)).isEqualTo(rendered);
    assertThat(row.targets()).isEqualTo(row.length() - 1);
    SftExample asked = whole(without, "chatml", 0, "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}");
    assertThat(without.decode(asked.tokens(), true)).isEqualTo("<|im_start|>user\nq<|im_end|>\n");
    assertThat(asked.targets()).isEqualTo(asked.length() - 1);
    assertThat(shown(without, whole(without, "none", 0, "{\"prompt\": \"p\", \"completion\": \"c\"}"))).isEqualTo("p[c][<|im_end|>]");
    assertThat(shown(with, whole(with, "none", 0, "{\"prompt\": \"p\", \"completion\": \"c\"}"))).isEqualTo("<|im_start|>[p][c][<|im_end|>]");
    assertThat(shown(with, whole(with, "none", 0, "{\"prompt\": \"\", \"completion\": \"c\"}"))).isEqualTo("<|im_start|>[c][<|im_end|>]");
    SftExample turns = whole(with, "chatml", 0, chat);
    for (int i = 0; i < turns.length(); i++) {
      assertThat(turns.learnt().get(i)).as("BOS is never predicted, all else is").isEqualTo(turns.tokens()[i] != with.bosId());
    }
    assertThat(shown(without, whole(without, "none", 0, "{\"prompt_ids\": [97, 98], \"completion_ids\": [99]}"))).isEqualTo("a[b][c]");
  }

  @Test
  void aLongRowLosesTheLeftOfItsPromptThoughPromptsAreLearnt() throws IOException {
    DatasetReader reader = new DatasetReader(options(with, "none", 5).withTrainOnPrompts(true));
    Dataset data = reader.read(rows("{\"prompt\": \"pqrst\", \"completion\": \"ab\"}", "{\"prompt\": \"p\", \"completion\": \"abcdefg\"}"), Kind.SFT);
    assertThat(data.sft()).extracting(row -> shown(with, row)).containsExactly("<|im_start|>[t][a][b][<|im_end|>]", "<|im_start|>[a][b][c][d]");
    assertThat(data.report().truncatedPrompts().first()).containsExactly(1, 2);
    assertThat(data.report().truncatedCompletions().first()).containsExactly(2);
  }
}
