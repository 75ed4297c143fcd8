package dev.graft.eval.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.BadFileException;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GgufTensor;
import dev.graft.eval.convert.Linear;
import dev.graft.eval.convert.RopeRows;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * What of a base model decides how its adapters are stored.
 *
 * @param path the GGUF
 * @param architecture llama, qwen2 or qwen3
 * @param name {@code general.name}, or empty
 * @param layers blocks
 * @param headWidth width of a query's head
 * @param weights its tensors by name
 */
public record BaseShape(Path path, String architecture, String name, int layers, int headWidth, Map<String, GgufTensor> weights) {
  private static final Set<String> ARCHITECTURES = Set.of("llama", "qwen2", "qwen3");

  /** Reads a model's header. @throws BadFileException when it is no model whose adapters Graft knows */
  public static BaseShape read(Path path) {
    try (GgufFile file = GgufFile.open(path)) {
      Map<String, JsonNode> values = new HashMap<>();
      file.describe(1).path("metadata").forEach(entry -> values.put(entry.path("key").asText(), entry.path("value")));
      String architecture = values.containsKey("general.architecture") ? values.get("general.architecture").asText() : "";
      if (values.containsKey("general.type") && values.get("general.type").asText().equals("adapter")) {
        throw new BadFileException(path + " is a LoRA adapter, not a model; give the base with --model");
      } else if (!ARCHITECTURES.contains(architecture)) {
        throw new BadFileException(path + ": architecture \"" + architecture + "\" is not supported; llama, qwen2 and qwen3 are");
      }
      long heads = number(path, values, architecture + ".attention.head_count");
      long width = number(path, values, architecture + ".embedding_length");
      String key = architecture + ".attention.key_length";
      long headWidth = values.containsKey(key) ? number(path, values, key) : width / heads;
      Map<String, GgufTensor> weights = new HashMap<>();
      file.tensors().forEach(tensor -> weights.put(tensor.name(), tensor));
      String name = values.containsKey("general.name") ? values.get("general.name").asText() : "";
      if (headWidth < 2 || headWidth % 2 != 0 || headWidth > 1 << 20) {
        throw new BadFileException(path + ": a head is " + headWidth + " wide; expected an even number");
      }
      return new BaseShape(path, architecture, name, (int) Math.min(number(path, values, architecture + ".block_count"), 1 << 20), (int) headWidth, weights);
    }
  }

  private static long number(Path path, Map<String, JsonNode> values, String key) {
    JsonNode value = values.get(key);
    JsonNode item = value != null && value.has("items") ? value.path("items").path(0) : value;
    if (item == null || !item.canConvertToLong() || item.asLong() < 1) {
      throw new BadFileException(path + ": " + key + " is " + (value == null ? "missing" : value.toString()) + "; expected a positive number");
    }
    return item.asLong();
  }

  /** The order of a matrix's rows. */
  public RopeRows rows(Linear linear) {
    return RopeRows.of(architecture, linear, headWidth);
  }

  /**
   * Refuses a pair that does not fit.
   *
   * @param source where the pair came from, for the message
   */
  public void check(String source, String weight, long rows, long columns) {
    GgufTensor tensor = weights.get(weight);
    if (tensor == null) {
      throw new BadFileException(source + " adapts " + weight + ", which " + path + " lacks; was it made for another model?");
    } else if (tensor.rows() != rows || tensor.columns() != columns) {
      throw new BadFileException(source + " adapts a " + columns + " x " + rows + " weight, but " + weight + " of " + path + " is " + tensor.columns() + " x "
          + tensor.rows() + "; was it made for another model?");
    }
  }
}
