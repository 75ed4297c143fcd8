package dev.graft.eval.serve;

import dev.graft.bindings.CacheType;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Model;
import dev.graft.bindings.ModelInfo;
import dev.graft.eval.cli.CliException;
import dev.graft.trainer.generate.LlamaGenerator;
import dev.graft.trainer.llama.LlamaOptions;
import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.serve.EngineOptions;
import dev.graft.trainer.serve.LlamaAnswerEngine;
import dev.graft.trainer.serve.NativeAnswerEngine;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Which engine answers, and how large it is.
 *
 * @param template as {@code --template}  @param engine {@code native} or {@code llama.cpp}
 * @param parallel answers at once  @param queue most that wait
 * @param context most tokens of a prompt with its answer, 0 for the model's own  @param cacheTokens of all answers together, 0 for the engine's choice
 * @param cacheType how our own engine stores keys and values  @param threads of the CPU, 0 for all
 */
public record ServedEngine(Path model, String template, String engine, int parallel, int queue, int context, long cacheTokens, CacheType cacheType, int threads) {
  /** Our own. */
  public static final String NATIVE = "native";

  /** java-llama.cpp in a child process. */
  public static final String LLAMA = "llama.cpp";

  private static final int CONTEXTS_IN_CACHE = 4;

  /**
   * Loads it all; the caller closes what it gets.
   *
   * @param name the base's, in requests  @param adapters files by name; llama.cpp takes one at most  @param runtimes opens the runtime of our own engine
   * @param note gets sentences for the user
   * @throws dev.graft.bindings.GraftException when a file is no model, or no adapter of it
   */
  public ServedModel open(String name, Map<String, Path> adapters, Supplier<GraftRuntime> runtimes, Consumer<String> note) {
    if (engine.equals(LLAMA)) {
      RowSource source = RowSource.open(model, Vocabulary.read(model).size(), template);
      return ServedModel.open(name, source, ConstraintSource.NONE, () -> llama(adapters), Map.of());
    }
    try (GraftRuntime runtime = runtimes.get()) { // lives on until the model is closed
      Model base = Model.open(runtime, model);
      RowSource source;
      try {
        base.info().notes().forEach(note);
        source = RowSource.open(model, base.info().vocabulary(), template);
      } catch (RuntimeException e) {
        base.close();
        throw e;
      }
      return ServedModel.open(name, source, new VocabularyForms(source.vocabulary()),
          () -> NativeAnswerEngine.start(base, source.vocabulary(), options(base.info(), runtime, note)), adapters, base);
    }
  }

  private EngineOptions options(ModelInfo info, GraftRuntime runtime, Consumer<String> note) {
    EngineOptions usual = EngineOptions.of(info);
    int own = info.contextLength() > 0 ? info.contextLength() : usual.context();
    int most = context > 0 ? Math.min(context, own) : own;
    long tokens = cacheTokens > 0 ? cacheTokens : (long) CONTEXTS_IN_CACHE * most;
    EngineOptions asked = new EngineOptions(parallel, most, tokens, cacheType, usual.passRows(), usual.promptRows(), queue);
    EngineOptions fitting = cacheTokens > 0 ? asked : asked.withRoomFor(info, runtime);
    if (fitting.context() < most) {
      note.accept("a prompt with its answer may have " + fitting.context() + " tokens, not " + most + ": memory for the cache; give --context, --cache-tokens or a smaller --cache-type");
    }
    return fitting;
  }

  private LlamaAnswerEngine llama(Map<String, Path> adapters) {
    int own = LlamaGenerator.contextLength(model);
    int each = context > 0 ? Math.min(context, own) : cacheTokens > 0 ? (int) Math.min(own, cacheTokens / parallel) : own;
    if (each < 2) {
      throw CliException.usage("--cache-tokens " + cacheTokens + " leaves no room for " + parallel + " answers; give more, or a lower --parallel");
    }
    LlamaOptions options = LlamaOptions.of(model).withThreads(threads).withContext(each);
    String adapter = adapters.isEmpty() ? null : adapters.keySet().iterator().next();
    return LlamaAnswerEngine.start(adapter == null ? options : options.withAdapter(adapters.get(adapter)), adapter, parallel, queue);
  }
}
