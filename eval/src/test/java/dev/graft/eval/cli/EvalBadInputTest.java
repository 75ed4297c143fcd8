package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What graft eval refuses, in one line, before it writes a prediction. */
class EvalBadInputTest {
  private static final Golden GOLDEN = Golden.of("llama_q8_0");
  private static final String ROW = "{\"prompt_ids\": [1, 12, 13], \"label\": \"yes\", \"completion_ids\": [5]}";

  @TempDir Path folder;

  private Cli.Result eval(List<String> rows, Object... more) throws IOException {
    Path data = Files.write(folder.resolve("rows.jsonl"), rows);
    List<Object> args = new ArrayList<>(List.of("eval", "--model", GOLDEN.model(), "--data", data, "--output", folder.resolve("out"), "--quiet"));
    args.addAll(Arrays.asList(more));
    return Cli.run(args.toArray());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--labels yes,no --positive maybe|2|--positive maybe is none of --labels yes,no",
        "--positive maybe|2|--positive maybe is no right answer of",
        "--labels yes|2|must name two labels at least",
        "--labels yes,Yes|2|are the same but for case",
        "--labels a,b|3|rows.jsonl:1: its right answer is 'yes', which is none of --labels a,b",
        "--no-base|2|leaves nothing to judge",
        "--max-tokens 0|2|--max-tokens 0 must be at least 1",
        "--max-tokens 600|3|rows.jsonl:1: the prompt's 3 tokens and --max-tokens 600 exceed the context of 512",
        "--engine gpu|2|--engine gpu is not known",
        "--temperature -1|2|--temperature -1.0",
        "--resume --overwrite|2|not both",
        "--adapter missing.gguf|3|missing.gguf",
        "--adapter base=missing.gguf|2|the name 'base' is taken"
      })
  void aWrongFlagIsOneLine(String flags, int code, String message) throws IOException {
    assertThat(eval(List.of(ROW), (Object[]) flags.split(" ")).fails(code).err()).contains(message);
    assertThat(folder.resolve("out/predictions.jsonl")).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`{\"prompt_ids\": [1]}`|rows.jsonl:2: has no right answer to judge by",
        "`{\"id\": \"0\", \"prompt_ids\": [1], \"label\": \"no\"}`|rows.jsonl:2: id '0' is also that of line 1",
        "`{\"id\": null, \"prompt_ids\": [1], \"label\": \"no\"}`|rows.jsonl:2: id is null",
        "`{\"prompt_ids\": [1], \"label\": \"perhaps\"}`|rows.jsonl:2: its right answer is 'perhaps', which is none of",
        "`{\"prompt_ids\": [], \"label\": \"no\"}`|rows.jsonl:2: has an empty prompt_ids",
        "`nothing`|rows.jsonl:2: is not valid JSON"
      })
  void aWrongRowIsNamed(String row, String message) throws IOException {
    assertThat(eval(List.of(ROW, row), "--labels", "yes,no").fails(3).err()).contains(message);
  }

  @Test
  void emptyDataAndAnotherModelsAdapterAreBadData() throws IOException {
    assertThat(eval(List.of("")).fails(3).err()).contains("holds no rows");
    Path other = folder.resolve("other.gguf");
    Cli.run("bench", "make-model", "--architecture", "llama", "--type", "Q8_0", "--layers", 1, "--width", 64, "--heads", 2, "--kv-heads", 2, "--feed-forward", 64, "--vocabulary-size", 300,
        "--context", 64, "--output", other, "--quiet").ok();
    Path data = Files.writeString(folder.resolve("rows.jsonl"), ROW);
    assertThat(Cli.run("eval", "--model", other, "--adapter", "a=" + GOLDEN.adapter(), "--data", data, "--output", folder.resolve("out"), "--quiet").fails(3).err())
        .contains(GOLDEN.adapter().toString());
  }
}
