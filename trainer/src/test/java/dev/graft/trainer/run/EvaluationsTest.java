package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class EvaluationsTest {
  @Test
  void asManyAsThereAreSteps() {
    for (long steps = 1; steps <= 12; steps++) {
      for (long every = 0; every <= 5; every++) {
        for (int perStep = 1; perStep <= 9; perStep++) {
          for (int rows = 1; rows <= 9; rows++) {
            Evaluations evaluations = new Evaluations(steps, every, perStep, rows);
            assertThat(evaluations.count()).as(evaluations.toString()).isEqualTo(LongStream.rangeClosed(1, steps).filter(evaluations::after).count());
          }
        }
      }
    }
  }

  @Test
  void everySoManyStepsOrAsEpochsEnd() {
    Evaluations every = new Evaluations(8, 3, 4, 10);
    assertThat(LongStream.rangeClosed(1, 8).filter(every::after)).containsExactly(3L, 6L, 8L);
    Evaluations epochs = new Evaluations(8, 0, 4, 10); // rows 10, 20, 30 and the end
    assertThat(LongStream.rangeClosed(1, 8).filter(epochs::after)).containsExactly(3L, 5L, 8L);
  }
}
