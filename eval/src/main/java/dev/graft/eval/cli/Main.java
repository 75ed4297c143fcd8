package dev.graft.eval.cli;

import dev.graft.eval.process.ParentWatch;
import java.io.FileDescriptor;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;

/** The command line {@code graft}. */
public final class Main {
  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    ParentWatch.begin();
    StandardOutput stdout = new StandardOutput(FileDescriptor.out);
    PrintWriter out = new PrintWriter(new OutputStreamWriter(stdout, StandardCharsets.UTF_8));
    StandardOutput stderr = new StandardOutput(FileDescriptor.err);
    PrintWriter err = new PrintWriter(new OutputStreamWriter(stderr, StandardCharsets.UTF_8), true);
    int code = run(args, out, err);
    out.flush();
    if (stdout.failure() != null && code == ExitCode.DONE) {
      err.println("graft: standard output: " + stdout.failure() + "; the result is not complete");
      code = ExitCode.FAILED;
    }
    err.flush();
    System.exit(code); // not a plain return: a library may have left a thread running
  }

  /**
   * Runs one command within this process; for {@link #main} and tests.
   *
   * @param out where results go  @param err where notes, progress and the one line of a failure go
   * @return the exit code, see {@link ExitCode}
   */
  public static int run(String[] args, PrintWriter out, PrintWriter err) {
    boolean verbose = Arrays.asList(args).contains("--verbose");
    try {
      CommandLine root = commandLine(out, err, verbose);
      UnknownFlags.check(root, List.of(args));
      String[] expanded = ConfigFile.expand(root, List.of(args)).toArray(String[]::new);
      int code = root.execute(expanded);
      out.flush();
      return code;
    } catch (Throwable failure) { // Errors too: no stack trace may reach the user
      return Failures.report(failure, verbose, err);
    }
  }

  private static CommandLine commandLine(PrintWriter out, PrintWriter err, boolean verbose) {
    CommandLine root = new CommandLine(new RootCommand());
    root.setOut(out).setErr(err);
    root.registerConverter(Path.class, Main::path);
    root.setExpandAtFiles(false);
    root.setCaseInsensitiveEnumValuesAllowed(true);
    root.setUsageHelpWidth(120);
    root.setUsageHelpLongOptionsMaxWidth(40);
    root.setParameterExceptionHandler((failure, ignored) -> UsageErrors.report(failure, verbose));
    root.setExecutionExceptionHandler((failure, ignored, result) -> Failures.report(failure, verbose, err));
    return root;
  }

  private static Path path(String text) {
    if (text.isEmpty()) {
      throw new CommandLine.TypeConversionException("is empty"); // Path.of would take it for the working directory
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new CommandLine.TypeConversionException("not a path: " + e.getMessage());
    }
  }
}
