package dev.graft.eval.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns picocli's complaints into one line, with the nearest name for a mistyped flag or command. */
final class UsageErrors {
  private UsageErrors() {}

  static int report(ParameterException failure, boolean verbose) {
    CommandLine where = failure.getCommandLine();
    String line = line(failure, where.getCommandSpec());
    return Failures.report(CliException.usage(line + "; see '" + where.getCommandSpec().qualifiedName() + " --help'"), verbose, where.getErr());
  }

  private static String line(ParameterException failure, CommandSpec spec) {
    String name = spec.root() == spec ? "" : spec.qualifiedName().replaceFirst("^graft ", "") + ": ";
    if (failure instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()) {
      String typed = unmatched.getUnmatched().get(0);
      if (typed.startsWith("-")) {
        String flag = typed.replaceFirst("=.*", "");
        return name + "unknown flag " + flag + NearMatches.hint(flag, flags(spec));
      } else if (!spec.subcommands().isEmpty()) {
        return name + "unknown command '" + typed + "'" + NearMatches.hint(typed, spec.subcommands().keySet());
      }
      return name + "unexpected argument '" + typed + "'";
    }
    String message = Failures.oneLine(failure.getMessage()).replaceFirst("[;.]+$", "");
    if (failure instanceof MissingParameterException && message.startsWith("Missing required subcommand")) {
      return name + "give a command: " + String.join(", ", spec.subcommands().keySet());
    }
    return name + Character.toLowerCase(message.charAt(0)) + message.substring(1);
  }

  private static List<String> flags(CommandSpec spec) {
    List<String> names = new ArrayList<>(spec.optionsMap().keySet());
    names.removeIf(name -> !name.startsWith("--"));
    return names;
  }
}
