package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/** A JSON line for each request, never with what was asked or answered. A thread of its own writes, so that a slow disk or pipe holds up nobody. Threads may share it. */
final class AccessLog implements AutoCloseable {
  private static final int LINES = 10_000;
  private static final String END = "";

  private final BlockingQueue<String> lines = new ArrayBlockingQueue<>(LINES);
  private final AtomicLong dropped = new AtomicLong();
  private final PrintWriter out;
  private final boolean own;
  private final Thread writer;

  private AccessLog(PrintWriter out, boolean own) {
    this.out = out;
    this.own = own;
    writer = new Thread(this::write, "graft-access-log");
    writer.setDaemon(true);
    writer.start();
  }

  /** @param where a file to append to, {@code -} for standard error or {@code none} */
  static AccessLog open(String where) throws IOException {
    return switch (where) {
      case "-" -> new AccessLog(new PrintWriter(new PrintStream(System.err, false, StandardCharsets.UTF_8)), false);
      case "none" -> new AccessLog(new PrintWriter(Writer.nullWriter()), true);
      default -> new AccessLog(new PrintWriter(Files.newBufferedWriter(Path.of(where), StandardOpenOption.CREATE, StandardOpenOption.APPEND)), true);
    };
  }

  /** Adds a line; drops it, and counts that, when the writer cannot keep up. */
  void add(ObjectNode line) {
    long lost = dropped.getAndSet(0);
    if (lost > 0) {
      line.put("lines_dropped_before", lost);
    }
    if (!lines.offer(line.toString())) {
      dropped.addAndGet(lost + 1);
    }
  }

  private void write() {
    try {
      for (String line = lines.take(); !line.equals(END); line = lines.take()) {
        out.println(line);
        if (lines.isEmpty()) {
          out.flush();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    out.flush();
  }

  /** Writes what is left. */
  @Override
  public void close() {
    try {
      lines.put(END);
      writer.join(5000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (own) {
      out.close();
    }
  }
}
