package dev.graft.eval.process;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A command of Graft as a process of its own, with this one's Java; its progress is shown or heard, its result is read. It ends with this process,
 * however that ends: see {@link ParentWatch}. {@link #stop} may come from any thread; one command runs at a time.
 */
public final class ChildCommand implements Commands {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long TICK_MILLIS = 500;

  private volatile Process process;
  private volatile boolean stopped;

  /** Runs it to its end; the user sees its stderr. */
  public Result run(List<String> arguments) throws IOException, InterruptedException {
    return run(arguments, null, () -> {});
  }

  @Override
  public Result run(List<String> arguments, Consumer<String> heard, Runnable tick) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command(arguments));
    Process started = heard == null ? builder.redirectError(ProcessBuilder.Redirect.INHERIT).start() : builder.start();
    process = started;
    if (stopped) {
      started.destroy();
    }
    CompletableFuture<String> out = CompletableFuture.supplyAsync(() -> all(started.getInputStream()), task -> thread(task, "graft-child-out"));
    CompletableFuture<String> err =
        heard == null ? CompletableFuture.completedFuture("") : CompletableFuture.supplyAsync(() -> lines(started.getErrorStream(), heard), task -> thread(task, "graft-child-err"));
    while (!started.waitFor(TICK_MILLIS, TimeUnit.MILLISECONDS)) {
      tick.run();
    }
    started.getOutputStream().close(); // open until now: its end tells the child that this process is gone
    return new Result(started.exitValue(), json(out.join()), err.join());
  }

  private static List<String> command(List<String> arguments) {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(argument -> !argument.equals(ParentWatch.FLAG)).forEach(command::add);
    command.addAll(List.of(ParentWatch.FLAG, "-cp", System.getProperty("java.class.path"), "dev.graft.eval.cli.Main"));
    command.addAll(arguments);
    return command;
  }

  private static JsonNode json(String out) throws IOException {
    try {
      return out.isBlank() ? MissingNode.getInstance() : JSON.readTree(out);
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance(); // it died while printing; its exit code tells
    }
  }

  private static void thread(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  private static String all(InputStream in) {
    try {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String lines(InputStream in, Consumer<String> heard) {
    String last = "";
    try (BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        last = line.isBlank() ? last : line;
        heard.accept(line);
      }
    } catch (IOException e) {
      return last; // the pipe broke with the child
    }
    return last;
  }

  /** Asks the command to stop in good order, as SIGTERM does; does not wait. */
  public void stop() {
    stopped = true;
    Process running = process;
    if (running != null) {
      running.destroy();
    }
  }

  @Override
  public boolean stopped() {
    return stopped;
  }
}
