package dev.graft.trainer.run;

/**
 * Which row comes when: an endless sequence of epochs, each in file order or in an order drawn from (seed, epoch) by Fisher and
 * Yates. A position in that sequence is all that a resumed run needs. Not for several threads.
 */
public final class RowOrder {
  private final int rows;
  private final boolean shuffle;
  private final long seed;
  private long epoch = -1;
  private int[] order;

  /** @param rows rows of the data set, at least 1 */
  public RowOrder(int rows, boolean shuffle, long seed) {
    if (rows < 1) {
      throw new IllegalArgumentException("no rows to order");
    }
    this.rows = rows;
    this.shuffle = shuffle;
    this.seed = seed;
  }

  /** Index of the row at a position, from 0, of the endless sequence. */
  public int row(long position) {
    int within = (int) (position % rows);
    return shuffle ? permutation(position / rows)[within] : within;
  }

  /** Rows of one optimizer step: {@code count} positions from {@code (step - 1) * count}. */
  public int[] rowsOfStep(long step, int count) {
    int[] result = new int[count];
    for (int i = 0; i < count; i++) {
      result[i] = row((step - 1) * count + i);
    }
    return result;
  }

  private int[] permutation(long wanted) {
    if (epoch != wanted) {
      SplitMix64 random = new SplitMix64(seed, wanted);
      order = new int[rows];
      for (int i = 0; i < rows; i++) {
        int j = random.nextInt(i + 1);
        order[i] = order[j];
        order[j] = i;
      }
      epoch = wanted;
    }
    return order;
  }
}
