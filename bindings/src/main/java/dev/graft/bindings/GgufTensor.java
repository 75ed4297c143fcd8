package dev.graft.bindings;

import java.util.List;

/**
 * Where a tensor is in a GGUF file.
 *
 * @param name say "blk.0.attn_q.weight"
 * @param type of its values
 * @param shape 1 to 4 extents, the row's length first
 * @param offset of its first byte from the start of the file
 * @param bytes of all its values
 */
public record GgufTensor(String name, WeightType type, List<Long> shape, long offset, long bytes) {
  /** Elements of a row. */
  public long columns() {
    return shape.get(0);
  }

  /** Rows, over all further dimensions. */
  public long rows() {
    return elements() / columns();
  }

  /** Elements in all. */
  public long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }
}
