package dev.graft.eval.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns picocli's complaints into one line, with the nearest name for a mistyped flag or command. */
final class UsageErrors {
  private static final Pattern CHOICES = Pattern.compile("\\[[A-Z0-9_, ]+\\] \\(case-insensitive\\)");

  private UsageErrors() {}

  static int report(ParameterException failure, boolean verbose) {
    CommandLine where = failure.getCommandLine();
    CommandSpec spec = where.getCommandSpec();
    return Failures.report(CliException.usage(line(failure, spec) + seeHelp(spec)), verbose, where.getErr());
  }

  static String unknownFlag(CommandSpec spec, String flag) {
    return prefix(spec) + "unknown flag " + flag + NearMatches.hint(flag, UnknownFlags.names(spec));
  }

  static String unknownCommand(CommandSpec spec, String typed) {
    return prefix(spec) + "unknown command '" + typed + "'" + NearMatches.hint(typed, spec.subcommands().keySet());
  }

  static String seeHelp(CommandSpec spec) {
    return "; see '" + spec.qualifiedName() + " --help'";
  }

  private static String prefix(CommandSpec spec) {
    return spec.root() == spec ? "" : spec.qualifiedName().replaceFirst("^graft ", "") + ": ";
  }

  private static String line(ParameterException failure, CommandSpec spec) {
    if (failure instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
      String typed = unmatched.getUnmatched().get(0);
      if (typed.startsWith("-")) {
        return unknownFlag(spec, typed.replaceFirst("(?s)=.*", ""));
      } else if (!spec.subcommands().isEmpty()) {
        return unknownCommand(spec, typed);
      }
      return prefix(spec) + "unexpected argument '" + typed + "'";
    }
    if (failure.getArgSpec() != null && failure.getArgSpec().type() == Path.class && "".equals(failure.getValue())) {
      ArgSpec arg = failure.getArgSpec();
      return prefix(spec) + (arg instanceof OptionSpec option ? option.longestName() : arg.paramLabel()) + " is empty; name a file or folder";
    }
    String message = Failures.oneLine(failure.getMessage()).replaceFirst("[;.]+$", "");
    if (message.startsWith("Missing required subcommand")) {
      return prefix(spec) + "give a command: " + String.join(", ", spec.subcommands().keySet());
    }
    message = CHOICES.matcher(message).replaceAll(match -> match.group().replace(" (case-insensitive)", "").toLowerCase(Locale.ROOT));
    message = message.replaceFirst("('-\\d+') is not an? (int|long)$", "$1 is too small").replaceFirst("('\\+?\\d+') is not an? (int|long)$", "$1 is too large");
    message = message.replaceFirst(" is not an? (int|long)$", " is not a whole number").replaceFirst(" is not a (float|double)$", " is not a number");
    return prefix(spec) + Character.toLowerCase(message.charAt(0)) + message.substring(1);
  }
}
