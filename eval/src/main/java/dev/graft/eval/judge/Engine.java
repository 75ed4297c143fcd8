package dev.graft.eval.judge;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.RuntimeInfo;
import dev.graft.trainer.generate.BatchGenerator;
import dev.graft.trainer.generate.Completion;
import dev.graft.trainer.generate.LlamaGenerator;
import dev.graft.trainer.generate.Prompt;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** What answers: a model with the adapters of the systems, in their order. One thread; the caller closes it. */
interface Engine extends AutoCloseable {
  /** Ids that rows may use. */
  int vocabularySize();

  /** Most tokens of a prompt with its answer. */
  int contextLength();

  /** Sentences for the user about the model. */
  List<String> notes();

  /** What computes, for the record: device, isa, threads. */
  Map<String, Object> describe();

  /** Whether the systems answer a row side by side; else one system answers all rows before the next. */
  boolean sideBySide();

  /** Answers; {@code context} is what {@link BatchGenerator#requiredContext} gave. */
  void answer(List<Prompt> prompts, int context, Vocabulary vocabulary, BatchGenerator.Sink sink);

  @Override
  void close();

  /** Opens what the options ask for. */
  static Engine open(EvalOptions options, Supplier<GraftRuntime> runtime) {
    return options.llama() ? new Llama(options) : new Native(options, runtime.get());
  }

  /** Files of the adapters, in the order of their indices. */
  private static List<Path> adapters(EvalOptions options) {
    return options.systems().stream().map(EvalSystem::adapter).filter(file -> file != null).toList();
  }

  /** Our own: all systems share one batch. */
  final class Native implements Engine {
    private final EvalOptions options;
    private final GraftRuntime runtime;
    private final Model model;
    private final List<Adapter> adapters = new ArrayList<>();

    Native(EvalOptions options, GraftRuntime runtime) {
      this.options = options;
      this.runtime = runtime;
      try {
        model = Model.open(runtime, options.model());
        for (Path file : adapters(options)) {
          adapters.add(Adapter.open(model, file));
        }
      } catch (RuntimeException e) {
        runtime.close(); // with all that was opened from it
        throw e;
      }
    }

    @Override
    public int vocabularySize() {
      return model.info().vocabulary();
    }

    @Override
    public int contextLength() {
      return model.info().contextLength();
    }

    @Override
    public List<String> notes() {
      return model.info().notes();
    }

    @Override
    public Map<String, Object> describe() {
      RuntimeInfo info = runtime.info();
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("device", info.device());
      json.put("isa", info.isa());
      json.put("threads", info.threads());
      return json;
    }

    @Override
    public boolean sideBySide() {
      return true;
    }

    @Override
    public void answer(List<Prompt> prompts, int context, Vocabulary vocabulary, BatchGenerator.Sink sink) {
      new BatchGenerator(model, adapters, vocabulary, options.generate().withRoomFor(model.info(), context, runtime)).run(prompts, context, sink);
    }

    @Override
    public void close() {
      adapters.forEach(Adapter::close);
      model.close();
      runtime.close();
    }
  }

  /** java-llama.cpp in a child process, which takes one adapter: one process after another. */
  final class Llama implements Engine {
    private final EvalOptions options;
    private final int vocabularySize;
    private final int contextLength;

    Llama(EvalOptions options) {
      this.options = options;
      this.vocabularySize = Vocabulary.read(options.model()).size();
      this.contextLength = LlamaGenerator.contextLength(options.model());
    }

    @Override
    public int vocabularySize() {
      return vocabularySize;
    }

    @Override
    public int contextLength() {
      return contextLength;
    }

    @Override
    public List<String> notes() {
      return List.of();
    }

    @Override
    public Map<String, Object> describe() {
      return Map.of("device", "cpu", "threads", options.threads());
    }

    @Override
    public boolean sideBySide() {
      return false;
    }

    @Override
    public void answer(List<Prompt> prompts, int context, Vocabulary vocabulary, BatchGenerator.Sink sink) {
      List<Path> files = adapters(options);
      Watched watched = new Watched(sink);
      for (int begin = 0, end; begin < prompts.size() && watched.goesOn; begin = end) {
        int adapter = prompts.get(begin).adapter();
        for (end = begin; end < prompts.size() && prompts.get(end).adapter() == adapter; end++) {
          continue;
        }
        LlamaGenerator.run(options.model(), adapter == Prompt.BASE ? null : files.get(adapter), options.threads(), context, prompts.subList(begin, end), options.generate(), watched);
      }
    }

    @Override
    public void close() {
      // each process ends with its answers
    }

    /** Remembers that nobody reads any more. */
    private static final class Watched implements BatchGenerator.Sink {
      private final BatchGenerator.Sink sink;
      private boolean goesOn = true;

      Watched(BatchGenerator.Sink sink) {
        this.sink = sink;
      }

      @Override
      public boolean text(int index, String more) {
        goesOn = sink.text(index, more);
        return goesOn;
      }

      @Override
      public void done(Completion completion, double seconds) {
        sink.done(completion, seconds);
      }
    }
  }
}
