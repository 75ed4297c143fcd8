package dev.graft.eval.safetensors;

import java.util.List;

/**
 * Where a tensor is in a safetensors file.
 *
 * @param name say "model.layers.0.self_attn.q_proj.weight"
 * @param type as the header says; not always a {@link Dtype}
 * @param shape outermost extent first, as in PyTorch; empty for a single number
 * @param offset of its first byte from the start of the file
 * @param bytes of all its values
 */
public record SafeTensor(String name, String type, List<Long> shape, long offset, long bytes) {
  /** The header's shape as text: "[64, 32]". */
  public String shapeText() {
    return shape.toString();
  }

  /** Rows of a matrix, or 1. */
  public long rows() {
    return shape.size() == 2 ? shape.get(0) : 1;
  }

  /** Elements of a row. */
  public long columns() {
    return shape.isEmpty() ? 1 : shape.get(shape.size() - 1);
  }
}
