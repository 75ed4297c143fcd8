package dev.graft.eval.bench;

import dev.graft.bindings.RandomModel;
import dev.graft.eval.cli.CliException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Shapes of well-known models by name, as their public configurations say; contexts are cut to what a bench needs. */
final class ModelShape {
  private static final Map<String, RandomModel> SHAPES = shapes();

  private ModelShape() {}

  /** All names, for help texts. */
  static String names() {
    return String.join(", ", SHAPES.keySet());
  }

  /** The shape of that name; "llama-" may be left out. */
  static RandomModel named(String name) {
    String key = name.toLowerCase(Locale.ROOT);
    RandomModel shape = SHAPES.containsKey(key) ? SHAPES.get(key) : SHAPES.get("llama-" + key);
    if (shape == null) {
      throw CliException.usage("--shape " + name + " is not known; choose one of " + names());
    }
    return shape;
  }

  private static Map<String, RandomModel> shapes() {
    Map<String, RandomModel> all = new LinkedHashMap<>();
    //                            layers width heads kv head   ffn  vocabulary context tied
    all.put("tiny", shape("llama", 2, 256, 4, 2, 0, 512, 512, 512, false));
    all.put("llama-135m", shape("llama", 30, 576, 9, 3, 0, 1536, 49152, 2048, true)); // SmolLM2-135M
    all.put("llama-1b", shape("llama", 16, 2048, 32, 8, 0, 8192, 128256, 8192, true)); // Llama-3.2-1B
    all.put("llama-3b", shape("llama", 28, 3072, 24, 8, 0, 8192, 128256, 8192, true)); // Llama-3.2-3B
    all.put("llama-8b", shape("llama", 32, 4096, 32, 8, 0, 14336, 128256, 8192, false)); // Llama-3-8B
    all.put("mistral-7b", shape("llama", 32, 4096, 32, 8, 0, 14336, 32000, 8192, false)); // Mistral-7B-v0.1
    all.put("qwen2-0.5b", shape("qwen2", 24, 896, 14, 2, 0, 4864, 151936, 8192, true)); // Qwen2.5-0.5B
    all.put("qwen3-0.6b", shape("qwen3", 28, 1024, 16, 8, 128, 3072, 151936, 8192, true)); // Qwen3-0.6B
    return all;
  }

  private static RandomModel shape(String architecture, int layers, int width, int heads, int kvHeads, int headWidth, int feedForward, int vocabulary,
      int context, boolean tied) {
    return new RandomModel(architecture, layers, width, heads, kvHeads, headWidth, feedForward, vocabulary, context, tied, "Q4_K_M", null, 42);
  }
}
