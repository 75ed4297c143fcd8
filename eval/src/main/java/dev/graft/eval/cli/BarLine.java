package dev.graft.eval.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ProgressBarConsumer;

/**
 * The terminal's last line, where a progress bar is drawn; notes go above it. (The library's own consumer asks JLine for the width,
 * which takes over the handling of Ctrl-C.) Drawn from the bar's thread and the run's.
 */
final class BarLine implements ProgressBarConsumer {
  private static final int USUAL_WIDTH = 80;
  private static final String CLEAR = "\r\u001b[K";

  private final PrintWriter err;
  private final int width = width();
  private boolean closed;

  BarLine(PrintWriter err) {
    this.err = err;
  }

  @Override
  public int getMaxRenderedLength() {
    return width - 1;
  }

  @Override
  public synchronized void accept(String bar) {
    if (!closed) {
      err.print("\r" + bar);
      err.flush();
    }
  }

  /** Prints a line above the bar, which is drawn again soon. */
  synchronized void above(Runnable print) {
    clear();
    print.run();
  }

  @Override
  public synchronized void clear() {
    err.print(CLEAR);
    err.flush();
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      clear();
      closed = true;
    }
  }

  /** Columns of the terminal, as stty tells. */
  private static int width() {
    try {
      Process stty = new ProcessBuilder("stty", "size").redirectInput(Path.of("/dev/tty").toFile()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      String[] size = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip().split(" ");
      stty.waitFor(1, TimeUnit.SECONDS);
      return size.length == 2 ? Math.max(40, Integer.parseInt(size[1])) : USUAL_WIDTH;
    } catch (IOException | NumberFormatException e) {
      return USUAL_WIDTH;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return USUAL_WIDTH;
    }
  }
}
