package dev.graft.trainer.run;

import dev.graft.bindings.Recompute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.RuntimeInfo;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RunConfigTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final RuntimeInfo RUNTIME = new RuntimeInfo("cpu", "avx2", 2, List.of("ref", "avx2"), "");

  private static final Task TASK = new SftTask(null);

  private static RunOptions options(int batch, double rate, long maxSteps, long saveSteps, int microBatch, Schedule schedule) {
    return new RunOptions(
        new RunOptions.Files(Path.of("m"), Path.of("d"), null, null, Path.of("o")),
        new RunOptions.Lora(16, 32, 0, false, "all-linear"),
        null,
        new RunOptions.Optimizer(rate, schedule, 0, 0, 1, 0.999),
        new RunOptions.Batching(batch, 1, microBatch, Recompute.NONE, 0, true),
        new RunOptions.Length(maxSteps, 3),
        new RunOptions.Cadence(0, saveSteps, 2, 0, false),
        "auto", 42, true, false);
  }

  private static ObjectNode before(RunOptions options, long steps) {
    ObjectNode config = JSON.createObjectNode();
    config.put("command", "sft");
    config.set("options", JSON.valueToTree(options.flags()));
    config.set("runtime", JSON.valueToTree(Map.of("device", "cpu", "isa", "avx2", "threads", 2)));
    config.putObject("plan").put("steps", steps);
    return config;
  }

  @Test
  void theSameFlagsAreFine() {
    RunOptions same = options(4, 2e-4, 10, 100, 1024, Schedule.LINEAR);
    assertThat(RunConfig.checkFlags(before(same, 10), same, TASK, RUNTIME)).isEmpty();
  }

  @Test
  void whatChangesTheResultIsRefusedByName() {
    ObjectNode before = before(options(4, 2e-4, 10, 100, 1024, Schedule.LINEAR), 10);
    assertThatThrownBy(() -> RunConfig.checkFlags(before, options(8, 1e-3, 10, 100, 1024, Schedule.LINEAR), TASK, RUNTIME))
        .isInstanceOf(RunException.class).hasMessageContaining("--batch-size 8 (it was 4)").hasMessageContaining("--learning-rate 0.001 (it was 2.0E-4)");
  }

  @Test
  void howOftenIsSavedMayChange() {
    ObjectNode before = before(options(4, 2e-4, 10, 100, 1024, Schedule.LINEAR), 10);
    assertThat(RunConfig.checkFlags(before, options(4, 2e-4, 10, 5, 1024, Schedule.LINEAR), TASK, RUNTIME)).isEmpty();
  }

  @Test
  void whatChangesTheLastBitsIsSaid() {
    ObjectNode before = before(options(4, 2e-4, 10, 100, 1024, Schedule.LINEAR), 10);
    RuntimeInfo other = new RuntimeInfo("cpu", "ref", 2, List.of("ref", "avx2"), "");
    assertThat(RunConfig.checkFlags(before, options(4, 2e-4, 10, 100, 512, Schedule.LINEAR), TASK, other))
        .containsExactlyInAnyOrder("--micro-batch-tokens 512 (it was 1024)", "isa ref (it was avx2)");
  }

  @Test
  void moreStepsNeedAScheduleThatDoesNotDependOnThem() {
    RunOptions linear = options(4, 2e-4, 20, 100, 1024, Schedule.LINEAR);
    assertThatThrownBy(() -> RunConfig.checkSteps(before(linear, 10), linear, 20)).isInstanceOf(RunException.class).hasMessageContaining("linear");
    RunConfig.checkSteps(before(linear, 10), options(4, 2e-4, 20, 100, 1024, Schedule.CONSTANT), 20);
  }
}
