package dev.graft.eval.cli;

import dev.graft.bindings.GraftException;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.jinja.TemplateException;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Turns whatever went wrong into one line on stderr and an exit code. */
final class Failures {
  private Failures() {}

  /** Prints {@code graft: what, where, what to do} (and the stack trace with {@code --verbose}); returns the exit code. */
  static int report(Throwable failure, boolean verbose, PrintWriter err) {
    Throwable shown = failure instanceof UncheckedIOException && failure.getCause() != null ? failure.getCause() : failure;
    err.println("graft: " + oneLine(line(shown)));
    if (verbose) {
      failure.printStackTrace(err);
    }
    err.flush();
    return exitCode(shown);
  }

  static int exitCode(Throwable failure) {
    if (failure instanceof GraftException graft) {
      return graft.exitCode();
    } else if (failure instanceof DataException || failure instanceof TemplateException) {
      return ExitCode.BAD_DATA;
    } else if (failure instanceof CliException cli) {
      return cli.exitCode();
    } else if (failure instanceof RunException run) {
      return run.exitCode();
    }
    return ExitCode.FAILED;
  }

  private static String line(Throwable failure) {
    if (failure instanceof java.lang.OutOfMemoryError) {
      return "out of Java memory (" + failure.getMessage() + "); give Java more with GRAFT_JAVA_OPTS=-Xmx8g, or use less data";
    } else if (failure instanceof StackOverflowError) {
      return "out of Java stack: something is nested too deeply; check the data and the chat template";
    } else if (failure instanceof FileSystemException file) {
      return fileLine(file);
    } else if (failure instanceof IOException) {
      return "reading or writing failed: " + failure.getClass().getSimpleName() + ": " + message(failure) + "; run again with --verbose for the place";
    } else if (failure instanceof LinkageError) {
      return "a library cannot be loaded: " + message(failure) + "; rebuild with 'mvn -B -ntp verify'";
    } else if (exitCode(failure) != ExitCode.FAILED || known(failure)) {
      return message(failure);
    }
    return "internal error: " + failure.getClass().getSimpleName() + ": " + message(failure) + "; run again with --verbose for the place";
  }

  private static boolean known(Throwable failure) {
    return failure instanceof GraftException || failure instanceof CliException || failure instanceof RunException;
  }

  private static String fileLine(FileSystemException e) {
    if (e instanceof NoSuchFileException) {
      return e.getFile() + ": no such file or folder; check the path";
    } else if (e instanceof AccessDeniedException) {
      return e.getFile() + ": permission denied; check its owner and mode, or choose another path";
    } else if (e instanceof NotDirectoryException) {
      return e.getFile() + ": not a folder";
    }
    String reason = e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
    return e.getFile() == null ? "reading or writing failed: " + reason + "; run again with --verbose for the place" : e.getFile() + ": " + reason;
  }

  private static String message(Throwable failure) {
    return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
  }

  /** One printable line: line ends become spaces, other control characters '?'. */
  static String oneLine(String text) {
    return text.strip().replaceAll("\\s*[\\r\\n]+\\s*", " ").replaceAll("[\\p{Cntrl}&&[^\\t]]", "?");
  }
}
