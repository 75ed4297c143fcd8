package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.trainer.data.Dataset.Kind;
import dev.graft.trainer.tokenizer.TestGguf;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of ready ids: used exactly as given, without a tokenizer; and what truncation does to them. */
class IdsTest {
  @TempDir Path folder;

  private Dataset read(int maxLength, boolean keepAll, String... rows) throws IOException {
    Path file = Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", rows));
    TestGguf gguf = TestVocabularies.spm(); // its BOS is 1
    Vocabulary v = TestVocabularies.read(gguf);
    DataOptions options = new DataOptions(v, v.size(), () -> {
      throw new AssertionError("ids need no tokenizer");
    }, Optional.empty(), maxLength, keepAll);
    return new DatasetReader(options).read(file, Kind.ANY);
  }

  private static String sft(String prompt, String completion) {
    return "{\"prompt_ids\": [" + prompt + "], \"completion_ids\": [" + completion + "]}";
  }

  @Test
  void idsAreUsedExactlyAsGiven() throws IOException {
    SftExample row = read(0, false, sft("7, 8", "9, 2, 2")).sft().get(0);
    assertThat(row.tokens()).containsExactly(7, 8, 9, 2, 2);
    assertThat(row.targetPositions()).containsExactly(2, 3, 4);
    assertThat(row.promptLength()).isEqualTo(2);
    PreferenceExample pair = read(0, false, "{\"prompt_ids\": [7], \"chosen_ids\": [8, 2], \"rejected_ids\": [9]}").preferences().get(0);
    assertThat(pair.prompt()).containsExactly(7);
    assertThat(pair.chosen()).containsExactly(8, 2);
    assertThat(pair.rejected()).containsExactly(9);
    assertThat(pair.packedLength()).isEqualTo(4);
    assertThat(pair.length()).isEqualTo(3);
  }

  @Test
  void promptsAreCutFromTheLeftBeforeCompletionsFromTheRight() throws IOException {
    Dataset data = read(5, false, sft("1, 10, 11, 12, 13", "20, 21"), sft("10, 11, 12, 13", "20, 21"), sft("1, 10", "20, 21, 22, 23, 24, 25"), sft("1, 10", "20, 2"));
    assertThat(data.sft().get(0).tokens()).containsExactly(1, 12, 13, 20, 21);
    assertThat(data.sft().get(0).targetPositions()).containsExactly(3, 4);
    assertThat(data.sft().get(1).tokens()).containsExactly(11, 12, 13, 20, 21);
    assertThat(data.sft().get(2).tokens()).containsExactly(1, 20, 21, 22, 23);
    assertThat(data.sft().get(2).promptLength()).isEqualTo(1);
    assertThat(data.sft().get(3).tokens()).containsExactly(1, 10, 20, 2);
    assertThat(data.report().truncatedPrompts().first()).containsExactly(1, 2, 3);
    assertThat(data.report().truncatedCompletions().first()).containsExactly(3);
    assertThat(data.report().warnings()).hasSize(2);
  }

  @Test
  void aPairKeepsOnePrompt() throws IOException {
    Dataset data = read(6, false, "{\"prompt_ids\": [1, 10, 11, 12], \"chosen_ids\": [20, 2], \"rejected_ids\": [30, 31, 32, 33]}",
        "{\"prompt_ids\": [1, 10], \"chosen_ids\": [20, 21, 22, 23, 24, 25, 26], \"rejected_ids\": [20, 21, 22, 23, 24, 29]}");
    PreferenceExample first = data.preferences().get(0);
    assertThat(first.prompt()).containsExactly(1, 12);
    assertThat(first.chosen()).containsExactly(20, 2);
    assertThat(first.rejected()).containsExactly(30, 31, 32, 33);
    assertThat(data.report().pairs().equalled().first()).as("cut to the same tokens").containsExactly(2);
  }

  @Test
  void whatHasNothingToLearnIsDroppedOrKeptInPlace() throws IOException {
    String[] rows = {sft("1, 10", ""), sft("1", "20"), "{\"prompt_ids\": [1], \"completion_ids\": []}"};
    Dataset dropped = read(0, false, rows);
    assertThat(dropped.examples()).extracting(Example::line).containsExactly(2);
    assertThat(dropped.report().emptied().first()).containsExactly(1, 3);
    assertThat(dropped.report().kept()).isOne();
    Dataset kept = read(0, true, rows);
    assertThat(kept.examples()).hasSize(3);
    assertThat(kept.sft().get(0).targets()).isZero();
  }

  @Test
  void aDoubledBosInIdsIsReportedAndLeft() throws IOException {
    Dataset data = read(0, false, sft("1, 1, 10", "20"), sft("1, 10", "20"));
    assertThat(data.sft().get(0).tokens()).containsExactly(1, 1, 10, 20);
    assertThat(data.report().doubledBos().first()).containsExactly(1);
  }

  @Test
  void quantilesAreNearestRanks() throws IOException {
    String[] rows = new String[10];
    for (int i = 0; i < 10; i++) {
      rows[i] = sft("1" + ", 5".repeat(i), "2" + ", 6".repeat(2 * i));
    }
    DatasetReport report = read(0, false, rows).report();
    assertThat(report.prompts()).isEqualTo(new DatasetReport.Quantiles(1, 5, 9, 10, 10));
    assertThat(report.completions()).isEqualTo(new DatasetReport.Quantiles(1, 9, 17, 19, 19));
    assertThat(report.tokens()).isEqualTo(55 + 100);
    assertThat(report.learnt()).isEqualTo(100);
    assertThat(report.toJson().path("prompt_tokens").path("median").asInt()).isEqualTo(5);
    assertThat(report.lines().get(0)).isEqualTo("10 rows, 10 used; 155 tokens, 100 of them learnt");
  }
}
