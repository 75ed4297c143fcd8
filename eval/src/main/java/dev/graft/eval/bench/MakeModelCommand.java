package dev.graft.eval.bench;

import dev.graft.bindings.GgufFile;
import dev.graft.bindings.RandomModel;
import dev.graft.eval.cli.CommonOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code graft bench make-model}: writes a model of a given shape with random weights. */
@Command(
    name = "make-model",
    description = "Writes a GGUF of a given shape with random weights.",
    footerHeading = "%nExample:%n",
    footer = "  graft bench make-model --shape 1b --type Q4_K_M --output 1b.gguf")
public final class MakeModelCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Option(names = "--output", required = true, paramLabel = "FILE", description = "The GGUF to write.")
  Path output;

  @Option(names = "--shape", paramLabel = "NAME", defaultValue = "tiny",
      description = "tiny, llama-135m, llama-1b, llama-3b, llama-8b, mistral-7b, qwen2-0.5b, qwen3-0.6b; \"llama-\" may be left out. Default: ${DEFAULT-VALUE}. The flags below change it.")
  String shape;

  @Option(names = "--type", paramLabel = "TYPE", defaultValue = "Q4_K_M",
      description = "Weight type (F32, F16, Q8_0, Q4_K, ...) or the mix Q4_K_M. Default: ${DEFAULT-VALUE}.")
  String type;

  @Option(names = "--architecture", paramLabel = "llama|qwen2|qwen3", description = "Default: the shape's.")
  String architecture;

  @Option(names = "--layers", paramLabel = "N", description = "Blocks. Default: the shape's.")
  Integer layers;

  @Option(names = "--width", paramLabel = "N", description = "Model width. Default: the shape's.")
  Integer width;

  @Option(names = "--heads", paramLabel = "N", description = "Query heads. Default: the shape's.")
  Integer heads;

  @Option(names = "--kv-heads", paramLabel = "N", description = "Key/value heads. Default: the shape's.")
  Integer kvHeads;

  @Option(names = "--head-width", paramLabel = "N", description = "Width of a head; 0 means width / heads. Default: the shape's.")
  Integer headWidth;

  @Option(names = "--feed-forward", paramLabel = "N", description = "Feed-forward width. Default: the shape's.")
  Integer feedForward;

  @Option(names = "--vocabulary-size", paramLabel = "N", description = "Entries of the vocabulary. Default: the shape's.")
  Integer vocabularySize;

  @Option(names = "--context", paramLabel = "N", description = "Context length in tokens. Default: the shape's.")
  Integer context;

  @Option(names = "--tied", negatable = true, description = "Embedding serves as output too (--no-tied: an output tensor of its own). Default: the shape's.")
  Boolean tied;

  @Option(names = "--vocabulary", paramLabel = "FILE.gguf", description = "Copies the tokenizer of this file. Default: byte tokens and filler.")
  Path vocabulary;

  @Override
  public Integer call() throws IOException {
    RandomModel s = ModelShape.named(shape);
    RandomModel model = new RandomModel(architecture == null ? s.architecture() : architecture, or(layers, s.layers()), or(width, s.width()),
        or(heads, s.heads()), or(kvHeads, s.kvHeads()), or(headWidth, s.headWidth()), or(feedForward, s.feedForward()),
        or(vocabularySize, s.vocabularySize()), or(context, s.contextLength()), tied == null ? s.tied() : tied, type, vocabulary, common.seed());
    long start = System.nanoTime();
    model.write(output);
    double seconds = (System.nanoTime() - start) * 1e-9;
    long parameters;
    try (GgufFile file = GgufFile.open(output)) {
      parameters = file.describe(0).path("parameters").asLong();
    }
    long bytes = Files.size(output);
    if (common.json()) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("output", output.toString());
      result.put("architecture", model.architecture());
      result.put("type", type);
      result.put("parameters", parameters);
      result.put("file_bytes", bytes);
      result.put("seed", common.seed());
      result.put("seconds", seconds);
      common.printJson(result);
    } else {
      common.out().println(String.format(Locale.ROOT, "%s: %s, %,d parameters, %s, %.1f MiB, seed %d, written in %.1f s", output, model.architecture(),
          parameters, type, bytes / 1048576.0, common.seed(), seconds));
    }
    return 0;
  }

  private static int or(Integer given, int otherwise) {
    return given == null ? otherwise : given;
  }
}
