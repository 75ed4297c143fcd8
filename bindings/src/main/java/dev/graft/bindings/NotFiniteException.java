package dev.graft.bindings;

/** A NaN or an infinity where training cannot go on. */
public final class NotFiniteException extends GraftException {

  /** @param message one line for the user */
  public NotFiniteException(String message) {
    super(message);
  }

  /** @param message one line for the user; @param cause what led to it, may be null */
  public NotFiniteException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 1;
  }
}
