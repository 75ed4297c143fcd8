package dev.graft.trainer.tokenizer;

import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.llama.LlamaProcess;
import dev.graft.trainer.llama.LlamaProcessException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Processes that encode with one vocabulary: one at first, more when there is much text. Encoding is asked for by one thread at a time. */
final class WorkerPool implements AutoCloseable {
  /** Characters that make another process worth its start. */
  private static final long CHARACTERS_A_WORKER = 1 << 19;
  /** Characters sent in one request, about. */
  private static final int REQUEST = 1 << 16;

  private final Path tiny;
  private final int most;
  private final List<LlamaProcess> workers = new CopyOnWriteArrayList<>();
  private boolean mayGrow = true;
  private volatile boolean closed;

  /**
   * Starts the first process.
   *
   * @param tiny the model that carries the vocabulary; deleted, with its folder, on closing
   * @param most processes at most
   */
  WorkerPool(Path tiny, int most) {
    this.tiny = tiny;
    this.most = most;
    tiny.getParent().toFile().deleteOnExit(); // should nobody close this; deleted in reverse order
    tiny.toFile().deleteOnExit();
    workers.add(start());
  }

  private LlamaProcess start() {
    return LlamaProcess.start(LlamaOptions.of(tiny).withContext(32).withThreads(1));
  }

  LlamaProcess first() {
    return workers.get(0);
  }

  /** Ids of texts, in order. */
  List<int[]> encode(List<String> texts) {
    List<int[]> requests = split(texts); // from, to
    long characters = texts.stream().mapToLong(String::length).sum();
    int count = (int) Math.min(Math.min(most, requests.size()), 1 + characters / CHARACTERS_A_WORKER);
    int[][] ids = new int[texts.size()][];
    AtomicInteger next = new AtomicInteger();
    if (count <= 1) {
      work(0, texts, requests, next, ids);
      return Arrays.asList(ids);
    }
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int worker = i;
        running.add(threads.submit(() -> work(worker, texts, requests, next, ids)));
      }
      for (Future<?> run : running) {
        run.get();
      }
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while encoding", e);
    } finally {
      threads.shutdownNow();
    }
    return Arrays.asList(ids);
  }

  /** Takes requests until none is left; a worker beyond the first is started when it is missing. */
  private void work(int worker, List<String> texts, List<int[]> requests, AtomicInteger next, int[][] ids) {
    LlamaProcess process = process(worker);
    for (int i = process == null ? requests.size() : next.getAndIncrement(); i < requests.size(); i = next.getAndIncrement()) {
      int from = requests.get(i)[0];
      List<int[]> answer = process.encode(texts.subList(from, requests.get(i)[1]));
      for (int k = 0; k < answer.size(); k++) {
        ids[from + k] = answer.get(k);
      }
    }
  }

  /** The worker, or null when there is none and none can be started: the others do its work. */
  private LlamaProcess process(int worker) {
    if (worker < workers.size()) {
      return workers.get(worker);
    }
    synchronized (this) {
      if (!mayGrow) {
        return null;
      }
    }
    try {
      LlamaProcess process = start();
      synchronized (this) {
        workers.add(process);
        if (closed) {
          process.close();
        }
      }
      return process;
    } catch (LlamaProcessException e) {
      synchronized (this) {
        mayGrow = false; // no memory for another one, most likely
      }
      return null;
    }
  }

  private static List<int[]> split(List<String> texts) {
    List<int[]> requests = new ArrayList<>();
    int from = 0;
    int characters = 0;
    for (int i = 0; i < texts.size(); i++) {
      characters += texts.get(i).length();
      if (characters >= REQUEST || i + 1 == texts.size()) {
        requests.add(new int[] {from, i + 1});
        from = i + 1;
        characters = 0;
      }
    }
    return requests;
  }

  /** Deletes the tiny model and the folder made for it. */
  static void delete(Path tiny) {
    if (tiny == null) {
      return;
    }
    for (Path path : List.of(tiny, tiny.getParent())) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        path.toFile().deleteOnExit();
      }
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    workers.forEach(LlamaProcess::close);
    delete(tiny);
  }
}
