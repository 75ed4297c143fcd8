package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.bindings.GraftRuntime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class HostMemoryTest {
  @Test
  void thisMachineHasMemory() {
    assertThat(HostMemory.available().orElseThrow()).isBetween(1L << 20, 1L << 50);
    assertThat(HostMemory.peakResidentBytes()).isGreaterThan(1 << 20);
  }

  @Test
  void whatCannotFitIsRefusedWithTheFlagsThatHelp() {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1)) {
      assertThatThrownBy(() -> MemoryCheck.require(runtime, 1L << 30, 1L << 50, "--recompute block would help")).isInstanceOf(RunException.class)
          .hasMessageContaining("1.00 GiB model file").hasMessageContaining("--recompute block would help");
      assertThat(MemoryCheck.require(runtime, 1, 1, "")).isPositive();
    }
  }
}
