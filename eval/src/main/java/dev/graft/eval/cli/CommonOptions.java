package dev.graft.eval.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.GraftRuntime;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The options that every command has; used as a picocli {@code @Mixin}. Results go to {@link #out()}, everything else to {@link
 * #err()}.
 *
 * <p>{@code --config} is not read here: {@link ConfigFile} turns its keys into flags before picocli sees them, so that a command
 * finds the values in its own fields. One thread.
 */
public final class CommonOptions {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Spec(Spec.Target.MIXEE)
  CommandSpec command;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads; 0 takes every core this process may use. Default: ${DEFAULT-VALUE}.")
  int threads;

  @Option(
      names = "--device",
      paramLabel = "auto|cpu|cuda",
      defaultValue = "auto",
      description = "Where to compute. Default: ${DEFAULT-VALUE}.")
  String device;

  @Option(
      names = "--isa",
      paramLabel = "auto|ref|avx2|avx512|amx",
      defaultValue = "auto",
      description = "Instruction set of the CPU kernels; auto takes the best this machine has. Default: ${DEFAULT-VALUE}.")
  String isa;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "Seed of everything random: same seed, threads and isa give the same bits. Default: ${DEFAULT-VALUE}.")
  long seed;

  @Option(names = "--quiet", description = "No progress and no notes on stderr. Default: off.")
  boolean quiet;

  @Option(names = "--json", description = "Machine-readable result on stdout. Default: off.")
  boolean json;

  @Option(names = "--verbose", description = "A stack trace when something fails, and more notes. Default: off.")
  boolean verbose;

  @Option(
      names = "--config",
      paramLabel = "FILE.yaml",
      description = "Reads flags from a YAML file, named as here without the dashes (batch-size: 8); a flag on the command line wins.")
  Path config;

  @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this help.")
  boolean help;

  /** CPU threads asked for; 0 means every core. */
  public int threads() {
    if (threads < 0) {
      throw CliException.usage("--threads " + threads + " is negative; give a count of threads, or 0 for every core");
    }
    return threads;
  }

  /** {@code auto}, {@code cpu} or {@code cuda}. */
  public String device() {
    return device;
  }

  /** The instruction set asked for, or null for the best of this machine. */
  public String isa() {
    return "auto".equals(isa) ? null : isa;
  }

  /** Seed of everything random. */
  public long seed() {
    return seed;
  }

  /** True when only errors may be printed on stderr. */
  public boolean quiet() {
    return quiet;
  }

  /** True when the result on stdout must be JSON. */
  public boolean json() {
    return json;
  }

  /** True when a failure shows its stack trace. */
  public boolean verbose() {
    return verbose;
  }

  /** Opens the runtime that {@code --device}, {@code --isa} and {@code --threads} ask for; the caller closes it. */
  public GraftRuntime openRuntime() {
    return GraftRuntime.open(device(), isa(), threads());
  }

  /** Standard output of the command: results only. */
  public PrintWriter out() {
    return command.commandLine().getOut();
  }

  /** Standard error of the command: notes and progress. */
  public PrintWriter err() {
    return command.commandLine().getErr();
  }

  /** One line for the user on stderr; nothing with {@code --quiet}. */
  public void note(String line) {
    if (!quiet) {
      err().println("graft: " + line);
      err().flush();
    }
  }

  /** Writes a value (record, map or tree) as one indented JSON document on stdout. */
  public void printJson(Object value) {
    try {
      out().println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value));
      out().flush();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write the result as JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** True when progress bars and colours may be drawn on stderr. */
  public boolean stderrIsTerminal() {
    return !quiet && Terminal.isTerminal(2);
  }

  /** True when colours may be used on stdout. */
  public boolean stdoutIsTerminal() {
    return !json && Terminal.isTerminal(1);
  }
}
