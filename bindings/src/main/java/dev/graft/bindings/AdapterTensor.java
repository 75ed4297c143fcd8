package dev.graft.bindings;

/**
 * One weight that an adapter changes, by scale·B·A. Its two tensors are called {@code name + ".lora_a"}, rank rows of {@code columns},
 * and {@code name + ".lora_b"}, {@code rows} rows of rank, both row-major.
 *
 * @param name of the weight, say "blk.0.attn_q.weight"
 * @param rank of the pair
 * @param rows outputs of the weight
 * @param columns inputs of the weight
 */
public record AdapterTensor(String name, int rank, long rows, long columns) {
  /** Name of the A matrix. */
  public String a() {
    return name + ".lora_a";
  }

  /** Name of the B matrix. */
  public String b() {
    return name + ".lora_b";
  }

  /** Elements of both matrices. */
  public long parameters() {
    return rank * Math.addExact(rows, columns);
  }
}
