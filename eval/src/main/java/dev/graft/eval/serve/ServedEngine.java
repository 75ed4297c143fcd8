package dev.graft.eval.serve;

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
import java.util.function.Supplier;

/**
 * Which engine answers, and how large it is.
 *
 * @param template as {@code --template}  @param engine {@code native} or {@code llama.cpp}
 * @param parallel answers at once  @param queue most that wait
 * @param context most tokens of a prompt with its answer, 0 for the model's own  @param cacheTokens of all answers together, 0 for the engine's choice
 * @param threads of the CPU, 0 for all
 */
public record ServedEngine(Path model, String template, String engine, int parallel, int queue, int context, long cacheTokens, int threads) {
  /** Our own. */
  public static final String NATIVE = "native";

  /** java-llama.cpp in a child process. */
  public static final String LLAMA = "llama.cpp";

  /**
   * Loads it all; the caller closes what it gets.
   *
   * @param name the base's, in requests  @param adapters files by name; llama.cpp takes one at most  @param runtimes opens the runtime of our own engine
   * @throws dev.graft.bindings.GraftException when a file is no model, or no adapter of it
   */
  public ServedModel open(String name, Map<String, Path> adapters, Supplier<GraftRuntime> runtimes) {
    if (engine.equals(LLAMA)) {
      RowSource source = RowSource.open(model, Vocabulary.read(model).size(), template);
      return ServedModel.open(name, source, ConstraintSource.NONE, () -> llama(adapters), Map.of());
    }
    GraftRuntime runtime = runtimes.get();
    Model base = null;
    try {
      base = Model.open(runtime, model);
      Model opened = base;
      RowSource source = RowSource.open(model, base.info().vocabulary(), template);
      EngineOptions options = ours(base.info()).withRoomFor(base.info(), runtime.info().device());
      return ServedModel.open(name, source, new VocabularyForms(source.vocabulary()), () -> NativeAnswerEngine.start(opened, source.vocabulary(), options), adapters, base, runtime);
    } catch (RuntimeException | Error e) {
      if (base != null) {
        base.close();
      }
      runtime.close();
      throw e;
    }
  }

  private EngineOptions ours(ModelInfo info) {
    EngineOptions usual = EngineOptions.of(info);
    int longest = context > 0 ? Math.min(context, info.contextLength()) : usual.context();
    long cache = cacheTokens > 0 ? cacheTokens : Math.max(usual.cacheTokens(), 4L * longest);
    return new EngineOptions(parallel, longest, cache, usual.cacheType(), usual.passRows(), usual.promptRows(), queue);
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
