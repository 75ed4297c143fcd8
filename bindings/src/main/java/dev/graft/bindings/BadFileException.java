package dev.graft.bindings;

/** A model, adapter or checkpoint file is missing, unreadable, damaged, hostile or not supported. */
public final class BadFileException extends GraftException {

  /** @param message one line for the user */
  public BadFileException(String message) {
    super(message);
  }

  /** @param message one line for the user; @param cause what led to it, may be null */
  public BadFileException(String message, Throwable cause) {
    super(message, cause);
  }

  @Override
  public int exitCode() {
    return 3;
  }
}
