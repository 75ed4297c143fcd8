package dev.graft.eval.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.BadFileException;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code adapter_config.json}, as far as it says what an adapter computes. Format: huggingface/peft, LoraConfig.
 *
 * @param rank {@code r}
 * @param alpha {@code lora_alpha}
 * @param rslora the scale is alpha / sqrt(rank) (Kalajdzievski 2023), not alpha / rank
 * @param alphas other alphas by the end of a module's path
 * @param ranks other ranks likewise
 * @param base name of the base model, or empty
 * @param initialization how it was begun; some ways change the base too
 */
record PeftConfig(int rank, double alpha, boolean rslora, Map<String, Double> alphas, Map<String, Double> ranks, String base, String initialization) {
  static final String FILE = "adapter_config.json";
  private static final long MOST_BYTES = 16 << 20;

  /** Reads it, and refuses by name what an adapter of llama.cpp cannot do. */
  static PeftConfig read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new BadFileException(folder + " has no " + FILE + "; give a folder that PEFT's save_pretrained wrote");
    } else if (Files.size(file) > MOST_BYTES) {
      throw new BadFileException(file + " has " + Files.size(file) + " bytes; it is no adapter's configuration");
    }
    JsonNode json;
    try {
      json = new ObjectMapper().readTree(file.toFile());
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new BadFileException(file + ":" + (e.getLocation() == null ? "" : e.getLocation().getLineNr() + ":") + " is not JSON: " + e.getOriginalMessage(), e);
    }
    String type = json.path("peft_type").asText("");
    require(type.equals("LORA"), file, "peft_type is \"" + SafetensorsFile.shown(type) + "\"; LORA is supported");
    require(empty(json.path("modules_to_save")), file, "modules_to_save is " + SafetensorsFile.shown(json.path("modules_to_save").toString())
        + ": whole weights were trained beside LoRA, which an adapter cannot hold; merge it with PEFT, then use graft convert");
    require(!json.path("use_dora").asBoolean(false), file, "use_dora is true; llama.cpp's adapters have no DoRA, so merge it with PEFT, then use graft convert");
    require(!json.path("fan_in_fan_out").asBoolean(false), file, "fan_in_fan_out is true, which none of the supported architectures has");
    require(!json.path("lora_bias").asBoolean(false), file, "lora_bias is true; llama.cpp's adapters have no biases");
    String bias = json.path("bias").asText("none");
    require(bias.equals("none"), file, "bias is \"" + SafetensorsFile.shown(bias) + "\"; llama.cpp's adapters have no biases");
    require(empty(json.path("trainable_token_indices")), file, "trainable_token_indices is set; an adapter cannot hold new token embeddings");
    require(empty(json.path("layer_replication")), file, "layer_replication is set, which is not supported");
    JsonNode rank = json.path("r");
    JsonNode alpha = json.path("lora_alpha");
    require(rank.isInt() && rank.asInt() > 0, file, "r is " + SafetensorsFile.shown(rank.toString()) + "; expected a positive whole number");
    require(alpha.isNumber() && alpha.asDouble() > 0 && Float.isFinite(alpha.floatValue()), file, "lora_alpha is " + SafetensorsFile.shown(alpha.toString()) + "; expected a positive number");
    return new PeftConfig(rank.asInt(), alpha.asDouble(), json.path("use_rslora").asBoolean(false), pattern(json, "alpha_pattern", file),
        pattern(json, "rank_pattern", file), json.path("base_model_name_or_path").asText(""), json.path("init_lora_weights").asText("true"));
  }

  private static boolean empty(JsonNode node) {
    return node.isMissingNode() || node.isNull() || node.isContainerNode() && node.isEmpty();
  }

  private static void require(boolean holds, Path file, String otherwise) {
    if (!holds) {
      throw new BadFileException(file + ": " + otherwise);
    }
  }

  private static Map<String, Double> pattern(JsonNode json, String key, Path file) {
    Map<String, Double> values = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.path(key).properties()) {
      String path = entry.getKey().replaceFirst("^\\^", "").replaceFirst("\\$$", "").replace("\\.", ".");
      require(path.matches("[A-Za-z0-9_.]+"), file, key + " has the regular expression " + SafetensorsFile.shown(entry.getKey())
          + "; names of modules are understood, so write them out");
      require(entry.getValue().isNumber() && entry.getValue().asDouble() > 0, file, key + " of " + path + " is " + SafetensorsFile.shown(entry.getValue().toString())
          + "; expected a positive number");
      values.put(path, entry.getValue().asDouble());
    }
    return values;
  }

  /** What a module's product is multiplied by. @param module its path, "model.layers.0.self_attn.q_proj"  @param actual rank of its matrices */
  double scale(String module, int actual) {
    double own = of(alphas, module, alpha);
    return rslora ? own / Math.sqrt(actual) : own / actual;
  }

  /** The rank that it should have. */
  int rankOf(String module) {
    return (int) of(ranks, module, rank);
  }

  private static double of(Map<String, Double> pattern, String module, double otherwise) {
    for (Map.Entry<String, Double> entry : pattern.entrySet()) {
      if (module.equals(entry.getKey()) || module.endsWith("." + entry.getKey())) {
        return entry.getValue();
      }
    }
    return otherwise;
  }
}
