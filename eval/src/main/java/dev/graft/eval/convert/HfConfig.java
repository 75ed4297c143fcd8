package dev.graft.eval.convert;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.BadFileException;
import dev.graft.bindings.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code config.json}: the shape of a model.
 *
 * @param architecture llama.cpp's: llama (also for mistral), qwen2, qwen3
 * @param headWidth of a query's head
 * @param ropeScaling how positions are stretched
 * @param tied whether the embedding serves as output too
 * @param file the file itself
 * @param notes sentences for the user
 */
record HfConfig(String architecture, int layers, int width, int heads, int kvHeads, int headWidth, int feedForward, int vocabulary, int contextLength,
    double normEps, double ropeTheta, RopeScaling ropeScaling, boolean tied, JsonFile file, List<String> notes) {
  private static final long MOST_BYTES = 16 << 20;
  private static final int MOST = 1 << 22;

  static HfConfig read(Path folder) throws IOException {
    JsonFile file = JsonFile.read(folder.resolve("config.json"), MOST_BYTES);
    String type = file.get("model_type").asText("");
    String architecture = switch (type) {
      case "llama", "mistral" -> "llama";
      case "qwen2", "qwen3" -> type;
      default -> throw file.bad("model_type", file.get("model_type"), "llama, mistral, qwen2 and qwen3 are supported");
    };
    JsonNode wrapper = file.get("architectures").path(0);
    if (wrapper.isTextual() && !wrapper.asText().endsWith("ForCausalLM")) {
      throw file.bad("architectures", wrapper, "only models ...ForCausalLM can be converted");
    } else if (file.has("quantization_config")) {
      throw file.bad("quantization_config", file.get("quantization_config").path("quant_method"), "take the folder of the unquantized model, then use graft quantize");
    }
    String act = file.get("hidden_act").asText("silu");
    if (!act.equals("silu")) {
      throw file.bad("hidden_act", file.get("hidden_act"), "silu is supported");
    }
    int layers = file.positive("num_hidden_layers", 0, 4096);
    int width = file.positive("hidden_size", 0, MOST);
    int heads = file.positive("num_attention_heads", 0, 65536);
    int kvHeads = file.positive("num_key_value_heads", heads, 65536);
    if (!file.has("head_dim") && !architecture.equals("qwen3") && width % heads != 0) {
      throw new BadFileException(file.path() + ": hidden_size " + width + " is not a multiple of num_attention_heads " + heads);
    }
    int headWidth = file.positive("head_dim", architecture.equals("qwen3") ? 128 : width / heads, 65536);
    if (headWidth % 2 != 0 || heads % kvHeads != 0) {
      throw new BadFileException(file.path() + ": heads of width " + headWidth + ", " + heads + " of them for " + kvHeads + " of keys and values, are not supported");
    }
    JsonNode rope = file.has("rope_parameters") ? file.get("rope_parameters") : file.get("rope_scaling");
    double theta = file.has("rope_theta") ? file.number("rope_theta", 1) : file.number("rope_theta", rope.path("rope_theta"), 10000);
    if (file.number("partial_rotary_factor", 1) != 1) {
      throw file.bad("partial_rotary_factor", file.get("partial_rotary_factor"), "1 is supported");
    }
    int context = file.positive("max_position_embeddings", 2048, 1 << 30);
    List<String> notes = new ArrayList<>();
    boolean window = file.has("sliding_window") && (!architecture.startsWith("qwen") || file.get("use_sliding_window").asBoolean(false));
    if (window) {
      notes.add("config.json has a sliding window of " + file.get("sliding_window").asText() + " tokens; llama.cpp attends to the whole context for this architecture, and so does Graft");
    }
    return new HfConfig(architecture, layers, width, heads, kvHeads, headWidth, file.positive("intermediate_size", 0, MOST), file.positive("vocab_size", 0, 1 << 24), context,
        file.number("rms_norm_eps", 1e-6), theta, RopeScaling.read(file, rope, context), file.get("tie_word_embeddings").asBoolean(false), file, notes);
  }

  /** A token id of the configuration (or the first of several); -1 for none. */
  static int id(JsonNode node) {
    JsonNode first = node.isArray() ? node.path(0) : node;
    return first.isIntegralNumber() && first.canConvertToInt() ? Math.max(-1, first.intValue()) : -1;
  }

  /** Sets llama.cpp's keys. */
  void write(GgufWriter writer) {
    String prefix = architecture + ".";
    writer.set(prefix + "block_count", (long) layers).set(prefix + "context_length", (long) contextLength).set(prefix + "embedding_length", (long) width);
    writer.set(prefix + "feed_forward_length", (long) feedForward).set(prefix + "attention.head_count", (long) heads);
    writer.set(prefix + "attention.head_count_kv", (long) kvHeads).set(prefix + "attention.layer_norm_rms_epsilon", (float) normEps);
    writer.set(prefix + "rope.freq_base", (float) ropeTheta).set(prefix + "rope.dimension_count", (long) headWidth).set(prefix + "vocab_size", (long) vocabulary);
    if (architecture.equals("qwen3") || heads * (long) headWidth != width) {
      writer.set(prefix + "attention.key_length", (long) headWidth).set(prefix + "attention.value_length", (long) headWidth);
    }
    if (ropeScaling.linear() != 1) {
      writer.set(prefix + "rope.scaling.type", "linear").set(prefix + "rope.scaling.factor", (float) ropeScaling.linear());
    }
  }
}
