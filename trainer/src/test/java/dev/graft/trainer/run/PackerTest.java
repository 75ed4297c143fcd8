package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PackerTest {
  @Test
  void bestFitFillsBatches() {
    assertThat(Packer.bestFit(new int[] {6, 5, 4, 5}, 10)).containsExactly(new int[] {0, 2}, new int[] {1, 3});
  }

  @Test
  void everyRowIsInExactlyOneBatchAndBatchesKeepTheLimit() {
    int[] lengths = new int[500];
    SplitMix64 random = new SplitMix64(3, 0);
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = 1 + random.nextInt(400);
    }
    for (List<int[]> batches : List.of(Packer.bestFit(lengths, 512), Packer.inOrder(lengths, 512))) {
      assertThat(batches.stream().flatMapToInt(Arrays::stream).sorted().toArray()).isEqualTo(IntStream.range(0, 500).toArray());
      assertThat(batches).allSatisfy(batch -> assertThat(Arrays.stream(batch).map(i -> lengths[i]).sum()).isLessThanOrEqualTo(512));
    }
    assertThat(Packer.bestFit(lengths, 512).size()).isLessThan(Packer.inOrder(lengths, 512).size());
  }

  @Test
  void aRowLongerThanTheLimitIsAlone() {
    assertThat(Packer.bestFit(new int[] {3, 20, 4}, 10)).containsExactly(new int[] {0, 2}, new int[] {1});
    assertThat(Packer.inOrder(new int[] {3, 20, 4}, 10)).containsExactly(new int[] {0}, new int[] {1}, new int[] {2});
  }

  @Test
  void nothingGivesNothing() {
    assertThat(Packer.bestFit(new int[0], 10)).isEmpty();
    assertThat(Packer.inOrder(new int[0], 10)).isEmpty();
  }
}
