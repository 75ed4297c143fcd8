package dev.graft.trainer.llama;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;

/** Drains a process's log so that it never blocks, and keeps its last lines for errors. Threads may share it. */
final class LogTail {
  private static final int LINES = 200;
  private static final int WIDTH = 400;

  /** Lines that name a cause, the most telling kind first. */
  private static final List<Pattern> CAUSES =
      List.of(
          Pattern.compile("error loading|GGML_ASSERT|terminate called|what\\(\\):", Pattern.CASE_INSENSITIVE),
          Pattern.compile("unable|cannot|could not|invalid|exception|error|failed", Pattern.CASE_INSENSITIVE));

  private final Deque<String> lines = new ArrayDeque<>();
  private final Thread thread;

  LogTail(InputStream stream) {
    thread = new Thread(() -> drain(stream), "llama.cpp log");
    thread.setDaemon(true);
    thread.start();
  }

  /** The line that tells most about a failure; empty when nothing was logged. */
  String cause() {
    try {
      thread.join(500); // the last lines of a process that died
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    synchronized (lines) {
      for (Pattern cause : CAUSES) {
        for (String line : lines) {
          if (cause.matcher(line).find()) {
            return line;
          }
        }
      }
      return lines.isEmpty() ? "" : lines.getLast();
    }
  }

  private void drain(InputStream stream) {
    try (BufferedReader in = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (!line.isBlank()) {
          synchronized (lines) {
            lines.addLast(line.length() > WIDTH ? line.substring(0, WIDTH) : line.strip());
            if (lines.size() > LINES) {
              lines.removeFirst();
            }
          }
        }
      }
    } catch (IOException e) {
      // the process is gone
    }
  }
}
