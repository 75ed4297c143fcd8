package dev.graft.bindings;

/** A failure with one line for the user: what is wrong, where, and what to do. */
public abstract class GraftException extends RuntimeException {

  /** @param message one line, without a stack trace's detail */
  protected GraftException(String message) {
    super(message);
  }

  /** @param message one line; @param cause what led to it, may be null */
  protected GraftException(String message, Throwable cause) {
    super(message, cause);
  }

  /** What a program that ends because of this should exit with: 2 usage, 3 bad data or model, 1 anything else. */
  public abstract int exitCode();
}
