package dev.graft.trainer.llama;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WorkerCommandTest {
  @Test
  void threadsWaitAsleepUnlessTheUserSaysOtherwise() throws IOException {
    assertThat(waits(Map.of())).containsExactlyEntriesOf(Map.of("OMP_WAIT_POLICY", "passive"));
    assertThat(waits(Map.of("OMP_WAIT_POLICY", "active"))).containsExactlyEntriesOf(Map.of("OMP_WAIT_POLICY", "active"));
    assertThat(waits(Map.of("GOMP_SPINCOUNT", "1000"))).containsExactlyEntriesOf(Map.of("GOMP_SPINCOUNT", "1000"));
    Map<String, String> child = WorkerCommand.builder().environment();
    assertThat(child.containsKey("OMP_WAIT_POLICY") || child.containsKey("GOMP_SPINCOUNT")).isTrue();
  }

  private static Map<String, String> waits(Map<String, String> given) {
    Map<String, String> environment = new HashMap<>(given);
    WorkerCommand.waitAsleep(environment);
    return environment;
  }
}
