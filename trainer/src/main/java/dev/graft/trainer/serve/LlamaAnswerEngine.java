package dev.graft.trainer.serve;

import dev.graft.bindings.UsageException;
import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.llama.LlamaProcessException;
import dev.graft.trainer.llama.LlamaSlots;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Answers with java-llama.cpp in a child process, for architectures that our own engine doesn't know. One adapter at most, which then answers everything: llama.cpp's
 * server has one for all its slots. When the process dies, the answers at work fail, another process is started, and those that wait go to it. No log-probabilities,
 * no constraints, no embeddings, no counts of cached tokens. Penalties count the prompt's tokens too. Threads may share it.
 */
public final class LlamaAnswerEngine implements AnswerEngine {
  private final LlamaOptions options;
  private final int context;
  private final int slots;
  private final int queue;
  private final String adapter;
  private final Deque<Answer> waiting = new ArrayDeque<>();
  private final ExecutorService starter = Executors.newSingleThreadExecutor(task -> {
    Thread thread = new Thread(task, "llama.cpp start");
    thread.setDaemon(true);
    return thread;
  });
  private LlamaSlots process;
  private boolean starting;
  private boolean closed;
  private int active;
  private long promptTokens;
  private long answerTokens;

  private LlamaAnswerEngine(LlamaOptions options, int slots, int queue, String adapter, LlamaSlots process) {
    this.options = options;
    context = options.context();
    this.slots = slots;
    this.queue = queue;
    this.adapter = adapter;
    this.process = process;
  }

  /**
   * Starts the process and loads the model.
   *
   * @param options its context in tokens, above 0, is for each answer  @param adapterName by which requests call {@link LlamaOptions#adapter}; null without one
   * @param parallel answers at once  @param queue most that wait
   * @throws LlamaProcessException when llama.cpp does not take the model or the adapter
   */
  public static LlamaAnswerEngine start(LlamaOptions options, String adapterName, int parallel, int queue) {
    return new LlamaAnswerEngine(options, parallel, queue, adapterName, LlamaSlots.start(options, parallel));
  }

  /** One request, from its place in the queue to its end. */
  private final class Answer implements AnswerTicket, LlamaSlots.Heard {
    private final AnswerRequest request;
    private final AnswerListener listener;
    private LlamaSlots on;
    private long id;
    private boolean cancelled;

    Answer(AnswerRequest request, AnswerListener listener) {
      this.request = request;
      this.listener = listener;
    }

    @Override
    public void cancel() {
      synchronized (LlamaAnswerEngine.this) {
        cancelled = true;
        if (!waiting.remove(this) && on != null) {
          on.cancel(id);
        }
      }
    }

    @Override
    public void text(String more) {
      if (!cancelled) {
        listener.text(more, List.of());
      }
    }

    @Override
    public void done(String finishReason, int tokens) {
      over(tokens);
      if (!cancelled) {
        listener.done(new AnswerEnd(finishReason, request.prompt().length, 0, tokens));
      }
    }

    @Override
    public void failed(LlamaProcessException reason) {
      over(0);
      if (!cancelled) {
        listener.failed(reason);
      }
    }

    private void over(int tokens) {
      synchronized (LlamaAnswerEngine.this) {
        active--;
        promptTokens += request.prompt().length;
        answerTokens += tokens;
        begin();
      }
    }
  }

  @Override
  public AnswerTicket submit(AnswerRequest request, AnswerListener listener) {
    check(request);
    Answer answer = new Answer(request, listener);
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("the engine is closed");
      } else if (waiting.size() >= queue && active >= slots) {
        throw new QueueFullException(waiting.size());
      }
      waiting.add(answer);
      begin();
    }
    return answer;
  }

  private void check(AnswerRequest request) {
    if (request.prompt().length == 0 || request.maxTokens() < 1 || request.prompt().length + (long) request.maxTokens() > context) {
      throw new UsageException("a prompt of " + request.prompt().length + " tokens and " + request.maxTokens() + " to write do not fit the context of " + context);
    } else if (request.topLogprobs() >= 0 || request.constraint() != null) {
      throw new UsageException("--engine llama.cpp has no log-probabilities and holds no answer to a form; leave them out");
    }
    boolean plain = request.adapters().isEmpty();
    boolean own = request.adapters().equals(List.of(new AdapterUse(adapter, 1)));
    if (adapter == null ? !plain : !own) {
      throw new UsageException(adapter == null
          ? "no adapter is loaded"
          : "--engine llama.cpp was started with the adapter " + adapter + ", which answers everything; ask for the model " + adapter + ", or start without it");
    }
  }

  /** Gives waiting answers to free slots; holds the lock. */
  private void begin() {
    if (closed || starting) {
      return;
    } else if (!process.alive()) {
      starting = true;
      starter.execute(this::restart);
      return;
    }
    while (active < slots && !waiting.isEmpty()) {
      Answer answer = waiting.remove();
      active++;
      answer.on = process;
      answer.id = process.answer(answer.request.prompt(), answer.request.maxTokens(), answer.request.sampling(), answer.request.seed(), answer.request.stop(),
          answer.request.shown(), answer);
      if (starting) { // it died just now
        return;
      }
    }
  }

  private void restart() {
    LlamaSlots fresh = null;
    LlamaProcessException failure = null;
    try {
      process.close();
      fresh = LlamaSlots.start(options, slots);
    } catch (LlamaProcessException e) {
      failure = e;
    }
    List<Answer> hopeless = List.of();
    synchronized (this) {
      starting = false;
      if (closed && fresh != null) {
        fresh.close();
      } else if (fresh != null) {
        process = fresh;
        begin();
      } else {
        hopeless = List.copyOf(waiting);
        waiting.clear();
      }
    }
    for (Answer answer : hopeless) {
      answer.listener.failed(failure);
    }
  }

  @Override
  public int contextLength() {
    return context;
  }

  @Override
  public List<String> adapters() {
    return adapter == null ? List.of() : List.of(adapter);
  }

  @Override
  public void addAdapter(String name, Path file) {
    throw new UnsupportedOperationException("--engine llama.cpp takes its one adapter at the start");
  }

  @Override
  public boolean removeAdapter(String name) {
    throw new UnsupportedOperationException("--engine llama.cpp keeps its one adapter to the end");
  }

  @Override
  public List<float[]> embed(List<int[]> texts, List<AdapterUse> adapters) {
    throw new UnsupportedOperationException("--engine llama.cpp has no embeddings");
  }

  @Override
  public synchronized EngineStatus status() {
    return new EngineStatus(waiting.size(), active, 0, (long) context * slots, promptTokens, 0, answerTokens);
  }

  /** Id of the child process, for tests. */
  synchronized long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    List<Answer> left;
    LlamaSlots last;
    synchronized (this) {
      closed = true;
      left = List.copyOf(waiting);
      waiting.clear();
      last = process;
    }
    last.close();
    starter.shutdown();
    left.forEach(answer -> answer.listener.failed(new IllegalStateException("the engine was closed")));
  }
}
