package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code graft dpo} against the oracle's training logs, step by step, however it is computed. */
class GoldenDpoTest {
  private static final List<String> REWARDS = List.of("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies");

  @TempDir Path folder;

  static Stream<Arguments> cases() {
    List<List<String>> ways = List.of(
        List.of(), List.of("--no-prefix-sharing"), List.of("--reference=online"), List.of("--no-prefix-sharing", "--reference=online", "--micro-batch-tokens=1"));
    return Golden.names().flatMap(name -> Golden.isas().stream().flatMap(isa -> ways.stream().map(way -> Arguments.of(name, isa, way))));
  }

  /** The flags of an oracle run. */
  static List<Object> flags(Golden golden, Path output) {
    JsonNode run = golden.run("dpo_sigmoid_0.1");
    JsonNode opt = run.path("opt");
    return new ArrayList<>(
        List.of("dpo", "--model", golden.model(), "--data", golden.dpo(), "--init-adapter", golden.adapter(), "--output", output, "--no-shuffle", "--quiet",
            "--max-steps", run.path("steps").asInt(), "--batch-size", run.path("bs").asInt(), "--gradient-accumulation", run.path("accum").asInt(),
            "--learning-rate", opt.path("lr").asDouble(), "--lr-scheduler", opt.path("sched").asText(), "--warmup-steps", opt.path("warmup").asInt(0),
            "--weight-decay", opt.path("wd").asDouble(0), "--max-grad-norm", opt.path("clip").asDouble(0), "--beta", run.path("beta").asDouble(),
            "--loss", run.path("kind").asText(), "--label-smoothing", run.path("smooth").asDouble()));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyStepIsTheOracles(String name, String isa, List<String> way) {
    Golden golden = Golden.of(name);
    List<Object> flags = flags(golden, folder);
    flags.addAll(List.of("--isa", isa));
    flags.addAll(way);
    Cli.run(flags.toArray()).ok();
    List<JsonNode> steps = Golden.lines(folder.resolve("metrics.jsonl"));
    JsonNode expected = golden.run("dpo_sigmoid_0.1").path("steps_log");
    assertThat(steps).hasSize(expected.size());
    assertThat(steps.get(0).path("loss").asDouble(Double.NaN)).isCloseTo(Math.log(2), within(1e-6));
    for (int i = 0; i < steps.size(); i++) {
      double loss = expected.get(i).path("loss").asDouble();
      assertThat(steps.get(i).path("loss").asDouble(Double.NaN)).as("loss of step %d", i + 1).isCloseTo(loss, within(1e-4 * loss));
      for (String reward : REWARDS.subList(0, i == 0 ? 3 : 4)) { // at step 1 all margins are 0, up to rounding
        assertThat(steps.get(i).path(reward).asDouble(Double.NaN)).as("%s of step %d", reward, i + 1).isCloseTo(expected.get(i).path(reward).asDouble(), within(1e-4));
      }
    }
    assertThat(folder.resolve("reference-train.bin").toFile().exists()).isEqualTo(!way.contains("--reference=online"));
  }
}
