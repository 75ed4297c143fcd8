package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code graft dpo} refuses: one line, and the exit code. */
class DpoBadInputTest {
  private static final Golden GOLDEN = Golden.of("llama_q8_0");
  private static final String PAIR = "{\"prompt_ids\": [1, 5], \"chosen_ids\": [6, 2], \"rejected_ids\": [7, 2]}";

  @TempDir Path folder;

  private Cli.Result dpo(Path data, Object... more) {
    List<Object> flags = new ArrayList<>(
        List.of("dpo", "--model", GOLDEN.model(), "--data", data, "--output", folder.resolve("run"), "--max-steps", 1, "--batch-size", 1, "--quiet", "--overwrite"));
    flags.addAll(List.of(more));
    return Cli.run(flags.toArray());
  }

  private Path rows(String... rows) {
    try {
      return Files.write(Files.createTempFile(folder, "rows", ".jsonl"), List.of(rows));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
    "--beta=0|--beta must be a number above 0, not 0",
    "--beta=-0.1|--beta must be a number above 0, not -0.1",
    "--beta=NaN|--beta must be a number above 0",
    "--label-smoothing=0.5|--label-smoothing must be in [0, 0.5)",
    "--loss=dpo|--loss dpo is unknown; one of sigmoid,",
    "--ld-alpha=2|--ld-alpha must be in [0, 1], not 2",
    "--simpo-gamma=1|--simpo-gamma does not apply to --loss sigmoid",
    "--desirable-weight=2|--desirable-weight does not apply",
    "--reference=never|--reference never is not known; give cache or online",
    "--max-bad-fraction=2|--max-bad-fraction 2.0 must be from 0 to 1"
  })
  void badNumbersAreUsageErrors(String flag, String message) {
    assertThat(dpo(GOLDEN.dpo(), flag).fails(2).err()).contains(message);
  }

  @Test
  void flagsThatExcludeOneAnother() {
    assertThat(dpo(GOLDEN.dpo(), "--reference=online", "--reference-cache=x").fails(2).err()).contains("give one of them");
    assertThat(dpo(GOLDEN.dpo(), "--loss=simpo", "--reference-adapter", GOLDEN.adapter()).fails(2).err()).contains("has no reference");
  }

  @Test
  void rowsOfAnotherKindAreOneLine() {
    assertThat(dpo(GOLDEN.sft()).fails(3).err()).contains(":1:").contains("needs rows with chosen and rejected").contains("graft sft");
    assertThat(dpo(GOLDEN.sft(), "--loss=kto").fails(3).err()).contains(":1:").contains("has no label").contains("prompt, completion and label");
    assertThat(dpo(rows("{\"prompt_ids\": [1], \"completion_ids\": [2], \"label\": true}")).fails(3).err()).contains(":1:").contains("--loss kto");
    assertThat(dpo(rows("{\"prompt_ids\": [1], \"completion_ids\": [2], \"label\": 1}"), "--loss=kto").fails(3).err()).contains(":1:").contains("no label that is true or false");
    assertThat(dpo(rows(PAIR, "{\"prompt_ids\": [1], \"chosen_ids\": [2]}")).fails(3).err()).contains(":2:").contains("rejected_ids");
    assertThat(dpo(rows("{\"prompt\": \"a\", \"rejected\": \"b\"}")).fails(3).err()).contains(":1:").contains("has no chosen");
    assertThat(Cli.run("sft", "--model", GOLDEN.model(), "--data", GOLDEN.dpo(), "--output", folder.resolve("run"), "--quiet").fails(3).err())
        .contains(":1:").contains("preference pair").contains("graft dpo");
  }

  @Test
  void aReferenceAdapterOfAnotherShapeIsOneLine() {
    Path wide = folder.resolve("wide.gguf");
    Cli.run("bench", "make-model", "--output", wide, "--layers", 1, "--width", 64, "--heads", 2, "--kv-heads", 1, "--feed-forward", 96, "--vocabulary-size", 320, "--type", "F32").ok();
    Path sft = folder.resolve("sft");
    Cli.run("sft", "--model", wide, "--data", GOLDEN.sft(), "--output", sft, "--max-steps", 1, "--quiet").ok();
    assertThat(dpo(GOLDEN.dpo(), "--reference-adapter", sft.resolve("adapter.gguf")).fails(3).err()).contains("adapter.gguf");
    dpo(GOLDEN.dpo(), "--reference-adapter", folder.resolve("missing.gguf")).fails(3);
  }

  @Test
  void pairsThatTeachNothingAreNamedAndRefused() {
    List<String> good = new ArrayList<>();
    for (int i = 0; i < 99; i++) {
      good.add("{\"prompt_ids\": [1, " + (10 + i) + "], \"chosen_ids\": [6, 2], \"rejected_ids\": [7, 2]}");
    }
    String same = "{\"prompt_ids\": [1, 5], \"chosen_ids\": [6, 2], \"rejected_ids\": [6, 2]}";
    String empty = "{\"prompt_ids\": [1, 5], \"chosen_ids\": [], \"rejected_ids\": [6, 2]}";
    List<String> few = new ArrayList<>(good);
    few.add(same);
    Path one = rows(few.toArray(String[]::new));
    Object[] loud = {"dpo", "--model", GOLDEN.model(), "--data", one, "--output", folder.resolve("loud"), "--max-steps", 1, "--batch-size", 1};
    assertThat(Cli.run(loud).ok().err()).contains("the same tokens (not trained on): 1, line 100").contains("99 rows");
    few.add(empty);
    Path two = rows(few.toArray(String[]::new));
    String refused = dpo(two).fails(3).err();
    assertThat(refused).contains("2 of 101 rows (2.0%)").contains("identical answers: 1, line 100").contains("an empty answer: 1, line 101").contains("--max-bad-fraction 0.02");
    dpo(two, "--max-bad-fraction", 0.02).ok();
    assertThat(dpo(rows(same, same), "--max-bad-fraction=1").fails(3).err()).contains("none has anything to learn").contains("identical answers: 2, lines 1, 2");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
    "[1, 5]|[6, 7, 8, 2]|[6, 7, 9, 2]|equal by truncation",
    "[1, 1, 5]|[6, 2]|[8, 2]|a doubled BOS",
    "[1, 5]|[1, 6, 2]|[1, 8, 2]|answers that begin with it"
  })
  void otherFaultsAreCountedToo(String prompt, String chosen, String rejected, String message) {
    String row = "{\"prompt_ids\": " + prompt + ", \"chosen_ids\": " + chosen + ", \"rejected_ids\": " + rejected + "}";
    assertThat(dpo(rows(PAIR, row), "--max-length=3").fails(3).err()).contains("1 of 2 rows (50.0%)").contains(message).contains("line 2");
  }

  @Test
  void aPairThatStandsBothWaysIsCounted() {
    String reverse = "{\"prompt_ids\": [1, 5], \"chosen_ids\": [7, 2], \"rejected_ids\": [6, 2]}";
    assertThat(dpo(rows(PAIR, reverse)).fails(3).err()).contains("reverse of an earlier line").contains("line 2");
  }

  @Test
  void resumingTheOtherCommandsRunIsRefused() {
    dpo(GOLDEN.dpo()).ok();
    List<Object> sft = new ArrayList<>(List.of("sft", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--output", folder.resolve("run"), "--quiet", "--resume"));
    Collections.addAll(sft, "--max-steps", 2);
    assertThat(Cli.run(sft.toArray()).fails(2).err()).contains("started with graft dpo");
  }
}
