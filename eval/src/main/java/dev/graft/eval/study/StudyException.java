package dev.graft.eval.study;

/** A study that cannot go on; what is done is kept. The message is one line for the user, or null when a stop was asked for. */
public final class StudyException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int exitCode;

  private StudyException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** A command failed. @param exitCode of it */
  static StudyException failed(int exitCode, String message) {
    return new StudyException(exitCode, message);
  }

  /** A stop was asked for. */
  static StudyException stopped(int exitCode) {
    return new StudyException(exitCode, null);
  }

  /** Whether a stop was asked for. */
  public boolean stopped() {
    return getMessage() == null;
  }

  /** Exit code of the process. */
  public int exitCode() {
    return exitCode;
  }
}
