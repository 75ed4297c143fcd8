package dev.graft.trainer.run;

/** A run that cannot start or go on; the message is one line for the user: what, where, what to do. */
public final class RunException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int exitCode;

  private RunException(int exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** The flags make no sense together, or do not fit the folder; exit code 2. */
  public static RunException usage(String message) {
    return new RunException(2, message, null);
  }

  /** Data, model or checkpoint is bad; exit code 3. */
  public static RunException badData(String message, Throwable cause) {
    return new RunException(3, message, cause);
  }

  /** Anything else; exit code 1. */
  public static RunException failed(String message, Throwable cause) {
    return new RunException(1, message, cause);
  }

  /** Exit code of the process. */
  public int exitCode() {
    return exitCode;
  }
}
