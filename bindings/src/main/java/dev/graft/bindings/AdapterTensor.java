package dev.graft.bindings;

/**
 * One tensor of an adapter.
 *
 * @param name as in the file, say "blk.0.attn_q.weight.lora_a"
 * @param rank of its pair
 * @param rows rows of the row-major matrix
 * @param columns elements of a row
 */
public record AdapterTensor(String name, int rank, long rows, long columns) {
  /** Elements of the matrix. */
  public long elements() {
    return Math.multiplyExact(rows, columns);
  }
}
