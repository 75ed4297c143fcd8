package dev.graft.bindings;

/** The native library is missing, or the device failed. */
public final class NativeFailureException extends GraftException {

  /** @param message one line for the user */
  public NativeFailureException(String message) {
    super(message);
  }

  /** @param message one line for the user; @param cause what led to it, may be null */
  public NativeFailureException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 1;
  }
}
