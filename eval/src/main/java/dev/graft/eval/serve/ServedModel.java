package dev.graft.eval.serve;

import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.serve.AnswerEngine;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A model that is loaded: its engine, and how text becomes its prompts. Closing closes both. */
public final class ServedModel implements AutoCloseable {
  private final Served served;
  private final RowSource source;

  private ServedModel(Served served, RowSource source) {
    this.served = served;
    this.source = source;
  }

  /** Loads an engine for a vocabulary. */
  @FunctionalInterface
  public interface EngineSource {
    AnswerEngine open(RowSource source);
  }

  /**
   * Loads the model and its adapters; on failure what was loaded is closed again.
   *
   * @param name the base's, in requests  @param source closed with this
   * @param adapters that the engine does not have yet, by name
   * @throws dev.graft.bindings.GraftException when a file is no model, or no adapter of it
   */
  public static ServedModel open(String name, RowSource source, EngineSource engines, Map<String, Path> adapters) {
    AnswerEngine engine = null;
    try {
      source.tokenizer();
      engine = engines.open(source);
      adapters.forEach(engine::addAdapter);
      return new ServedModel(new Served(name, engine, new RowPrompts(source), source.vocabulary(), ConstraintSource.NONE, System.currentTimeMillis() / 1000), source);
    } catch (RuntimeException | Error e) {
      if (engine != null) {
        engine.close();
      }
      source.close();
      throw e;
    }
  }

  Served served() {
    return served;
  }

  /** Names that requests may give as the model. */
  public List<String> models() {
    return List.copyOf(served.models());
  }

  /** Whether a name may be a model's. */
  public static boolean isName(String name) {
    return Served.NAME.matcher(name).matches();
  }

  @Override
  public void close() {
    served.engine().close();
    source.close();
  }
}
