package dev.graft.eval.synthetic;

/** A data set that cannot be made; the message is one line for the user. */
public final class DataSetException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final boolean usage;

  /** @param usage true when what was asked for makes no sense, false when making it failed */
  public DataSetException(String message, boolean usage) {
    super(message);
    this.usage = usage;
  }

  /** True when what was asked for makes no sense. */
  public boolean usage() {
    return usage;
  }
}
