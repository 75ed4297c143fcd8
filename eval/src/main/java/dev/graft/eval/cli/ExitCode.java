package dev.graft.eval.cli;

/** Exit codes of every command; scripts rely on them. */
public final class ExitCode {
  /** Done. */
  public static final int DONE = 0;

  /** Failed: I/O, memory, a value that is not finite, an internal error. */
  public static final int FAILED = 1;

  /** The command line or a config file is wrong. */
  public static final int USAGE = 2;

  /** A data, model or adapter file is wrong. */
  public static final int BAD_DATA = 3;

  /** Stopped by SIGHUP (the terminal went away) after saving. */
  public static final int HUNG_UP = 129;

  /** Stopped by Ctrl-C (SIGINT) after saving. */
  public static final int INTERRUPTED = 130;

  /** Stopped by SIGTERM after saving. */
  public static final int TERMINATED = 143;

  private ExitCode() {}
}
