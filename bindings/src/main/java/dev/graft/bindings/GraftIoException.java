package dev.graft.bindings;

/** A file cannot be written: no such folder, no permission, disk full. */
public final class GraftIoException extends GraftException {

  /** @param message one line for the user */
  public GraftIoException(String message) {
    super(message);
  }

  /** @param message one line for the user; @param cause what led to it, may be null */
  public GraftIoException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 1;
  }
}
