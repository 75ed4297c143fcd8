package dev.graft.trainer.run;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Puts rows into batches of at most so many tokens. There is no padding, so only the sums count. */
public final class Packer {
  private Packer() {}

  /**
   * Few batches: best fit, longest row first. The same lengths always give the same batches.
   *
   * @param lengths tokens of each row
   * @param maxTokens most tokens of a batch; a longer row gets a batch to itself
   * @return indices into lengths, ascending within a batch; batches in the order of their first row
   */
  public static List<int[]> bestFit(int[] lengths, long maxTokens) {
    List<List<Integer>> batches = new ArrayList<>();
    List<Long> room = new ArrayList<>();
    int[] longestFirst =
        IntStream.range(0, lengths.length).boxed().sorted(Comparator.<Integer>comparingInt(i -> -lengths[i])).mapToInt(i -> i).toArray();
    for (int row : longestFirst) {
      int best = -1;
      for (int b = 0; b < batches.size(); b++) {
        if (room.get(b) >= lengths[row] && (best < 0 || room.get(b) < room.get(best))) {
          best = b;
        }
      }
      if (best < 0) {
        best = batches.size();
        batches.add(new ArrayList<>());
        room.add(maxTokens);
      }
      batches.get(best).add(row);
      room.set(best, room.get(best) - lengths[row]);
    }
    return batches.stream()
        .map(batch -> batch.stream().mapToInt(i -> i).sorted().toArray())
        .sorted(Comparator.comparingInt(batch -> batch[0]))
        .toList();
  }

  /** As {@link #bestFit}, but rows stay in order: each batch is a run of neighbours. */
  public static List<int[]> inOrder(int[] lengths, long maxTokens) {
    List<int[]> batches = new ArrayList<>();
    int from = 0;
    long tokens = 0;
    for (int i = 0; i < lengths.length; i++) {
      if (i > from && tokens + lengths[i] > maxTokens) {
        batches.add(IntStream.range(from, i).toArray());
        from = i;
        tokens = 0;
      }
      tokens += lengths[i];
    }
    if (from < lengths.length) {
      batches.add(IntStream.range(from, lengths.length).toArray());
    }
    return batches;
  }

  /** Most tokens that any {@code count} rows, repeated when there are fewer, may need together. */
  public static long mostTogether(int[] lengths, int count) {
    int[] sorted = lengths.clone();
    Arrays.sort(sorted);
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += sorted[sorted.length - 1 - i % sorted.length];
    }
    return sum;
  }
}
