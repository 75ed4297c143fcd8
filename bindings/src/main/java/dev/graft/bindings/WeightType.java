package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.jna.ptr.IntByReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * A type that weights are stored in; the native library has the list. Any thread.
 *
 * @param number ggml's, as in GGUF files
 * @param name as ggml writes it ("f32", "q4_K")
 * @param blockSize elements of a block
 * @param blockBytes bytes of a block
 */
public record WeightType(int number, String name, int blockSize, int blockBytes) {
  private static volatile List<WeightType> all;

  /** All types there are. */
  public static List<WeightType> all() {
    if (all == null) {
      GraftLibrary.require();
      List<WeightType> types = new ArrayList<>();
      for (JsonNode t : Calls.json(GraftLibrary::graft_types)) {
        types.add(new WeightType(t.path("type").asInt(), t.path("name").asText(), t.path("block").asInt(), t.path("bytes").asInt()));
      }
      all = List.copyOf(types);
    }
    return all;
  }

  /**
   * The type of a name, in upper or lower case.
   *
   * @throws UsageException listing the names when there is none
   */
  public static WeightType named(String name) {
    Objects.requireNonNull(name, "name");
    return all().stream().filter(type -> type.name.equalsIgnoreCase(name)).findFirst().orElseThrow(() -> new UsageException(
        "unknown type '" + name + "'; there are " + all().stream().map(WeightType::label).collect(Collectors.joining(", "))));
  }

  /** F32. */
  public static WeightType f32() {
    return named("F32");
  }

  /**
   * What a model gets.
   *
   * @param type of the tensor  @param fileType the model's {@code general.file_type}
   */
  public record Choice(WeightType type, int fileType) {}

  /**
   * The type that a tensor gets in a model of a mix.
   *
   * @param mix a type's name, or a mix such as "Q4_K_M"
   * @param columns elements of a row
   * @param dimensions 1 for vectors, which stay F32
   * @param layers of the model
   * @param tied whether the embedding serves as output too
   * @throws UsageException listing the names when there is no such mix
   */
  public static Choice inMix(String mix, String tensor, long columns, int dimensions, int layers, boolean tied) {
    GraftLibrary.require();
    IntByReference type = new IntByReference();
    IntByReference fileType = new IntByReference();
    Calls.run((m, n) -> GraftLibrary.graft_mix_type(mix, tensor, columns, dimensions, layers, tied ? 1 : 0, type, fileType, m, n));
    return new Choice(all().stream().filter(t -> t.number == type.getValue()).findFirst().orElseThrow(), fileType.getValue());
  }

  /** The name as users write it: F32, Q4_K. */
  public String label() {
    return name.toUpperCase(java.util.Locale.ROOT);
  }

  /** Bytes of so many elements. @throws IllegalArgumentException when they are no whole number of blocks */
  public long bytes(long elements) {
    if (elements < 0 || elements % blockSize != 0) {
      throw new IllegalArgumentException(elements + " elements are no whole number of blocks of " + label());
    }
    return Math.multiplyExact(elements / blockSize, (long) blockBytes);
  }

  /** Whether a row of so many elements can be stored. */
  public boolean fits(long columns) {
    return columns % blockSize == 0;
  }
}
