package dev.graft.bindings;

/** An argument is out of its range or does not fit another. */
public final class UsageException extends GraftException {

  /** @param message one line for the user */
  public UsageException(String message) {
    super(message);
  }

  /** @param message one line for the user; @param cause what led to it, may be null */
  public UsageException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 2;
  }
}
