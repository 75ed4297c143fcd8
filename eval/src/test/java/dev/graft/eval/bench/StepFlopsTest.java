package dev.graft.eval.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.bindings.ModelInfo;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepFlopsTest {
  @Test
  void countsAsTheTextSays() {
    // 3 layers of 100 weights each, a head of 10 x 4, rows of 5 tokens of which 4 have a target
    long perToken = 2 * (300 + 40);
    ModelInfo model = new ModelInfo("llama", "", 3, 4, 2, 1, 7, 8, 10, 64, 340, 0, 0, perToken, List.of());
    StepFlops flops = StepFlops.of(model, 2, 5);
    assertThat(flops.forward()).isEqualTo(2 * (2.0 * 300 * 5 + 2.0 * 40 * 4));
    assertThat(flops.backward()).isEqualTo(flops.forward());
    assertThat(flops.compute()).isEqualTo(2 * flops.forward());
    // 15 pairs a row; scores and values: 4 * 14 forward, twice that backward
    assertThat(flops.attention()).isEqualTo(3.0 * 2 * 15 * (4 * 14 + 8 * 14));
  }

  @Test
  void medians() {
    List<StepTimes> three = List.of(new StepTimes(3, 1, 0, 0), new StepTimes(1, 1, 0, 0), new StepTimes(2, 5, 1, 0));
    assertThat(StepTimes.median(three, StepTimes::forward)).isEqualTo(2);
    assertThat(StepTimes.median(three, StepTimes::total)).isEqualTo(4);
    assertThat(StepTimes.median(three.subList(0, 2), StepTimes::compute)).isEqualTo(3);
  }
}
