package dev.graft.eval.cli;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Finds a mistyped flag or command before anything else: picocli would first ask for required flags, or print help. */
final class UnknownFlags {
  private UnknownFlags() {}

  /** @throws CliException with the nearest name */
  static void check(CommandLine root, List<String> args) {
    CommandLine command = root;
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      if (command.getSubcommands().containsKey(arg)) {
        command = command.getSubcommands().get(arg);
      } else if (!command.getSubcommands().isEmpty() && !arg.startsWith("-")) {
        throw CliException.usage(UsageErrors.unknownCommand(command.getCommandSpec(), arg) + UsageErrors.seeHelp(command.getCommandSpec()));
      } else if (arg.equals("--")) {
        return;
      } else if (arg.startsWith("--") || arg.matches("-[A-Za-z].*")) {
        String name = arg.replaceFirst("(?s)=.*", "");
        OptionSpec option = command.getCommandSpec().findOption(name);
        if (option == null) {
          option = command.getCommandSpec().negatedOptionsMap().get(name);
        }
        if (option == null) {
          throw CliException.usage(UsageErrors.unknownFlag(command.getCommandSpec(), name) + UsageErrors.seeHelp(command.getCommandSpec()));
        } else if (option.arity().min() > 0 && !arg.contains("=")) {
          i++; // its value, whatever that looks like
        }
      }
    }
  }

  static List<String> names(CommandLine.Model.CommandSpec spec) {
    List<String> names = new ArrayList<>(spec.optionsMap().keySet());
    names.removeIf(name -> !name.startsWith("--"));
    return names;
  }
}
