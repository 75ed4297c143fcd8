package dev.graft.eval.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What can be known about the terminal without native code. */
final class Terminal {
  private Terminal() {}

  /** True when the file descriptor (1 stdout, 2 stderr) is a terminal; false where the system cannot say. */
  static boolean isTerminal(int descriptor) {
    if ("dumb".equals(System.getenv("TERM"))) {
      return false;
    }
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }
}
