package dev.graft.bindings;

/** The device or the machine has not enough memory. */
public final class NativeMemoryException extends GraftException {

  /** @param message one line for the user */
  public NativeMemoryException(String message) {
    super(message);
  }

  /** @param message one line for the user; @param cause what led to it, may be null */
  public NativeMemoryException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 1;
  }
}
