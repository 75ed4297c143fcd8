package dev.graft.trainer.pretrain;

import dev.graft.bindings.RandomModel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A model before any training: a shape, a tokenizer and a way to draw the first weights (Radford et al. 2019: matrices around 0 with one
 * deviation, those that end in the residual stream with less by the root of twice the layers). Immutable.
 *
 * @param shape with its tokenizer's file  @param vocabulary entries of that tokenizer  @param deviation of the matrices
 * @param ropeBase of the rotation  @param name general.name, or null
 */
public record InitialModel(RandomModel shape, int vocabulary, double deviation, double ropeBase, String name) {
  /** Weights of the model. */
  public long parameters() {
    RandomModel s = shape;
    long head = s.headWidth() > 0 ? s.headWidth() : s.width() / Math.max(1, s.heads());
    long queries = s.heads() * head;
    long keys = s.kvHeads() * head;
    long attention = 2L * s.width() * (queries + keys);
    long norms = 2L * s.width() + ("qwen3".equals(s.architecture()) ? 2 * head : 0) + ("qwen2".equals(s.architecture()) ? queries + 2 * keys : 0);
    long embedding = (long) vocabulary * s.width();
    return s.layers() * (attention + 3L * s.width() * s.feedForward() + norms) + embedding * (s.tied() ? 1 : 2) + s.width();
  }

  /** The flags that decide it, by name. */
  public Map<String, Object> flags() {
    Map<String, Object> flags = new LinkedHashMap<>();
    flags.put("architecture", shape.architecture());
    flags.put("layers", shape.layers());
    flags.put("width", shape.width());
    flags.put("heads", shape.heads());
    flags.put("kv-heads", shape.kvHeads());
    flags.put("head-width", shape.headWidth());
    flags.put("feed-forward", shape.feedForward());
    flags.put("context", shape.contextLength());
    flags.put("tied", shape.tied());
    flags.put("init-deviation", deviation);
    flags.put("rope-base", ropeBase);
    flags.put("name", name);
    return flags;
  }

  /**
   * Writes it in F32, whole or not at all; the same bytes for the same seed.
   *
   * @throws dev.graft.bindings.GraftException when the shape is not possible, or the file cannot be written
   */
  public void write(Path path) {
    shape.writeInitial(path, (float) deviation, (float) ropeBase, name);
  }
}
