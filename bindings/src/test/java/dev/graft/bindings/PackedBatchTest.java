package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class PackedBatchTest {
  @Test
  void countsAndDefaults() {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    int prompt = builder.addSegment(-1, new int[] {1, 2, 3});
    int a = builder.addSegment(prompt, new int[] {4});
    int b = builder.addSegment(prompt, new int[] {5, 6});
    builder.addTarget(b, 0, 6).addTarget(prompt, 2, 4).addTarget(a, 0, 9).addTarget(prompt, 2, 5);
    try (PackedBatch batch = builder.build()) {
      assertThat(batch.segments()).isEqualTo(3);
      assertThat(batch.tokens()).isEqualTo(6);
      assertThat(batch.targets()).isEqualTo(4);
      assertThat(batch.logps()).containsExactly(0, 0, 0, 0);
      for (int i = 0; i < 4; i++) {
        batch.setWeight(i, i + 1);
      }
      for (int i = 0; i < 4; i++) {
        assertThat(batch.weight(i)).isEqualTo(i + 1);
      }
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    PackedBatch.Builder builder = new PackedBatch.Builder();
    assertThatThrownBy(builder::build).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.addSegment(-1, null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> builder.addSegment(-1, new int[0])).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.addSegment(0, new int[] {1})).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.addSegment(-2, new int[] {1})).isInstanceOf(IllegalArgumentException.class);
    int first = builder.addSegment(-1, new int[] {1});
    int second = builder.addSegment(first, new int[] {2});
    assertThatThrownBy(() -> builder.addSegment(second, new int[] {3})).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("itself");
    assertThatThrownBy(() -> builder.addTarget(0, 1, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.addTarget(0, -1, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.addTarget(2, 0, 1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void closedTwiceAndUsedAfterwards() {
    PackedBatch batch = TestModels.batch(1, 2, 3);
    assertThatThrownBy(() -> batch.logp(2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> batch.setWeight(-1, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    batch.close();
    batch.close();
    assertThatThrownBy(() -> batch.logp(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> batch.setWeight(0, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(batch::logps).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Losses.sft(batch, 2)).isInstanceOf(IllegalStateException.class);
  }
}
