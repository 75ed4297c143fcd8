package dev.graft.trainer.llama;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * What a llama.cpp process loads.
 *
 * @param model a GGUF file that llama.cpp reads
 * @param adapter a LoRA adapter for it
 * @param threads CPU threads, 0 for llama.cpp's choice
 * @param context tokens of prompt and answer together, 0 for the model's own limit
 * @param startTimeout most time for the process to start and load
 */
public record LlamaOptions(Path model, Optional<Path> adapter, int threads, int context, Duration startTimeout) {

  /** A model alone, two minutes to load. */
  public static LlamaOptions of(Path model) {
    return new LlamaOptions(model, Optional.empty(), 0, 0, Duration.ofMinutes(2));
  }

  /** The same with an adapter. */
  public LlamaOptions withAdapter(Path path) {
    return new LlamaOptions(model, Optional.of(path), threads, context, startTimeout);
  }

  /** The same with a number of threads. */
  public LlamaOptions withThreads(int count) {
    return new LlamaOptions(model, adapter, count, context, startTimeout);
  }

  /** The same with a context length in tokens. */
  public LlamaOptions withContext(int tokens) {
    return new LlamaOptions(model, adapter, threads, tokens, startTimeout);
  }

  /** The same with another limit on starting. */
  public LlamaOptions withStartTimeout(Duration limit) {
    return new LlamaOptions(model, adapter, threads, context, limit);
  }
}
