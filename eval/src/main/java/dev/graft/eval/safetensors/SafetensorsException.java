package dev.graft.eval.safetensors;

import dev.graft.bindings.GraftException;

/** A safetensors file that is damaged, hostile, or holds what Graft does not read; the message is one line. */
public final class SafetensorsException extends GraftException {
  private static final long serialVersionUID = 1;

  /** @param message what, where, what to do */
  public SafetensorsException(String message) {
    super(message);
  }

  @Override
  public int exitCode() {
    return 3;
  }
}
