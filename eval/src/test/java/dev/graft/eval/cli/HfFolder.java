package dev.graft.eval.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.VocabularyFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A small model as Hugging Face's transformers saves it, made here; its weights are exact in F32, F16 and BF16. */
final class HfFolder {
  static final ObjectMapper JSON = new ObjectMapper();
  static final String LLAMA3 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  final ObjectNode config = JSON.createObjectNode();
  final Map<String, float[]> weights = new LinkedHashMap<>();
  final Map<String, int[]> shapes = new LinkedHashMap<>();
  final String type;
  final int layers = 2;
  final int width = 32;
  final int heads = 4;
  final int kvHeads = 2;
  final int headWidth;
  final int feedForward = 64;
  final int vocabulary;
  final boolean tied;
  ObjectNode tokenizer = JSON.createObjectNode();
  ObjectNode tokenizerConfig = JSON.createObjectNode();

  /** @param type model_type: llama, mistral, qwen2, qwen3 */
  HfFolder(String type, int vocabulary, boolean tied, long seed) {
    this.type = type;
    this.vocabulary = vocabulary;
    this.tied = tied;
    this.headWidth = type.equals("qwen3") ? 16 : 8;
    config.putArray("architectures").add(Map.of("llama", "LlamaForCausalLM", "mistral", "MistralForCausalLM", "qwen2", "Qwen2ForCausalLM", "qwen3", "Qwen3ForCausalLM").get(type));
    config.put("model_type", type).put("hidden_size", width).put("num_hidden_layers", layers).put("num_attention_heads", heads).put("num_key_value_heads", kvHeads);
    config.put("intermediate_size", feedForward).put("vocab_size", vocabulary).put("max_position_embeddings", 512).put("rms_norm_eps", 1e-5).put("rope_theta", 10000.0);
    config.put("tie_word_embeddings", tied).put("hidden_act", "silu");
    if (type.equals("qwen3")) {
      config.put("head_dim", headWidth);
    }
    Random random = new Random(seed);
    matrix(random, "model.embed_tokens.weight", vocabulary, width);
    for (int layer = 0; layer < layers; layer++) {
      String block = "model.layers." + layer + ".";
      vector(random, block + "input_layernorm.weight", width, 1);
      matrix(random, block + "self_attn.q_proj.weight", heads * headWidth, width);
      matrix(random, block + "self_attn.k_proj.weight", kvHeads * headWidth, width);
      matrix(random, block + "self_attn.v_proj.weight", kvHeads * headWidth, width);
      if (type.equals("qwen2") || type.equals("llama") && seed % 2 == 1) { // attention_bias: true
        vector(random, block + "self_attn.q_proj.bias", heads * headWidth, 0);
        vector(random, block + "self_attn.k_proj.bias", kvHeads * headWidth, 0);
        vector(random, block + "self_attn.v_proj.bias", kvHeads * headWidth, 0);
      }
      if (type.equals("qwen3")) {
        vector(random, block + "self_attn.q_norm.weight", headWidth, 1);
        vector(random, block + "self_attn.k_norm.weight", headWidth, 1);
      }
      matrix(random, block + "self_attn.o_proj.weight", width, heads * headWidth);
      vector(random, block + "post_attention_layernorm.weight", width, 1);
      matrix(random, block + "mlp.gate_proj.weight", feedForward, width);
      matrix(random, block + "mlp.up_proj.weight", feedForward, width);
      matrix(random, block + "mlp.down_proj.weight", width, feedForward);
    }
    vector(random, "model.norm.weight", width, 1);
    if (!tied) {
      matrix(random, "lm_head.weight", vocabulary, width);
    }
    byteTokenizer();
  }

  private void matrix(Random random, String name, int rows, int columns) {
    put(name, numbers(random, rows * columns, 0, 3 / Math.sqrt(columns)), rows, columns);
  }

  private void vector(Random random, String name, int count, double around) {
    put(name, numbers(random, count, around, 0.3), count);
  }

  void put(String name, float[] values, int... shape) {
    weights.put(name, values);
    shapes.put(name, shape);
  }

  /** Multiples of 1/128 below 2: eight bits. */
  static float[] numbers(Random random, int count, double around, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (Math.rint(Math.max(-1.9, Math.min(1.9, around + random.nextGaussian() * deviation)) * 128) / 128);
    }
    return values;
  }

  /** A byte-level BPE of nothing but bytes, with enough other tokens to fill the vocabulary. */
  private void byteTokenizer() {
    List<String> tokens = new ArrayList<>();
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
      tokens.add(String.valueOf((char) (printable ? b : next++)));
    }
    List<String> merges = List.of("t h", "th e");
    tokens.addAll(List.of("th", "the"));
    byteLevel(tokens, merges, List.of("<|bos|>", "<|eos|>"), LLAMA3);
    tokenizerConfig.put("bos_token", "<|bos|>").put("eos_token", "<|eos|>").put("chat_template", "{% for m in messages %}{{ m['content'] }}{% endfor %}");
  }

  /** tokenizer.json of a byte-level BPE; special tokens come behind the others. */
  void byteLevel(List<String> tokens, List<String> merges, List<String> special, String expression) {
    tokenizer = JSON.createObjectNode().put("version", "1.0");
    ArrayNode added = tokenizer.putArray("added_tokens");
    for (int i = 0; i < special.size(); i++) {
      added.addObject().put("id", tokens.size() + i).put("content", special.get(i)).put("special", true).put("normalized", false);
    }
    ObjectNode pre = tokenizer.putObject("pre_tokenizer").put("type", "Sequence");
    ArrayNode steps = pre.putArray("pretokenizers");
    steps.addObject().put("type", "Split").put("behavior", "Isolated").put("invert", false).putObject("pattern").put("Regex", expression);
    steps.addObject().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true).put("use_regex", false);
    tokenizer.putObject("post_processor").put("type", "TemplateProcessing").putArray("single").add(JSON.createObjectNode().set("SpecialToken", JSON.createObjectNode().put("id", special.get(0)).put("type_id", 0)))
        .add(JSON.createObjectNode().set("Sequence", JSON.createObjectNode().put("id", "A").put("type_id", 0)));
    ObjectNode model = tokenizer.putObject("model").put("type", "BPE").put("byte_fallback", false).put("ignore_merges", true);
    ObjectNode vocab = model.putObject("vocab");
    for (int i = 0; i < tokens.size(); i++) {
      vocab.put(tokens.get(i), i);
    }
    merges.forEach(model.putArray("merges")::add);
  }

  /** That of a vocabulary learnt by Graft, whose special tokens come first. */
  void learnt(VocabularyFile file) {
    int special = (int) file.types().stream().filter(t -> t == VocabularyFile.CONTROL).count();
    byteLevel(file.tokens().subList(special, file.tokens().size()), file.merges(), file.tokens().subList(0, special), LLAMA3);
    ObjectNode vocab = ((ObjectNode) tokenizer.path("model")).putObject("vocab");
    for (int i = special; i < file.tokens().size(); i++) {
      vocab.put(file.tokens().get(i), i);
    }
    for (int i = 0; i < special; i++) {
      ((ObjectNode) tokenizer.path("added_tokens").path(i)).put("id", i);
    }
    tokenizerConfig.put("bos_token", file.tokens().get(file.bos())).put("eos_token", file.tokens().get(file.eos())).put("chat_template", file.chatTemplate());
    tokenizerConfig.put("add_bos_token", file.addBos());
  }

  /** Writes the folder. @param dtype of all tensors  @param shards files to spread them over */
  Path write(Path folder, String dtype, int shards) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), config.toPrettyString());
    Files.writeString(folder.resolve("tokenizer.json"), tokenizer.toPrettyString());
    Files.writeString(folder.resolve("tokenizer_config.json"), tokenizerConfig.toPrettyString());
    if (shards == 1) {
      Files.write(folder.resolve("model.safetensors"), safetensors(weights, shapes, dtype));
      return folder;
    }
    ObjectNode index = JSON.createObjectNode();
    ObjectNode map = index.putObject("weight_map");
    List<String> names = List.copyOf(weights.keySet());
    for (int shard = 0; shard < shards; shard++) {
      String file = String.format("model-%05d-of-%05d.safetensors", shard + 1, shards);
      Map<String, float[]> some = new LinkedHashMap<>();
      for (int i = shard; i < names.size(); i += shards) {
        some.put(names.get(i), weights.get(names.get(i)));
        map.put(names.get(i), file);
      }
      Files.write(folder.resolve(file), safetensors(some, shapes, dtype));
    }
    Files.writeString(folder.resolve("model.safetensors.index.json"), index.toPrettyString());
    return folder;
  }

  /** A file in that format, written by nothing that is under test. */
  static byte[] safetensors(Map<String, float[]> tensors, Map<String, int[]> shapes, String dtype) {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    ObjectNode header = JSON.createObjectNode();
    tensors.forEach((name, values) -> {
      ObjectNode node = header.putObject(name).put("dtype", dtype);
      ArrayNode shape = node.putArray("shape");
      for (int extent : shapes.get(name)) {
        shape.add(extent);
      }
      int begin = data.size();
      for (float value : values) {
        data.writeBytes(encode(value, dtype));
      }
      node.putArray("data_offsets").add(begin).add(data.size());
    });
    return file(header.toString(), data.toByteArray());
  }

  static byte[] file(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer all = ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    return all.putLong(json.length).put(json).put(data).array();
  }

  private static byte[] encode(float value, String dtype) {
    ByteBuffer out = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    switch (dtype) {
      case "F32" -> out.putFloat(value);
      case "F64" -> out.putDouble(value);
      case "BF16" -> out.putShort((short) (Float.floatToIntBits(value) >> 16)); // exact, by how the weights were made
      case "F16" -> {
        int bits = Float.floatToIntBits(value);
        int half = value == 0 ? 0 : ((bits >> 23 & 0xFF) - 112) << 10 | (bits >> 13 & 0x3FF);
        out.putShort((short) (half | bits >> 16 & 0x8000));
      }
      default -> throw new IllegalArgumentException(dtype);
    }
    return java.util.Arrays.copyOf(out.array(), out.position());
  }
}
