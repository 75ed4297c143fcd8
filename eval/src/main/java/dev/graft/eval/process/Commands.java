package dev.graft.eval.process;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/** Runs commands of Graft, one after the other. */
public interface Commands {
  /** How one ended. @param json what it printed, or a missing node  @param lastLine last on its stderr, or "" where that was shown to the user at once */
  record Result(int code, JsonNode json, String lastLine) {}

  /**
   * Runs one to its end.
   *
   * @param heard gets each line of its stderr, on any thread; null: the user sees them  @param tick called about twice a second, on this thread
   */
  Result run(List<String> arguments, Consumer<String> heard, Runnable tick) throws IOException, InterruptedException;

  /** Whether they were asked to stop. */
  boolean stopped();
}
