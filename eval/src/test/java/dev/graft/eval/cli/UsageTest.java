package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.bindings.GraftException;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What every command promises: exit codes, one line for a failure, help. */
class UsageTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "sft --bach-size 3|sft: unknown flag --bach-size; did you mean --batch-size?",
        "sft --max_steps=3|unknown flag --max_steps; did you mean --max-steps?",
        "scroe|unknown command 'scroe'; did you mean score?",
        "sft|missing required options: '--model=M.gguf', '--data=D.jsonl', '--output=DIR'",
        "sft --batch-size=a|invalid value for option '--batch-size': 'a' is not a whole number",
        "sft --batch-size=99999999999|'99999999999' is too large",
        "sft --seed=-99999999999999999999|'-99999999999999999999' is too small",
        "sft --output=|sft: --output is empty",
        "generate --model=|--model is empty",
        "generate --output=|--output is empty",
        "sft --config=|--config is empty",
        "frob --help|unknown command 'frob'",
        "sft --learning-rate=a|'a' is not a number",
        "sft --lr-scheduler=sine|expected one of [constant, linear, cosine] but was 'sine'",
        "score --model m --data d --output -  --json|--output cannot be -",
        "generate --model m|give either --prompt or --data",
        "generate --model m --prompt p --data d|give either --prompt or --data",
        "generate --model m --data d|--data needs --output",
        "generate --model m --prompt p --engine x|--engine x is not known",
        "generate --model m --prompt p --top-p 0|--top-p 0.0 must be above 0",
        "generate --model m --prompt p --temperature NaN|--temperature NaN",
        "inspect|missing required parameter: 'MODEL.gguf'",
        "inspect a b|unexpected argument 'b'",
        "bench|give a command: train, dpo, quantize, decode, serve, make-model",
        "bench make-model --no-tied --outptu x|unknown flag --outptu; did you mean --output?",
        "quantize a.gguf b.gguf|missing required parameter: 'TYPE'",
        "imatrix --model m|missing required options: '--data=D', '--output=F'",
        "imatrix --model m --data d --output o --max-length 1|--max-length 1 must be at least 2",
        "bench quantize --types Q9|--types Q9 is not known",
        "--threads 3|unknown flag --threads"
      })
  void aWrongCommandLineIsOneLineAndExitCode2(String args, String message) {
    assertThat(Cli.run((Object[]) args.split(" +")).fails(2).err()).contains(message);
  }

  @Test
  void withoutACommandItSaysWhichThereAre() {
    assertThat(Cli.run().fails(2).err()).contains("give a command: quickstart, inspect,");
  }

  static Stream<CommandLine> commands() {
    CommandLine root = new CommandLine(new RootCommand());
    return Stream.concat(Stream.of(root), root.getSubcommands().values().stream().flatMap(c -> Stream.concat(Stream.of(c), c.getSubcommands().values().stream())));
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyHelpHasAnExampleAndEveryFlagItsDefault(CommandLine command) {
    List<String> names = List.of(command.getCommandSpec().qualifiedName().split(" "));
    Object[] args = Stream.concat(names.stream().skip(1), Stream.of("--help")).toArray();
    Cli.Result help = Cli.run(args).ok();
    assertThat(help.out()).contains("Example").contains("graft " + String.join(" ", names.subList(1, names.size())));
    for (OptionSpec option : command.getCommandSpec().options()) {
      assertThat(option.description()).as(option.longestName()).isNotEmpty();
      if (option.defaultValue() != null) {
        assertThat(String.join(" ", option.description())).as(option.longestName()).contains("Default:");
      }
    }
  }

  static Stream<Throwable> failures() {
    return Stream.of(
        new OutOfMemoryError("Java heap space"),
        new StackOverflowError(),
        new UnsatisfiedLinkError("no such library"),
        new IllegalStateException("first\nsecond\u001b[31m"),
        new NullPointerException(),
        new UncheckedIOException(new NoSuchFileException("a.jsonl")),
        new AccessDeniedException("b.jsonl"),
        new java.nio.file.FileSystemException(null),
        new IOException("No space left on device"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void anythingElseIsOneLineAndExitCode1(Throwable failure) {
    StringWriter err = new StringWriter();
    assertThat(Failures.report(failure, false, new PrintWriter(err))).isEqualTo(1);
    assertThat(err.toString().lines()).singleElement().satisfies(line -> assertThat(line).startsWith("graft: ").doesNotContain("\u001b"));
  }

  @Test
  void exitCodesFollowTheKindOfFailure() {
    assertThat(Failures.exitCode(new DataException(Path.of("d"), 3, "broken"))).isEqualTo(3);
    assertThat(Failures.exitCode(RunException.usage("x"))).isEqualTo(2);
    assertThat(Failures.exitCode(RunException.badData("x", null))).isEqualTo(3);
    assertThat(Failures.exitCode(CliException.failed("x", null))).isEqualTo(1);
    assertThat(Failures.exitCode(new GraftException("x") {
      private static final long serialVersionUID = 1L;

      @Override
      public int exitCode() {
        return 3;
      }
    })).isEqualTo(3);
  }

  @Test
  void aStackTraceOnlyWithVerbose() {
    StringWriter err = new StringWriter();
    Failures.report(new IllegalStateException("x"), true, new PrintWriter(err));
    assertThat(err.toString()).contains("\tat ");
  }

  @Test
  void nearMatches() {
    assertThat(NearMatches.of("--treads", List.of("--threads", "--seed"))).containsExactly("--threads");
    assertThat(NearMatches.of("rank", List.of("lora-rank", "lora-alpha"))).containsExactly("lora-rank");
    assertThat(NearMatches.of("xyz", List.of("lora-rank", "seed"))).isEmpty();
    assertThat(NearMatches.distance("abcd", "acbd")).isEqualTo(1);
  }
}
