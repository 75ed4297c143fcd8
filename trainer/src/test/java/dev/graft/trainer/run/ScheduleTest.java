package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ScheduleTest {
  /** The learning rates of the oracle's run sft_linear_warmup_accum: peak 0.005, 3 warmup steps, 10 steps. */
  private static final double[] ORACLE = {
    0.0, 0.0016666666666666666, 0.003333333333333333, 0.005, 0.004285714285714286, 0.0035714285714285718, 0.002857142857142857, 0.002142857142857143,
    0.0014285714285714286, 0.0007142857142857143
  };

  @Test
  void linearWithWarmupIsTheOracles() {
    for (int step = 1; step <= 10; step++) {
      assertThat(Schedule.LINEAR.rate(0.005, step, 10, 3)).as("step %d", step).isCloseTo(ORACLE[step - 1], within(1e-17));
    }
  }

  @Test
  void constantStaysAtThePeak() {
    assertThat(Schedule.CONSTANT.rate(0.002, 1, 10, 0)).isEqualTo(0.002);
    assertThat(Schedule.CONSTANT.rate(0.002, 10, 10, 0)).isEqualTo(0.002);
    assertThat(Schedule.CONSTANT.rate(0.002, 2, 10, 4)).isEqualTo(0.0005);
  }

  @Test
  void cosineFallsByHalfACosine() {
    assertThat(Schedule.COSINE.rate(1, 1, 9, 1)).isZero();
    assertThat(Schedule.COSINE.rate(1, 2, 9, 1)).isEqualTo(1);
    assertThat(Schedule.COSINE.rate(1, 6, 9, 1)).isCloseTo(0.5, within(1e-15));
    assertThat(Schedule.COSINE.rate(1, 10, 9, 1)).isCloseTo(0, within(1e-15));
    assertThat(Schedule.COSINE.rate(1, 4, 9, 1)).isCloseTo(0.5 * (1 + Math.cos(Math.PI / 4)), within(1e-15));
  }

  @Test
  void aWarmupLongerThanTheRunNeverReachesThePeak() {
    assertThat(Schedule.LINEAR.rate(1, 5, 5, 10)).isEqualTo(0.4);
    assertThat(Schedule.LINEAR.rate(1, 11, 5, 10)).isBetween(0.0, 1.0);
  }
}
