package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.data.Dataset.Kind;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Preferences from which nothing can be learnt: counted, named, dropped. BOS is 1 and EOS 2. */
class PairFaultsTest {
  @TempDir Path folder;

  private Dataset read(Kind kind, int maxLength, boolean keepAll, String... rows) throws IOException {
    Path file = Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", rows));
    Vocabulary v = TestVocabularies.read(TestVocabularies.spm());
    DataOptions options = new DataOptions(v, v.size(), () -> {
      throw new AssertionError("ids need no tokenizer");
    }, Optional.empty(), maxLength, keepAll);
    return new DatasetReader(options).read(file, kind);
  }

  private static String pair(String prompt, String chosen, String rejected) {
    return "{\"prompt_ids\": [" + prompt + "], \"chosen_ids\": [" + chosen + "], \"rejected_ids\": [" + rejected + "]}";
  }

  private static String labelled(String prompt, String completion, boolean label) {
    return "{\"prompt_ids\": [" + prompt + "], \"completion_ids\": [" + completion + "], \"label\": " + label + "}";
  }

  private static final String[] ROWS = {
    pair("1, 10", "20, 2", "30, 2"),
    pair("1, 10", "20, 2", "20, 2"),
    pair("1, 10", "20, 21, 22, 2", "20, 21, 23, 2"),
    pair("1, 10", "", "20, 2"),
    pair("1, 10", "30, 2", "20, 2"),
    pair("1, 11", "20", "30, 31"),
    pair("1, 1, 11", "24, 2", "25, 2"),
    pair("1, 11", "1, 20, 2", "1, 30, 2"),
    pair("1, 12", "20", "30, 2")
  };

  @Test
  void eachFaultIsCountedOnceAndDropped() throws IOException {
    Dataset data = read(Kind.PREFERENCE, 3, false, ROWS);
    assertThat(data.examples()).extracting(Example::line).containsExactly(1, 6, 9); // ids may go without an end
    DatasetReport.Pairs pairs = data.report().pairs();
    assertThat(pairs.identical().first()).containsExactly(2);
    assertThat(pairs.equalled().first()).containsExactly(3);
    assertThat(data.report().emptied().first()).containsExactly(4);
    assertThat(pairs.zeroMargin().first()).containsExactly(5);
    assertThat(pairs.unended().first()).containsExactly(6); // one answer without an end is nothing odd
    assertThat(pairs.misplacedBos().first()).containsExactly(7, 8);
    assertThat(pairs.faulty()).isEqualTo(6);
    assertThat(data.report().kept()).isEqualTo(3);
    assertThat(data.report().faults()).contains("identical answers: 1, line 2").contains("lines 7, 8");
    assertThat(data.report().toJson().path("faulty_preferences").asInt()).isEqualTo(6);
    assertThat(data.report().warnings()).anyMatch(line -> line.contains("trained on as given") && line.endsWith(": 1, line 6"));
  }

  @Test
  void withKeepAllNothingIsDropped() throws IOException {
    Dataset data = read(Kind.ANY, 3, true, ROWS);
    assertThat(data.examples()).hasSize(ROWS.length);
    assertThat(data.report().pairs().faulty()).isEqualTo(6);
  }

  @Test
  void aTruncatedAnswerDoesNotCountAsOneWithoutAnEnd() throws IOException {
    Dataset data = read(Kind.PREFERENCE, 5, false, pair("1, 10", "20, 21, 22, 23, 2", "30, 31, 32, 33, 2"));
    assertThat(data.report().pairs().faulty()).isZero();
    assertThat(data.report().truncatedCompletions().count()).isOne();
  }

  @Test
  void unpairedRowsAndPairsThatAreSplit() throws IOException {
    Dataset data = read(Kind.UNPAIRED, 0, false, labelled("1, 10", "20, 2", true), labelled("1, 10", "21, 2", false), pair("1, 11", "22, 2", "23, 2"), labelled("1", "20", true));
    assertThat(data.labelled()).extracting(LabelledExample::desirable).containsExactly(true, false, true, false, true);
    assertThat(data.labelled()).extracting(LabelledExample::line).containsExactly(1, 2, 3, 3, 4);
    assertThat(data.report().pairs().unended().first()).containsExactly(4);
    assertThat(data.report().pairs().faulty()).isZero();
    assertThatThrownBy(() -> read(Kind.UNPAIRED, 0, false, "{\"prompt_ids\": [1], \"completion_ids\": [20, 2]}")).hasMessageContaining(":1:").hasMessageContaining("label");
    assertThat(read(Kind.SFT, 0, false, labelled("1, 10", "20, 2", true)).sft()).as("a label means nothing to others").hasSize(1);
  }
}
