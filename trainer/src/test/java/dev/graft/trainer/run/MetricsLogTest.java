package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {
  @TempDir Path folder;

  private static StepMetrics step(long n) {
    return new StepMetrics(n, n / 2.0, 1.5, 0.25, 2e-4, 100, 50, 2, Map.of());
  }

  @Test
  void aLineHasTheNamesOfTheContract() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    try (MetricsLog log = MetricsLog.open(file, 0, true)) {
      log.add(step(1));
      log.add(new EvalMetrics(1, 0.5, 2.25, 10, 0.5, Map.of()));
    }
    assertThat(Files.readString(file))
        .isEqualTo(
            "{\"step\":1,\"epoch\":0.5,\"loss\":1.5,\"grad_norm\":0.25,\"learning_rate\":2.0E-4,\"tokens\":100,\"tokens_per_second\":50.0,\"seconds\":2.0}\n"
                + "{\"step\":1,\"epoch\":0.5,\"eval_loss\":2.25,\"eval_targets\":10,\"eval_seconds\":0.5}\n");
  }

  @Test
  void resumingCutsLaterAndHalfWrittenLines() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":1}\n{\"step\":2,\"eval_loss\":1}\n{\"step\":3,\"loss\":1}\n{\"step\":4,\"lo");
    try (MetricsLog log = MetricsLog.open(file, 2, true)) {
      log.add(step(3));
    }
    assertThat(Files.readAllLines(file)).hasSize(4).satisfies(lines -> assertThat(lines.get(2)).contains("eval_loss"));
  }

  @Test
  void anEvaluationThatIsDoneAgainIsCut() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":1}\n{\"step\":2,\"eval_loss\":1}\n");
    MetricsLog.open(file, 2, false).close();
    assertThat(Files.readAllLines(file)).hasSize(2);
  }

  @Test
  void aFreshRunStartsEmpty() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, "{\"step\":1,\"loss\":1}\n");
    MetricsLog.open(file, 0, true).close();
    assertThat(file).isEmptyFile();
  }
}
