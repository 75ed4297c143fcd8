package dev.graft.trainer.run;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.AdapterInfo;
import dev.graft.bindings.LoraSpec;
import dev.graft.bindings.Model;
import dev.graft.bindings.SessionOptions;
import dev.graft.bindings.Trainable;
import dev.graft.bindings.TrainingSession;
import dev.graft.bindings.Weights;
import java.nio.file.Path;

/** What a run trains and writes: a LoRA adapter, or all weights of its model. The run closes it. One thread. */
sealed interface Trained extends AutoCloseable {
  /** As the options say. */
  static Trained open(Model model, RunOptions options) {
    if (options.full() != null) {
      return new AllWeights(model, Weights.open(model), options.full().outputType());
    }
    RunOptions.Lora lora = options.adapter();
    Path init = options.files().initAdapter();
    return init != null
        ? new Lora(model, Adapter.open(model, init), "all-linear")
        : new Lora(model, Adapter.create(model, new LoraSpec(lora.rank(), (float) lora.alpha(), lora.rslora(), lora.targets(), options.seed())), lora.targets());
  }

  /** For the session. */
  Trainable parameters();

  /** The adapter, or null when all weights are trained. */
  Adapter adapter();

  /** Name of the file that it becomes; its stem names it in messages. */
  String file();

  /** Writes it, whole or not at all. */
  void save(Path path);

  /** For config.json, under the stem of {@link #file}. */
  ObjectNode describe();

  /** Bytes of a session that trains it, beside the mapped file. */
  long memoryBytes(SessionOptions session);

  /** Products of a training token, in forward passes: the forward itself, the gradient of the activations, and that of the weights if any. */
  int passes();

  @Override
  void close();

  /** A LoRA adapter. @param targets what it may change, for the estimate of memory */
  record Lora(Model model, Adapter adapter, String targets) implements Trained {
    static final String FILE = "adapter.gguf";
    /** general.name: the same whatever the folder and the step, so that equal runs write equal files. */
    private static final String NAME = "graft-lora";

    @Override
    public Trainable parameters() {
      return adapter;
    }

    @Override
    public String file() {
      return FILE;
    }

    @Override
    public void save(Path path) {
      adapter.save(path, NAME);
    }

    @Override
    public ObjectNode describe() {
      AdapterInfo info = adapter.info();
      return JsonNodeFactory.instance.objectNode().put("rank", info.rank()).put("alpha", info.alpha()).put("scale", info.scale()).put("parameters", info.parameters());
    }

    @Override
    public long memoryBytes(SessionOptions session) {
      return TrainingSession.memoryBytes(model, adapter.info().rank(), targets, session);
    }

    @Override
    public int passes() {
      return 2;
    }

    @Override
    public void close() {
      adapter.close();
    }
  }

  /** Every weight. @param type of the matrices in the file, or null for that of the source */
  record AllWeights(Model model, Weights weights, String type) implements Trained {
    static final String FILE = "model.gguf";

    @Override
    public Trainable parameters() {
      return weights;
    }

    @Override
    public Adapter adapter() {
      return null;
    }

    @Override
    public String file() {
      return FILE;
    }

    @Override
    public void save(Path path) {
      weights.save(path, type, null);
    }

    @Override
    public ObjectNode describe() {
      return JsonNodeFactory.instance.objectNode().put("parameters", weights.parameters()).put("type", type);
    }

    @Override
    public long memoryBytes(SessionOptions session) {
      return TrainingSession.memoryBytesOfWeights(model, session);
    }

    @Override
    public int passes() {
      return 3;
    }

    @Override
    public void close() {
      weights.close();
    }
  }
}
