package dev.graft.eval.serve;

import dev.graft.trainer.run.RowSource;
import dev.graft.trainer.serve.AnswerEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** A model that is loaded: its engine, and how text becomes its prompts. Closing closes both. */
public final class ServedModel implements AutoCloseable {
  private final Served served;
  private final List<AutoCloseable> owned;

  private ServedModel(Served served, List<AutoCloseable> owned) {
    this.served = served;
    this.owned = owned;
  }

  /**
   * Loads an engine and its adapters.
   *
   * @param name the base's, in requests  @param adapters that the engine does not have yet, by name
   * @param owned closed with the model, after its engine and its source, in this order; also when this fails
   * @throws dev.graft.bindings.GraftException when a file is no adapter of the model
   */
  static ServedModel open(
      String name, RowSource source, ConstraintSource constraints, Supplier<? extends AnswerEngine> engines, Map<String, Path> adapters, AutoCloseable... owned) {
    List<AutoCloseable> rest = new ArrayList<>(List.of(source));
    rest.addAll(List.of(owned));
    try {
      source.tokenizer();
      AnswerEngine engine = engines.get();
      rest.add(0, engine);
      adapters.forEach(engine::addAdapter);
      return new ServedModel(new Served(name, engine, new RowPrompts(source), source.vocabulary(), constraints, System.currentTimeMillis() / 1000), rest);
    } catch (RuntimeException | Error e) {
      close(rest);
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
    close(owned);
  }

  private static void close(List<AutoCloseable> all) {
    for (AutoCloseable one : all) {
      try {
        one.close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e); // none of them throws one
      }
    }
  }
}
