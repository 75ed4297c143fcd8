package dev.graft.trainer.constrain;

import dev.graft.bindings.GraftException;
import java.util.Optional;

/** A form that answers cannot be held to: malformed, not supported, too large, or one that nothing fits. The message is one line: where, what, and what to do. */
public final class ConstraintException extends GraftException {
  private static final long serialVersionUID = 1L;

  private final String parameter;

  ConstraintException(String message) {
    this(null, message);
  }

  private ConstraintException(String parameter, String message) {
    super((parameter == null ? "" : parameter + ": ") + message.replaceAll("\\s*[\\r\\n]+\\s*", " "));
    this.parameter = parameter;
  }

  /** With the request's parameter at fault in front. */
  static ConstraintException of(String parameter, String message) {
    return new ConstraintException(parameter, message);
  }

  /** The request's parameter at fault, when it came with a request. */
  public Optional<String> parameter() {
    return Optional.ofNullable(parameter);
  }

  @Override
  public int exitCode() {
    return 2;
  }
}
