package dev.graft.eval.serve;

import dev.graft.bindings.UsageException;
import dev.graft.trainer.serve.AdapterUse;
import dev.graft.trainer.serve.AnswerEnd;
import dev.graft.trainer.serve.AnswerEngine;
import dev.graft.trainer.serve.AnswerListener;
import dev.graft.trainer.serve.AnswerRequest;
import dev.graft.trainer.serve.AnswerTicket;
import dev.graft.trainer.serve.EngineStatus;
import dev.graft.trainer.serve.QueueFullException;
import dev.graft.trainer.serve.TokenLogprob;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** An engine without a model: an answer is its adapter's name and numbered words, five of them unless fewer were asked for. Two at a time. */
final class FakeEngine implements AnswerEngine {
  static final int CONTEXT = 256;
  private static final int WORDS = 5;

  final List<AnswerRequest> taken = new ArrayList<>();
  final ConcurrentLinkedQueue<AnswerRequest> cancelled = new ConcurrentLinkedQueue<>();
  /** Milliseconds between two words. */
  volatile int pace;
  /** What every answer is, piece by piece, where it is not its adapter's name and words. */
  volatile List<String> says = List.of();
  /** Words of every answer, 0 for as many as said above. */
  volatile int words;
  /** Makes answers fail after this many words; -1 for never. */
  volatile int failAfter = -1;
  /** Breaks the listener's contract: an answer ends with null. */
  volatile boolean broken;

  private final int queue;
  private final Map<String, Path> adapters = new LinkedHashMap<>(Map.of());
  private final ExecutorService threads = Executors.newFixedThreadPool(2);
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicInteger active = new AtomicInteger();
  private final AtomicLong answerTokens = new AtomicLong();

  FakeEngine(int queue, String... adapters) {
    this.queue = queue;
    for (String name : adapters) {
      this.adapters.put(name, Path.of(name + ".gguf"));
    }
  }

  @Override
  public synchronized AnswerTicket submit(AnswerRequest request, AnswerListener listener) {
    if (waiting.get() >= queue) {
      throw new QueueFullException(waiting.get());
    }
    if (!adapters.keySet().containsAll(request.adapters().stream().map(AdapterUse::name).toList())) {
      throw new UsageException("no such adapter");
    }
    taken.add(request);
    waiting.incrementAndGet();
    Answer answer = new Answer(request, listener);
    threads.execute(answer);
    return answer;
  }

  private final class Answer implements Runnable, AnswerTicket {
    private final AnswerRequest request;
    private final AnswerListener listener;
    private volatile boolean stop;

    Answer(AnswerRequest request, AnswerListener listener) {
      this.request = request;
      this.listener = listener;
    }

    @Override
    public void cancel() {
      if (!stop) {
        stop = true;
        cancelled.add(request);
      }
    }

    @Override
    public void run() {
      waiting.decrementAndGet();
      active.incrementAndGet();
      try {
        answer();
      } finally {
        active.decrementAndGet();
      }
    }

    private void answer() {
      List<String> pieces = says;
      int whole = !pieces.isEmpty() ? pieces.size() : words > 0 ? words : WORDS;
      int count = Math.min(request.maxTokens(), whole);
      String name = request.adapters().isEmpty() ? "base" : request.adapters().get(0).name();
      for (int i = 0; i < count && !stop; i++) {
        if (failAfter == i) {
          listener.failed(new IllegalStateException("planned failure"));
          return;
        }
        sleep();
        answerTokens.incrementAndGet();
        String piece = i == 0 ? name : " w" + i;
        listener.text(pieces.isEmpty() ? piece : pieces.get(i), request.topLogprobs() < 0 ? List.of() : List.of(logprob(i)));
      }
      if (!stop) {
        stop = true;
        listener.done(broken ? null : new AnswerEnd(count < whole ? "length" : "stop", request.prompt().length, 1, count));
      }
    }

    private TokenLogprob logprob(int i) {
      List<TokenLogprob> top = new ArrayList<>();
      for (int k = 0; k < request.topLogprobs(); k++) {
        top.add(new TokenLogprob(65 + i + k, k == 0 ? -0.5f : Float.NEGATIVE_INFINITY, List.of()));
      }
      return new TokenLogprob(65 + i, -0.5f, top);
    }

    private void sleep() {
      try {
        Thread.sleep(pace);
      } catch (InterruptedException e) {
        stop = true;
      }
    }
  }

  @Override
  public int contextLength() {
    return CONTEXT;
  }

  @Override
  public synchronized List<String> adapters() {
    return List.copyOf(adapters.keySet());
  }

  @Override
  public synchronized void addAdapter(String name, Path file) {
    if (!Files.exists(file)) {
      throw new UsageException(file + ": no such file");
    }
    adapters.put(name, file);
  }

  @Override
  public synchronized boolean removeAdapter(String name) {
    return adapters.remove(name) != null;
  }

  @Override
  public List<float[]> embed(List<int[]> texts, List<AdapterUse> uses) {
    return texts.stream().map(ids -> new float[] {0.5f, ids.length, -1.25f}).toList();
  }

  @Override
  public EngineStatus status() {
    return new EngineStatus(waiting.get(), active.get(), 3, 1024, 7, 2, answerTokens.get());
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
