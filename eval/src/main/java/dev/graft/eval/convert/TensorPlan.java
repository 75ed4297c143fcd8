package dev.graft.eval.convert;

import dev.graft.bindings.BadFileException;
import dev.graft.eval.safetensors.Dtype;
import dev.graft.eval.safetensors.SafetensorsFile;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which tensor of a checkpoint becomes which of the GGUF, in llama.cpp's order; all are checked against config.json. */
final class TensorPlan {
  private final HfConfig config;
  private final Checkpoint checkpoint;
  private final Set<String> taken = new HashSet<>();
  private final List<Item> items = new ArrayList<>();

  /**
   * A tensor to be written.
   *
   * @param name in the GGUF
   * @param source where its values are; null for RoPE's factors, which are computed
   * @param shape the row's length first
   * @param order of its rows
   */
  record Item(String name, Checkpoint.Place source, List<Long> shape, RopeRows order) {
    long columns() {
      return shape.get(0);
    }

    long rows() {
      return shape.size() == 1 ? 1 : shape.get(1);
    }

    Dtype dtype() {
      return source.file().dtype(source.tensor());
    }
  }

  private TensorPlan(HfConfig config, Checkpoint checkpoint) {
    this.config = config;
    this.checkpoint = checkpoint;
  }

  /** @throws BadFileException naming a tensor that is missing, unknown, or not of the shape that config.json asks for */
  static List<Item> of(HfConfig config, Checkpoint checkpoint) {
    return new TensorPlan(config, checkpoint).build();
  }

  private List<Item> build() {
    long width = config.width();
    long queries = (long) config.heads() * config.headWidth();
    long keys = (long) config.kvHeads() * config.headWidth();
    matrix("token_embd.weight", "model.embed_tokens.weight", config.vocabulary(), width, RopeRows.SAME);
    if (config.ropeScaling().llama3() != null) {
      items.add(new Item("rope_freqs.weight", null, List.of(config.headWidth() / 2L), RopeRows.SAME));
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      String from = "model.layers." + layer + ".";
      String to = "blk." + layer + ".";
      vector(to + "attn_norm.weight", from + "input_layernorm.weight", width);
      linear(from, to, Linear.QUERY, queries, width);
      linear(from, to, Linear.KEY, keys, width);
      linear(from, to, Linear.VALUE, keys, width);
      if (config.architecture().equals("qwen3")) {
        vector(to + "attn_q_norm.weight", from + "self_attn.q_norm.weight", config.headWidth());
        vector(to + "attn_k_norm.weight", from + "self_attn.k_norm.weight", config.headWidth());
      }
      linear(from, to, Linear.OUTPUT, width, queries);
      vector(to + "ffn_norm.weight", from + "post_attention_layernorm.weight", width);
      linear(from, to, Linear.GATE, config.feedForward(), width);
      linear(from, to, Linear.UP, config.feedForward(), width);
      linear(from, to, Linear.DOWN, width, config.feedForward());
    }
    vector("output_norm.weight", "model.norm.weight", width);
    if (config.tied()) {
      taken.add("lm_head.weight"); // what transformers would replace by the embedding
    } else {
      matrix("output.weight", "lm_head.weight", config.vocabulary(), width, RopeRows.SAME);
    }
    refuseUnknown();
    return items;
  }

  private void linear(String from, String to, Linear linear, long rows, long columns) {
    RopeRows order = RopeRows.of(config.architecture(), linear, config.headWidth());
    matrix(to + linear.gguf() + ".weight", from + linear.huggingFace() + ".weight", rows, columns, order);
    String bias = from + linear.huggingFace() + ".bias";
    boolean required = config.architecture().equals("qwen2") && linear.ordinal() <= Linear.VALUE.ordinal();
    if (required || checkpoint.tensors().containsKey(bias) && !config.architecture().equals("qwen3")) {
      add(to + linear.gguf() + ".bias", bias, List.of(rows), order);
    }
  }

  private void matrix(String name, String source, long rows, long columns, RopeRows order) {
    add(name, source, List.of(columns, rows), order);
  }

  private void vector(String name, String source, long count) {
    add(name, source, List.of(count), RopeRows.SAME);
  }

  private void add(String name, String source, List<Long> shape, RopeRows order) {
    Checkpoint.Place place = checkpoint.tensors().get(source);
    if (place == null) {
      String tied = source.equals("lm_head.weight") ? "; if the embedding serves as output, tie_word_embeddings must be true in config.json" : "";
      throw new BadFileException(config.file().path().getParent() + ": tensor " + source + " is missing" + tied);
    }
    List<Long> expected = shape.size() == 1 ? shape : List.of(shape.get(1), shape.get(0));
    if (!place.tensor().shape().equals(expected)) {
      throw new BadFileException(place.file().path() + ": tensor " + source + " has the shape " + place.tensor().shape() + ", but by config.json it is " + expected);
    }
    taken.add(source);
    Item item = new Item(name, place, shape, order);
    item.dtype(); // refuses what are no floating-point numbers
    items.add(item);
  }

  private void refuseUnknown() {
    for (Map.Entry<String, Checkpoint.Place> entry : checkpoint.tensors().entrySet()) {
      if (!taken.contains(entry.getKey()) && !entry.getKey().endsWith(".rotary_emb.inv_freq")) {
        throw new BadFileException(entry.getValue().file().path() + ": tensor " + SafetensorsFile.shown(entry.getKey()) + " is not part of a " + config.architecture()
            + " model of " + config.layers() + " layers; a file without it would compute another model");
      }
    }
  }
}
