package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GraftRuntimeTest {
  @Test
  void opensAndDescribes() {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 2)) {
      RuntimeInfo info = runtime.info();
      assertThat(info.device()).isEqualTo("cpu");
      assertThat(info.threads()).isEqualTo(2);
      assertThat(info.isas()).contains("ref").contains(info.isa());
      assertThat(info.describe()).isNotBlank();
    }
    assertThat(GraftRuntime.nativeVersion()).isEqualTo("0.1.0");
  }

  @Test
  void everyListedInstructionSetOpens() {
    try (GraftRuntime any = GraftRuntime.open("auto", "auto", 0)) {
      assertThat(any.info().threads()).isBetween(1, Runtime.getRuntime().availableProcessors());
      for (String isa : any.info().isas()) {
        try (GraftRuntime runtime = GraftRuntime.open("cpu", isa, 1)) {
          assertThat(runtime.info().isa()).isEqualTo(isa);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpu", "CPU ", "cpu\ncuda"})
  void unknownDeviceIsNamed(String device) {
    assertThatThrownBy(() -> GraftRuntime.open(device, null, 1)).isInstanceOfSatisfying(UsageException.class, e -> {
      assertThat(e.exitCode()).isEqualTo(2);
      assertThat(e.getMessage()).contains("device").contains(device.strip().lines().findFirst().orElse("")).hasLineCount(1);
    });
  }

  @Test
  void unknownInstructionSetIsNamed() {
    assertThatThrownBy(() -> GraftRuntime.open("cpu", "sse9", 1)).isInstanceOf(UsageException.class).hasMessageContaining("sse9");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, Integer.MIN_VALUE, Integer.MAX_VALUE})
  void senselessThreadsAreRefused(int threads) {
    assertThatThrownBy(() -> GraftRuntime.open("cpu", null, threads)).isInstanceOf(UsageException.class).hasMessageContaining("threads");
  }

  @Test
  void closedTwiceAndUsedAfterwards() {
    GraftRuntime runtime = GraftRuntime.open("cpu", "ref", 1);
    runtime.close();
    runtime.close();
    assertThatThrownBy(runtime::peak).isInstanceOf(IllegalStateException.class).hasMessageContaining("runtime is closed");
    assertThatThrownBy(() -> runtime.dequantize(0, new byte[4], 1)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void nullDevice() {
    assertThatThrownBy(() -> GraftRuntime.open(null, null, 1)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void measuresItsPeak() {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1)) {
      Peak peak = runtime.peak();
      assertThat(peak.fmaFlops()).isBetween(1e8, 1e13);
      assertThat(peak.copyBytes()).isBetween(1e7, 1e13);
    }
  }
}
