package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code --full} against whole runs in which float64 autograd trained every weight. */
class FullTrainingTest {
  @TempDir Path folder;

  static Stream<Arguments> cases() {
    return Stream.of("llama_f32", "qwen3_f16").flatMap(name -> Golden.isas().stream().map(isa -> Arguments.of(name, isa)));
  }

  private static Object[] flags(String command, Path data, Golden golden, JsonNode run, Path output, Object... more) {
    List<Object> flags = new ArrayList<>(List.of(command, "--full", "--model", golden.model(), "--data", data, "--output", output, "--no-shuffle", "--quiet",
        "--lr-scheduler", "constant", "--max-steps", run.path("steps").asInt(), "--batch-size", run.path("bs").asInt(), "--gradient-accumulation",
        run.path("accum").asInt(), "--learning-rate", run.path("lr").asDouble(), "--weight-decay", run.path("wd").asDouble(), "--max-grad-norm", run.path("clip").asDouble()));
    flags.addAll(List.of(more));
    return flags.toArray();
  }

  /** @param relative tolerance of a loss: the f32 rounding of a step, grown by the steps before */
  private static void compare(Path run, JsonNode expected, double relative) {
    List<JsonNode> steps = Golden.lines(run.resolve("metrics.jsonl"));
    assertThat(steps).hasSize(expected.size());
    for (int i = 0; i < steps.size(); i++) {
      double loss = expected.get(i).path("loss").asDouble();
      double norm = expected.get(i).path("grad_norm").asDouble();
      assertThat(steps.get(i).path("loss").asDouble(Double.NaN)).as("loss of step %d", i + 1).isCloseTo(loss, within(relative * loss));
      assertThat(steps.get(i).path("grad_norm").asDouble(Double.NaN)).as("gradient norm of step %d", i + 1).isCloseTo(norm, within(1e-3 * norm));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everySftStepIsTheOracles(String name, String isa) {
    Golden golden = Golden.of(name);
    JsonNode run = golden.fullRun("full_sft");
    Cli.run(flags("sft", golden.sft(), golden, run, folder, "--isa", isa, "--output-type", "F32")).ok();
    compare(folder, run.path("steps_log"), 2e-4);
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
        Model model = Model.open(runtime, folder.resolve("model.gguf"));
        Weights weights = Weights.open(model)) {
      for (Map.Entry<String, JsonNode> norm : run.path("final_norms").properties()) {
        double squares = 0;
        for (float value : weights.get(norm.getKey())) {
          squares += (double) value * value;
        }
        assertThat(Math.sqrt(squares)).as(norm.getKey()).isCloseTo(norm.getValue().asDouble(), within(1e-5 * norm.getValue().asDouble()));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyDpoStepIsTheOracles(String name, String isa) {
    Golden golden = Golden.of(name);
    JsonNode run = golden.fullRun("full_dpo");
    for (String reference : List.of("cache", "online")) {
      Path output = folder.resolve(reference);
      Cli.run(flags("dpo", golden.dpo(), golden, run, output, "--isa", isa, "--beta", run.path("beta").asDouble(), "--reference", reference)).ok();
      compare(output, run.path("steps_log"), 3e-4);
      List<JsonNode> steps = Golden.lines(output.resolve("metrics.jsonl"));
      for (int i = 0; i < steps.size(); i++) {
        assertThat(steps.get(i).path("rewards/margins").asDouble(Double.NaN)).isCloseTo(run.path("steps_log").get(i).path("margin").asDouble(), within(1e-3));
      }
    }
  }

  @Test
  void recomputingAndSmallBatchesChangeNothing() {
    Golden golden = Golden.of("qwen3_f16");
    JsonNode run = golden.fullRun("full_sft");
    Cli.run(flags("sft", golden.sft(), golden, run, folder.resolve("a"), "--recompute", "block", "--micro-batch-tokens", 1)).ok();
    compare(folder.resolve("a"), run.path("steps_log"), 2e-4);
  }

  @Test
  void resumingGivesTheBitsOfAnUnbrokenRun() throws IOException {
    Golden golden = Golden.of("qwen3_f16");
    JsonNode run = golden.fullRun("full_sft");
    Object[] more = {"--eval-data", golden.sft(), "--eval-steps", 3, "--save-steps", 4, "--save-total-limit", 0};
    Cli.run(flags("sft", golden.sft(), golden, run, folder.resolve("a"), more)).ok();
    Cli.run(flags("sft", golden.sft(), golden, run, folder.resolve("b"), more)).ok();
    Path later = folder.resolve("b/checkpoints/step-8");
    for (String file : List.of("trainer.state", "model.gguf", "state.json")) {
      Files.delete(later.resolve(file));
    }
    Files.delete(later);
    Files.delete(folder.resolve("b/model.gguf"));
    List<Object> resumed = new ArrayList<>(List.of(more));
    resumed.add("--resume");
    Cli.run(flags("sft", golden.sft(), golden, run, folder.resolve("b"), resumed.toArray())).ok();
    for (String file : List.of("model.gguf", "best/model.gguf", "checkpoints/step-8/trainer.state")) {
      assertThat(folder.resolve("b").resolve(file)).hasSameBinaryContentAs(folder.resolve("a").resolve(file));
    }
    // An adapter's run does not go on from a model's checkpoint.
    Object[] lora = flags("sft", golden.sft(), golden, run, folder.resolve("b"), "--resume");
    Cli.run(Stream.of(lora).filter(flag -> !flag.equals("--full")).toArray()).fails(2);
  }

  @Test
  void theFileKeepsItsTypesAndLoadsElsewhere() {
    Golden golden = Golden.of("qwen3_f16");
    JsonNode run = golden.fullRun("full_sft");
    Cli.run(flags("sft", golden.sft(), golden, run, folder)).ok();
    Cli.Result inspected = Cli.run("inspect", folder.resolve("model.gguf"), "--json").ok();
    assertThat(inspected.out()).containsIgnoringCase("\"f16\"").doesNotContainIgnoringCase("q8_0");
    Golden llama = Golden.of("llama_f32");
    Path out = folder.resolve("out");
    Cli.run(flags("sft", llama.sft(), llama, llama.fullRun("full_sft"), out, "--output-type", "q8_0")).ok();
    Cli.Result ours = Cli.run("generate", "--model", out.resolve("model.gguf"), "--prompt", "abc", "--max-tokens", 4, "--quiet").ok();
    Cli.Result llamas = Cli.run("generate", "--model", out.resolve("model.gguf"), "--prompt", "abc", "--max-tokens", 4, "--quiet", "--engine", "llama.cpp").ok();
    assertThat(ours.out()).isNotBlank();
    assertThat(llamas.out()).isNotBlank();
  }

  @Test
  void whatCannotBeIsOneLine() {
    Golden golden = Golden.of("llama_q8_0");
    Object[] full = {"sft", "--model", golden.model(), "--data", golden.sft(), "--output", folder.resolve("x"), "--full"};
    assertThat(Cli.run(full).fails(2).err()).contains("q8_0").contains("F32, F16 or BF16");
    Golden plain = Golden.of("llama_f32");
    Object[] trainable = {"sft", "--model", plain.model(), "--data", plain.sft(), "--output", folder.resolve("y"), "--full"};
    assertThat(Cli.run(with(trainable, "--init-adapter", plain.adapter())).fails(2).err()).contains("--init-adapter");
    assertThat(Cli.run(with(trainable, "--lora-dropout", 0.1)).fails(2).err()).contains("--lora-dropout");
    assertThat(Cli.run(with(trainable, "--output-type", "Q4_K")).fails(2).err()).contains("F32, F16, BF16 or Q8_0");
    Object[] lora = {"sft", "--model", plain.model(), "--data", plain.sft(), "--output", folder.resolve("z"), "--output-type", "F16"};
    assertThat(Cli.run(lora).fails(2).err()).contains("--full");
  }

  private static Object[] with(Object[] flags, Object... more) {
    return Stream.concat(Stream.of(flags), Stream.of(more)).toArray();
  }
}
