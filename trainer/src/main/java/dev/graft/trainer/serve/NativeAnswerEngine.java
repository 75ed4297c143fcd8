package dev.graft.trainer.serve;

import dev.graft.bindings.CacheUse;
import dev.graft.bindings.Generator;
import dev.graft.bindings.Model;
import dev.graft.bindings.UsageException;
import dev.graft.trainer.run.SplitMix64;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** Our own engine: one thread that steps a {@link ContinuousBatch}, and between two steps does what other threads ask for. */
public final class NativeAnswerEngine implements AnswerEngine {
  private final EngineOptions options;
  private final Model model;
  private final Generator generator;
  private final ContinuousBatch batch;
  private final LoadedAdapters adapters;
  private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final Thread thread;
  private boolean closed; // guarded by tasks
  private volatile EngineStatus status;

  private NativeAnswerEngine(Model model, Vocabulary vocabulary, EngineOptions options) {
    this.model = model;
    this.options = options;
    generator = Generator.open(model, options.generator());
    batch = new ContinuousBatch(generator, vocabulary, options.sequences(), options.passRows(), options.promptRows());
    adapters = new LoadedAdapters(model, generator);
    look();
    thread = new Thread(this::work, "graft-engine");
    thread.setDaemon(true);
  }

  /**
   * Starts an engine on a model, which must stay open until the engine is closed.
   *
   * @throws dev.graft.bindings.NativeMemoryException when its memory is not to be had
   */
  public static NativeAnswerEngine start(Model model, Vocabulary vocabulary, EngineOptions options) {
    NativeAnswerEngine engine = new NativeAnswerEngine(model, vocabulary, options);
    engine.thread.start();
    return engine;
  }

  @Override
  public AnswerTicket submit(AnswerRequest request, AnswerListener listener) {
    check(request);
    LoadedAdapters.Chosen chosen = adapters.choose(request.adapters());
    AnswerPlan plan = new AnswerPlan(request.prompt(), chosen.indices(), chosen.scales(), request.sampling(), new SplitMix64(request.seed(), 0), request.stop(),
        request.maxTokens(), request.topLogprobs(), request.constraint(), request.shown());
    Answer answer = new Answer(plan, new Watching(chosen) {
      @Override
      public void text(String more, List<TokenLogprob> tokens) {
        listener.text(more, tokens);
      }

      @Override
      void told(Answer done) {
        listener.done(done.end());
      }

      @Override
      void refused(RuntimeException reason) {
        listener.failed(reason);
      }
    });
    enqueue(List.of(answer));
    return () -> batch.cancel(answer);
  }

  @Override
  public int contextLength() {
    return options.context();
  }

  @Override
  public List<String> adapters() {
    return adapters.names();
  }

  @Override
  public void addAdapter(String name, Path file) {
    onThread(() -> {
      adapters.add(name, file);
      return null;
    });
  }

  @Override
  public boolean removeAdapter(String name) {
    return onThread(() -> adapters.remove(name));
  }

  @Override
  public List<float[]> embed(List<int[]> texts, List<AdapterUse> uses) {
    for (int[] text : texts) {
      checkTokens(text, 0);
    }
    List<CompletableFuture<float[]>> results = new ArrayList<>();
    List<Answer> answers = new ArrayList<>();
    for (int[] text : texts) {
      LoadedAdapters.Chosen chosen = adapters.choose(uses);
      CompletableFuture<float[]> result = new CompletableFuture<>();
      results.add(result);
      answers.add(new Answer(AnswerPlan.embedding(text, chosen.indices(), chosen.scales()), new Watching(chosen) {
        @Override
        void told(Answer done) {
          result.complete(done.embedding());
        }

        @Override
        void refused(RuntimeException reason) {
          result.completeExceptionally(reason);
        }
      }));
    }
    enqueue(answers);
    return results.stream().map(NativeAnswerEngine::join).toList();
  }

  @Override
  public EngineStatus status() {
    EngineStatus last = status;
    return new EngineStatus(waiting.get(), running.get(), last.cacheTokens(), last.cacheCapacity(), last.promptTokens(), last.reusedTokens(), last.answerTokens());
  }

  @Override
  public void close() {
    synchronized (tasks) {
      if (!closed) {
        closed = true;
        tasks.add(() -> {}); // wakes the thread
      }
    }
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void check(AnswerRequest request) {
    if (request.maxTokens() < 1) {
      throw new UsageException("an answer of at most " + request.maxTokens() + " tokens: it must be at least 1");
    }
    checkTokens(request.prompt(), request.maxTokens());
    request.sampling().check(model.info().vocabulary());
    if (request.topLogprobs() < -1 || request.topLogprobs() > model.info().vocabulary()) {
      throw new UsageException("the " + request.topLogprobs() + " likeliest tokens are not to be had");
    }
    if (request.stop().stream().anyMatch(String::isEmpty)) {
      throw new UsageException("a stop text is empty");
    }
  }

  private void checkTokens(int[] tokens, int more) {
    if (tokens.length == 0) {
      throw new UsageException("the prompt is empty");
    }
    if ((long) tokens.length + more > options.context()) {
      throw new UsageException(
          "the prompt's " + tokens.length + " tokens" + (more > 0 ? " and an answer of " + more : "") + " exceed the context of " + options.context() + " tokens");
    }
    for (int token : tokens) {
      if (token < 0 || token >= model.info().vocabulary()) {
        throw new UsageException("token " + token + " is not in the vocabulary (ids 0 to " + (model.info().vocabulary() - 1) + ")");
      }
    }
  }

  private void enqueue(List<Answer> answers) {
    synchronized (tasks) {
      boolean full = waiting.get() >= options.queue() + Math.max(0, options.sequences() - running.get());
      if (closed || full) {
        answers.forEach(answer -> ((Watching) answer.watcher()).release());
      }
      requireOpen();
      if (full) {
        throw new QueueFullException(waiting.get());
      }
      waiting.addAndGet(answers.size());
      tasks.add(() -> answers.forEach(batch::add));
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  private <T> T onThread(Supplier<T> task) {
    CompletableFuture<T> result = new CompletableFuture<>();
    synchronized (tasks) {
      requireOpen();
      tasks.add(() -> {
        try {
          result.complete(task.get());
        } catch (RuntimeException e) {
          result.completeExceptionally(e);
        }
      });
    }
    return join(result);
  }

  private static <T> T join(CompletableFuture<T> result) {
    try {
      return result.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  private void work() {
    try {
      while (goesOn()) {
        batch.step();
        look();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does that; it ends like a close
    } finally {
      synchronized (tasks) {
        closed = true;
      }
      tasks.forEach(Runnable::run);
      batch.failAll(new IllegalStateException("the engine was closed"));
      generator.close();
    }
  }

  /** Does what was asked for, and waits for it while there is nothing to compute. */
  private boolean goesOn() throws InterruptedException {
    for (Runnable task = batch.idle() ? tasks.take() : tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
    }
    synchronized (tasks) {
      return !closed;
    }
  }

  private void look() {
    CacheUse cache = generator.cache();
    status = new EngineStatus(0, 0, (long) (cache.used() + cache.kept()) * cache.pageTokens(), (long) cache.pages() * cache.pageTokens(),
        batch.promptTokens(), batch.reusedTokens(), batch.answerTokens());
  }

  /** Counts who waits and which adapters are in use. */
  private abstract class Watching implements Answer.Watcher {
    private final LoadedAdapters.Chosen chosen;
    private boolean begun;

    Watching(LoadedAdapters.Chosen chosen) {
      this.chosen = chosen;
    }

    abstract void told(Answer done);

    abstract void refused(RuntimeException reason);

    /** It never came to wait. */
    void release() {
      adapters.release(chosen);
    }

    @Override
    public void begun() {
      begun = true;
      running.incrementAndGet();
      waiting.decrementAndGet();
    }

    @Override
    public void done(Answer answer) {
      ended();
      safely(() -> told(answer));
    }

    @Override
    public void failed(RuntimeException reason) {
      ended();
      safely(() -> refused(reason));
    }

    @Override
    public void cancelled() {
      ended();
    }

    private void ended() {
      (begun ? running : waiting).decrementAndGet();
      adapters.release(chosen);
    }

    /** A listener that throws, which it must not, is told about where uncaught exceptions are, and stops nobody else's answer. */
    private void safely(Runnable call) {
      try {
        call.run();
      } catch (RuntimeException e) {
        thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
      }
    }
  }
}
