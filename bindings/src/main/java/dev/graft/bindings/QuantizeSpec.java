package dev.graft.bindings;

import java.util.Objects;

/**
 * What a model is quantized to.
 *
 * @param type a type or mix as llama-quantize names it: "Q4_K_M", "Q8_0", "F16"
 * @param outputType type of the output matrix, or null for the mix's choice
 * @param embeddingType type of the token embedding, or null
 * @param pure the same type for all matrices
 */
public record QuantizeSpec(String type, String outputType, String embeddingType, boolean pure) {
  /** @throws NullPointerException when type is null */
  public QuantizeSpec {
    Objects.requireNonNull(type, "type");
  }

  /** The type's own choices. */
  public QuantizeSpec(String type) {
    this(type, null, null, false);
  }
}
