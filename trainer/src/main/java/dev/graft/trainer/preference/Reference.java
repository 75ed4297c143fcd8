package dev.graft.trainer.preference;

import dev.graft.trainer.run.StopRequest;

/** Log-probabilities that the frozen reference gives to rows' targets. One thread. */
interface Reference extends AutoCloseable {
  /** Makes these rows ready to be asked for. @return false when a stop was requested on the way */
  boolean ready(int[] rows, StopRequest stop);

  /** One for each target of the row, in order; not to be modified. */
  float[] logps(int row);

  @Override
  default void close() {}

  /** From a table of all rows. */
  static Reference of(float[][] table) {
    return new Reference() {
      @Override
      public boolean ready(int[] rows, StopRequest stop) {
        return true;
      }

      @Override
      public float[] logps(int row) {
        return table[row];
      }
    };
  }
}
