package dev.graft.eval.convert;

import dev.graft.bindings.GgufWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Makes pieces of tensors on several threads and writes them in order. No more pieces are in memory than twice the threads. One thread
 * drives it; closing stops the others.
 */
public final class RowPipeline implements AutoCloseable {
  /** Elements of a piece, if its rows are shorter. */
  private static final long PIECE = 1 << 20;

  private final ExecutorService workers;
  private final int ahead;
  private final GgufWriter writer;
  private final Deque<Future<byte[]>> pieces = new ArrayDeque<>();

  /** Makes the bytes of some rows; on any thread. */
  @FunctionalInterface
  public interface Rows {
    byte[] make(long first, int count) throws IOException;
  }

  /** @param threads 0 for every core */
  public RowPipeline(GgufWriter writer, int threads) {
    int n = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    this.writer = writer;
    this.ahead = 2 * n;
    this.workers = Executors.newFixedThreadPool(n, task -> {
      Thread thread = new Thread(task, "graft-rows");
      thread.setDaemon(true);
      return thread;
    });
  }

  /**
   * Writes the next tensor.
   *
   * @param group rows that must be made together
   */
  public void tensor(long rows, long columns, int group, Rows make) throws IOException {
    long step = Math.max(group, PIECE / columns / group * group);
    for (long row = 0; row < rows; row += step) {
      if (pieces.size() >= ahead) {
        writeFirst();
      }
      long first = row;
      int count = (int) Math.min(step, rows - row);
      pieces.add(workers.submit(() -> make.make(first, count)));
    }
  }

  /** Waits for and writes all that is left. */
  public void finish() throws IOException {
    while (!pieces.isEmpty()) {
      writeFirst();
    }
  }

  private void writeFirst() throws IOException {
    try {
      writer.write(pieces.remove().get());
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      } else if (e.getCause() instanceof IOException failure) {
        throw failure;
      } else if (e.getCause() instanceof Error failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UncheckedIOException(new IOException("interrupted", e));
    }
  }

  /** Stops the threads. */
  @Override
  public void close() {
    workers.shutdownNow();
  }
}
