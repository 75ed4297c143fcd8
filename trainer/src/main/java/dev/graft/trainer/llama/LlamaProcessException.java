package dev.graft.trainer.llama;

import dev.graft.bindings.GraftException;

/** The process that runs llama.cpp could not start, died, did not answer in time, or refused; the message is one line. */
public final class LlamaProcessException extends GraftException {
  private static final long serialVersionUID = 1L;

  private final boolean died;

  LlamaProcessException(String message, boolean died, Throwable cause) {
    super(message.replaceAll("\\s*[\\r\\n]+\\s*", " "), cause);
    this.died = died;
  }

  /** True when the process is gone, so that nothing more can be asked of it. */
  public boolean died() {
    return died;
  }

  @Override
  public int exitCode() {
    return 1;
  }
}
