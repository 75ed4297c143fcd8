package dev.graft.eval.process;

import java.io.IOException;

/**
 * Ends this process when its parent is gone, be it by {@code kill -9}: {@link ChildCommand} holds the other end of standard input, which the
 * system closes with it. What a command has on disk is whole at any moment, so it ends at once and in the middle of whatever it does.
 */
public final class ParentWatch {
  /** The JVM's flag of a child that is to watch. */
  static final String FLAG = "-Dgraft.watch-parent=true";

  private static final int TERMINATED = 143;

  private ParentWatch() {}

  /** Watches from now on, if this process was started by {@link ChildCommand}. */
  public static void begin() {
    if (!Boolean.getBoolean("graft.watch-parent")) {
      return;
    }
    Thread thread = new Thread(ParentWatch::watch, "graft-parent-watch");
    thread.setDaemon(true);
    thread.start();
  }

  private static void watch() {
    try {
      while (System.in.read() >= 0) {
        continue; // nothing is ever sent
      }
    } catch (IOException e) {
      Runtime.getRuntime().halt(TERMINATED);
    }
    Runtime.getRuntime().halt(TERMINATED);
  }
}
