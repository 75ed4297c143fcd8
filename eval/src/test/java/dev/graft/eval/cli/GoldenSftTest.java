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
import org.junit.jupiter.params.provider.ValueSource;

/** {@code graft sft} against the oracle's training logs, step by step. */
class GoldenSftTest {
  @TempDir Path folder;

  static Stream<Arguments> cases() {
    return Golden.names()
        .flatMap(name -> Golden.isas().stream().flatMap(isa -> Stream.of("sft_constant", "sft_linear_warmup_accum").map(run -> Arguments.of(name, run, isa))));
  }

  static Object[] flags(Golden golden, JsonNode run, Path output, Object... more) {
    JsonNode opt = run.path("opt");
    List<Object> flags = new ArrayList<>(
        List.of("sft", "--model", golden.model(), "--data", golden.sft(), "--init-adapter", golden.adapter(), "--output", output, "--no-shuffle", "--quiet",
            "--max-steps", run.path("steps").asInt(), "--batch-size", run.path("bs").asInt(), "--gradient-accumulation", run.path("accum").asInt(),
            "--learning-rate", opt.path("lr").asDouble(), "--lr-scheduler", opt.path("sched").asText(), "--warmup-steps", opt.path("warmup").asInt(0),
            "--weight-decay", opt.path("wd").asDouble(0), "--max-grad-norm", opt.path("clip").asDouble(0)));
    flags.addAll(List.of(more));
    return flags.toArray();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyStepIsTheOracles(String name, String runName, String isa) {
    Golden golden = Golden.of(name);
    JsonNode run = golden.run(runName);
    Cli.run(flags(golden, run, folder, "--isa", isa)).ok();
    compare(Golden.lines(folder.resolve("metrics.jsonl")), run.path("steps_log"));
    assertThat(folder.resolve("adapter.gguf")).exists();
    assertThat(folder.resolve("checkpoints/step-10")).isDirectory();
  }

  /** Recomputing activations and other micro-batches change nothing but the last bits. */
  @ParameterizedTest
  @ValueSource(strings = {"--recompute=block", "--micro-batch-tokens=1", "--threads=1"})
  void howItIsComputedDoesNotMatter(String flag) {
    Golden golden = Golden.of("llama_q4_k_m");
    JsonNode run = golden.run("sft_linear_warmup_accum");
    Cli.run(flags(golden, run, folder, flag)).ok();
    compare(Golden.lines(folder.resolve("metrics.jsonl")), run.path("steps_log"));
  }

  static void compare(List<JsonNode> steps, JsonNode expected) {
    assertThat(steps).hasSize(expected.size());
    for (int i = 0; i < steps.size(); i++) {
      JsonNode actual = steps.get(i);
      JsonNode wanted = expected.get(i);
      assertThat(actual.path("step").asInt()).isEqualTo(i + 1);
      double loss = wanted.path("loss").asDouble();
      double norm = wanted.path("grad_norm").asDouble();
      assertThat(actual.path("loss").asDouble(Double.NaN)).as("loss of step %d", i + 1).isCloseTo(loss, within(2e-4 * loss));
      assertThat(actual.path("grad_norm").asDouble(Double.NaN)).as("gradient norm of step %d", i + 1).isCloseTo(norm, within(1e-3 * norm));
      assertThat(actual.path("learning_rate").asDouble(Double.NaN)).as("learning rate of step %d", i + 1)
          .isCloseTo(wanted.path("learning_rate").asDouble(), within(1e-12));
    }
  }
}
