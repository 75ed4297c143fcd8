package dev.graft.trainer.data;

import dev.graft.bindings.GraftException;
import java.nio.file.Path;

/** A data file, or a row of it, that cannot be used. The message is one line: where, what, and what to do. */
public final class DataException extends GraftException {
  private static final long serialVersionUID = 1L;

  private final int line;

  /**
   * @param file the data file
   * @param line line in it from 1, or 0 when no line is at fault
   * @param what what is wrong and what to do; made one line here
   */
  public DataException(Path file, int line, String what) {
    this(file, line, what, null);
  }

  /** As the other constructor, with the exception that showed it. */
  public DataException(Path file, int line, String what, Throwable cause) {
    super(file + (line > 0 ? ":" + line : "") + ": " + what.replaceAll("\\s*[\\r\\n]+\\s*", " "), cause);
    this.line = line;
  }

  /** Line of the file from 1, or 0. */
  public int line() {
    return line;
  }

  /** The command line's exit code: 3, bad data. */
  @Override
  public int exitCode() {
    return 3;
  }
}
