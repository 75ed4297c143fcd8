package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RowOrderTest {
  @Test
  void fileOrderWrapsRound() {
    RowOrder order = new RowOrder(7, false, 42);
    assertThat(order.rowsOfStep(1, 4)).containsExactly(0, 1, 2, 3);
    assertThat(order.rowsOfStep(2, 4)).containsExactly(4, 5, 6, 0);
    assertThat(order.rowsOfStep(3, 4)).containsExactly(1, 2, 3, 4);
  }

  @Test
  void everyEpochHasEveryRowOnceInAnOrderOfItsOwn() {
    RowOrder order = new RowOrder(100, true, 42);
    int[] first = IntStream.range(0, 100).map(order::row).toArray();
    int[] second = IntStream.range(100, 200).map(order::row).toArray();
    assertThat(first).isNotEqualTo(second).isNotEqualTo(IntStream.range(0, 100).toArray());
    assertThat(Arrays.stream(first).sorted().toArray()).isEqualTo(IntStream.range(0, 100).toArray());
    assertThat(Arrays.stream(second).sorted().toArray()).isEqualTo(IntStream.range(0, 100).toArray());
  }

  @Test
  void aLaterPositionNeedsNothingOfTheEarlierOnes() {
    RowOrder whole = new RowOrder(13, true, 7);
    for (int step = 1; step <= 9; step++) {
      assertThat(new RowOrder(13, true, 7).rowsOfStep(step, 5)).isEqualTo(whole.rowsOfStep(step, 5));
    }
  }

  @Test
  void theSeedDecides() {
    assertThat(new RowOrder(50, true, 1).rowsOfStep(1, 50)).isNotEqualTo(new RowOrder(50, true, 2).rowsOfStep(1, 50));
  }

  @Test
  void theOrderIsTheSameOnEveryJava() {
    assertThat(new RowOrder(8, true, 42).rowsOfStep(1, 8)).containsExactly(7, 6, 0, 1, 5, 3, 4, 2);
  }

  @Test
  void aStepMayTakeMoreThanAnEpoch() {
    assertThat(new RowOrder(2, false, 0).rowsOfStep(1, 5)).containsExactly(0, 1, 0, 1, 0);
  }
}
