package dev.graft.eval.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A command of Graft as a process of its own, with this one's Java; its progress is shown, its result is read. {@link #stop} may come from any thread. */
public final class ChildCommand {
  private static final ObjectMapper JSON = new ObjectMapper();

  private volatile Process process;
  private volatile boolean stopped;

  /** How it ended. @param json what it printed, or a missing node */
  public record Result(int code, JsonNode json) {}

  /** Runs it to its end. */
  public Result run(List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "dev.graft.eval.cli.Main"));
    command.addAll(arguments);
    process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    if (stopped) {
      process.destroy();
    }
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    return new Result(code, out.isBlank() ? MissingNode.getInstance() : JSON.readTree(out));
  }

  /** Asks the command to stop in good order, as SIGTERM does; does not wait. */
  public void stop() {
    stopped = true;
    Process running = process;
    if (running != null) {
      running.destroy();
    }
  }

  /** Whether {@link #stop} was called. */
  public boolean stopped() {
    return stopped;
  }
}
