package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code graft score} against the oracle's log-probabilities. */
class GoldenScoreTest {
  private static final double TOLERANCE = 2e-4;

  @TempDir Path folder;

  static Stream<Arguments> cases() {
    return Golden.names().flatMap(name -> Golden.isas().stream().map(isa -> Arguments.of(name, isa)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void baseAndAdapterAreTheOracles(String name, String isa) {
    Golden golden = Golden.of(name);
    Path base = folder.resolve("base.jsonl");
    Path adapted = folder.resolve("adapted.jsonl");
    Cli.run("score", "--model", golden.model(), "--data", golden.sft(), "--output", base, "--isa", isa, "--quiet").ok();
    Cli.run("score", "--model", golden.model(), "--adapter", golden.adapter(), "--data", golden.sft(), "--output", adapted, "--isa", isa, "--quiet").ok();
    compare(Golden.lines(base), golden.expected().path("score_base"));
    compare(Golden.lines(adapted), golden.expected().path("score_adapter"));
  }

  private static void compare(List<JsonNode> rows, JsonNode expected) {
    assertThat(rows).hasSize(expected.size());
    for (int row = 0; row < rows.size(); row++) {
      assertThat(rows.get(row).path("index").asInt(-1)).isEqualTo(row);
      assertSame(rows.get(row).path("logps"), expected.get(row), TOLERANCE, "row " + row);
    }
  }

  private static void assertSame(JsonNode actual, JsonNode expected, double tolerance, String where) {
    assertThat(actual.size()).as(where).isEqualTo(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i).asDouble(Double.NaN)).as("%s, token %d", where, i).isCloseTo(expected.get(i).asDouble(), within(tolerance));
    }
  }

  @Test
  void packingDoesNotMatter() {
    Golden golden = Golden.of("llama_q4_k_m");
    Path together = folder.resolve("together.jsonl");
    Path alone = folder.resolve("alone.jsonl");
    Cli.run("score", "--model", golden.model(), "--data", golden.sft(), "--output", together, "--quiet").ok();
    Cli.run("score", "--model", golden.model(), "--data", golden.sft(), "--output", alone, "--quiet", "--micro-batch-tokens", 1).ok();
    compareRows(Golden.lines(alone), Golden.lines(together));
  }

  private static void compareRows(List<JsonNode> a, List<JsonNode> b) {
    assertThat(a).hasSameSizeAs(b);
    for (int row = 0; row < a.size(); row++) {
      assertSame(a.get(row).path("logps"), b.get(row).path("logps"), 2e-5, "row " + row);
    }
  }

  /** Both answers share one computed prompt, yet each scores as it does as a row of its own. */
  @Test
  void aPreferenceRowScoresAsTwoRows() throws java.io.IOException {
    Golden golden = Golden.of("llama_q8_0");
    StringBuilder single = new StringBuilder();
    for (JsonNode row : Golden.lines(golden.dpo())) {
      single.append("{\"prompt_ids\":").append(row.path("prompt_ids")).append(",\"completion_ids\":").append(row.path("chosen_ids")).append("}\n");
      single.append("{\"prompt_ids\":").append(row.path("prompt_ids")).append(",\"completion_ids\":").append(row.path("rejected_ids")).append("}\n");
    }
    Path data = java.nio.file.Files.writeString(folder.resolve("single.jsonl"), single);
    Path pairs = folder.resolve("pairs.jsonl");
    Path singles = folder.resolve("singles.jsonl");
    Cli.run("score", "--model", golden.model(), "--adapter", golden.adapter(), "--data", golden.dpo(), "--output", pairs, "--quiet").ok();
    Cli.run("score", "--model", golden.model(), "--adapter", golden.adapter(), "--data", data, "--output", singles, "--quiet").ok();
    List<JsonNode> pairRows = Golden.lines(pairs);
    List<JsonNode> singleRows = Golden.lines(singles);
    assertThat(singleRows).hasSize(2 * pairRows.size());
    for (int row = 0; row < pairRows.size(); row++) {
      assertSame(pairRows.get(row).path("chosen_logps"), singleRows.get(2 * row).path("logps"), 2e-5, "chosen " + row);
      assertSame(pairRows.get(row).path("rejected_logps"), singleRows.get(2 * row + 1).path("logps"), 2e-5, "rejected " + row);
    }
  }

  @Test
  void theSummaryIsJson() throws java.io.IOException {
    Golden golden = Golden.of("llama_q8_0");
    Cli.Result result = Cli.run("score", "--model", golden.model(), "--data", golden.sft(), "--output", folder.resolve("o.jsonl"), "--json", "--quiet").ok();
    JsonNode summary = new com.fasterxml.jackson.databind.ObjectMapper().readTree(result.out());
    assertThat(summary.path("rows").asInt()).isEqualTo(7);
    assertThat(summary.path("perplexity").asDouble()).isCloseTo(Math.exp(summary.path("mean_nll").asDouble()), within(1e-6));
  }

  @Test
  void anInputIsNeverOverwrittenAndAFailureLeavesNoFile() {
    Golden golden = Golden.of("llama_q8_0");
    Cli.run("score", "--model", golden.model(), "--data", golden.sft(), "--output", golden.sft()).fails(2);
    Path output = folder.resolve("none.jsonl");
    Cli.run("score", "--model", golden.model(), "--data", folder.resolve("missing.jsonl"), "--output", output).fails(3);
    assertThat(output).doesNotExist();
    assertThat(folder).isEmptyDirectory();
  }
}
