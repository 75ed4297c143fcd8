package dev.graft.eval.cli;

/** A failure of a command whose message is already the line for the user: what, where, what to do. */
public final class CliException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int exitCode;

  CliException(int exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** A flag or argument that makes no sense; exit code 2. */
  public static CliException usage(String message) {
    return new CliException(ExitCode.USAGE, message, null);
  }

  /** Bad data or a bad model; exit code 3. */
  public static CliException badData(String message) {
    return new CliException(ExitCode.BAD_DATA, message, null);
  }

  /** Anything else that failed; exit code 1. */
  public static CliException failed(String message, Throwable cause) {
    return new CliException(ExitCode.FAILED, message, cause);
  }

  /** Exit code of the process. */
  public int exitCode() {
    return exitCode;
  }
}
