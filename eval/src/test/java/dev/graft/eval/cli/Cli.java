package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the command line for tests: within this JVM, or as a process of its own. */
final class Cli {
  private static final int LIMIT_SECONDS = 120;

  private Cli() {}

  /** How a command ended. */
  record Result(int code, String out, String err) {
    /** Expects success. */
    Result ok() {
      assertThat(code).as("exit code; stderr: %s", err).isZero();
      return this;
    }

    /** Expects this exit code and exactly one line on stderr. */
    Result fails(int expected) {
      assertThat(code).as("exit code; stderr: %s", err).isEqualTo(expected);
      assertThat(err.lines().toList()).as("stderr").singleElement().satisfies(line -> assertThat(line).startsWith("graft: "));
      return this;
    }
  }

  static Result run(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(strings(args), new PrintWriter(out), new PrintWriter(err));
    return new Result(code, out.toString(), err.toString());
  }

  private static String[] strings(Object... args) {
    return Arrays.stream(args).map(Object::toString).toArray(String[]::new);
  }

  /** Starts a process; its stdout and stderr go to files in the folder. */
  static Child start(Path folder, Object... args) throws IOException {
    return start(folder, List.of(), args);
  }

  /** As {@link #start(Path, Object...)}, run by a shell or another launcher. */
  static Child start(Path folder, List<String> launcher, Object... args) throws IOException {
    List<String> command = new ArrayList<>(launcher);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8"));
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    String library = System.getProperty("graft.library.path");
    if (library != null) {
      command.add("-Dgraft.library.path=" + library);
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.graft.eval.cli.Main"));
    command.addAll(List.of(strings(args)));
    Files.createDirectories(folder);
    Path out = Files.createTempFile(folder, "out", ".txt");
    Path err = Files.createTempFile(folder, "err", ".txt");
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().put("LC_ALL", "C.UTF-8");
    return new Child(builder.start(), out, err);
  }

  /** A running command. */
  record Child(Process process, Path out, Path err) {
    Result await() throws IOException, InterruptedException {
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("the command did not end; stderr: " + Files.readString(err));
      }
      return new Result(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8), Files.readString(err, StandardCharsets.UTF_8));
    }

    /** Waits until a file has so many lines, or fails. */
    void awaitLines(Path file, int lines) throws IOException, InterruptedException {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
      while (!Files.exists(file) || Files.readString(file).lines().count() < lines) {
        if (!process.isAlive() || System.nanoTime() > end) {
          throw new AssertionError("the command ended, or took too long, before " + file + " had " + lines + " lines; stderr: " + Files.readString(err));
        }
        Thread.sleep(5);
      }
    }
  }
}
