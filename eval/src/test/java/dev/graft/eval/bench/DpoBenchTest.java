package dev.graft.eval.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.RandomModel;
import dev.graft.eval.cli.CliException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class DpoBenchTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Exception failure;

  private int run(String... args) {
    CommandLine bench = new CommandLine(new BenchCommand());
    bench.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    bench.setExecutionExceptionHandler((e, line, parsed) -> {
      failure = e;
      return 99;
    });
    return bench.execute(args);
  }

  @Test
  void comparesThreeWaysOnTheSamePairs() throws Exception {
    Path model = folder.resolve("tiny.gguf");
    RandomModel.tiny().write(model);
    assertThat(run("dpo", "--model", model.toString(), "--prompt", "12", "--response", "4", "--micro-batch-tokens", "40", "--rounds", "2", "--rank", "4", "--threads", "1",
        "--epochs-amortized", "1,2", "--json")).isZero();
    JsonNode json = new ObjectMapper().readTree(out.toString());
    assertThat(json.path("pairs").asInt()).isEqualTo(2); // 12 + 3 + 3 tokens, twice, in 40
    int[] tokens = {12 + 3, 12 + 3 + 3, 2 * (12 + 3)};
    int[] targets = {4, 8, 8};
    List<List<Integer>> batches = List.of(List.of(2), List.of(2), List.of(1, 1));
    List<String> names = List.of("sft", "dpo", "plain_dpo");
    for (int i = 0; i < 3; i++) {
      JsonNode method = json.path("methods").path(names.get(i));
      for (String figure : List.of("seconds_per_pair", "forward_seconds", "backward_seconds", "optimizer_seconds", "flops_per_pair", "flops_per_second")) {
        assertThat(method.path(figure).asDouble()).as(names.get(i) + " " + figure).isPositive();
      }
      assertThat(method.path("reference_seconds").asDouble() > 0).isEqualTo(i == 2);
      assertThat(method.path("tokens_per_pair").asInt()).isEqualTo(tokens[i]);
      assertThat(method.path("targets_per_pair").asInt()).isEqualTo(targets[i]);
      assertThat(method.path("pairs_of_micro_batches").size()).isEqualTo(batches.get(i).size());
      assertThat(method.path("rounds_seconds_per_pair").size()).isEqualTo(2);
    }
    double sft = json.path("methods").path("sft").path("seconds_per_pair").asDouble();
    double dpo = json.path("methods").path("dpo").path("seconds_per_pair").asDouble();
    assertThat(json.path("ratio_dpo_to_sft").asDouble()).isCloseTo(dpo / sft, within(1e-9));
    assertThat(json.path("ratio_plain_dpo_to_dpo").asDouble()).isPositive();
    assertThat(json.path("ratio_dpo_to_sft_by_operations").asDouble()).isBetween(18.0 / 15, 2.0);
    double once = json.path("reference_cache").path("seconds_per_pair").asDouble();
    assertThat(once).isPositive();
    assertThat(json.path("reference_cache").path("amortized").get(1).path("epochs").asInt()).isEqualTo(2);
    assertThat(json.path("reference_cache").path("amortized").get(1).path("seconds_per_pair").asDouble()).isCloseTo(dpo + once / 2, within(1e-9));
    assertThat(json.path("sharing_largest_logp_difference").asDouble(1)).isLessThan(1e-4);

    out.getBuffer().setLength(0);
    assertThat(run("dpo", "--model", model.toString(), "--prompt", "6", "--response", "1", "--pairs", "3", "--rounds", "1", "--recompute", "block", "--quiet")).isZero();
    assertThat(out.toString()).contains("(b) / (a)", "(c) / (b)", "reference cache", "over 12 epochs");
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "dpo --prompt 0", "dpo --response 0", "dpo --pairs -1", "dpo --rounds 0", "dpo --epochs-amortized 0", "dpo --model x.gguf --shape 1b",
    "dpo --prompt 2000000"
  })
  void refusesWhatMakesNoSense(String line) {
    assertThat(run(line.split(" "))).isEqualTo(99);
    assertThat(failure).isInstanceOfSatisfying(CliException.class, e -> assertThat(e.exitCode()).isEqualTo(2));
  }

  @Test
  void recomputesInWaysThatThereAre() {
    assertThat(run("dpo", "--recompute", "some")).isEqualTo(2);
  }
}
