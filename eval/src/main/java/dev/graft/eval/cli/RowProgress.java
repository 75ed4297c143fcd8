package dev.graft.eval.cli;

import dev.graft.eval.convert.Converter;

/** Says now and then how many rows are done, when that takes long. One thread. */
final class RowProgress {
  private static final long EVERY_NANOS = 5_000_000_000L;

  private final CommonOptions common;
  private final int rows;
  private final String what;
  private final long start = System.nanoTime();
  private long last = start;

  RowProgress(CommonOptions common, int rows) {
    this(common, rows, "rows");
  }

  /** @param what is counted, in the plural */
  RowProgress(CommonOptions common, int rows, String what) {
    this.common = common;
    this.rows = rows;
    this.what = what;
  }

  /** @param count rows done so far */
  void done(int count) {
    long now = System.nanoTime();
    if (now - last >= EVERY_NANOS && count > 0 && count < rows) {
      last = now;
      long left = (long) ((now - start) / 1e9 / count * (rows - count));
      common.note(count + " of " + rows + " " + what + ", " + Durations.text(left) + " left");
    }
  }

  /** One whose total is known when the work first reports. */
  static Converter.Progress later(CommonOptions common, String what) {
    RowProgress[] progress = new RowProgress[1];
    return (done, of) -> {
      progress[0] = progress[0] == null ? new RowProgress(common, of, what) : progress[0];
      progress[0].done(done);
    };
  }
}
