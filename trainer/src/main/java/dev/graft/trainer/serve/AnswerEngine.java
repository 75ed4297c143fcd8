package dev.graft.trainer.serve;

import java.nio.file.Path;
import java.util.List;

/** Answers requests, many at once. Threads may share it; {@link #close} fails what still runs. */
public interface AnswerEngine extends AutoCloseable {
  /**
   * Takes a request; its listener hears the rest.
   *
   * @throws QueueFullException when too many wait
   * @throws dev.graft.bindings.UsageException when it can never be answered: a prompt with its answer beyond {@link #contextLength}, an unknown id or adapter, a number
   *     out of its range
   */
  AnswerTicket submit(AnswerRequest request, AnswerListener listener);

  /** Most tokens of a prompt and its answer together. */
  int contextLength();

  /** Names that requests may give, in the order in which they were added. */
  List<String> adapters();

  /**
   * Loads an adapter while others are at work.
   *
   * @throws dev.graft.bindings.GraftException when the file is not an adapter of this base
   * @throws dev.graft.bindings.UsageException when the name is taken
   */
  void addAdapter(String name, Path file);

  /** Drops an adapter once the requests that use it are done; new ones do not find it. @return false when there is none of this name */
  boolean removeAdapter(String name);

  /**
   * A vector for each text: the mean over its tokens of the last hidden states (after the final norm), of length 1.
   *
   * @throws UnsupportedOperationException when this engine has none
   */
  List<float[]> embed(List<int[]> texts, List<AdapterUse> adapters);

  EngineStatus status();

  @Override
  void close();
}
