package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What a quantization will do.
 *
 * @param fileType llama.cpp's number of the type or mix
 * @param parameters elements of all tensors
 * @param sourceBytes of all tensors before
 * @param bytes of all tensors after
 * @param requantized tensors that were quantized already and change their type, which costs more than once
 * @param tensors in the order of the new file
 */
public record QuantizePlan(int fileType, long parameters, long sourceBytes, long bytes, int requantized, List<Tensor> tensors) {

  /**
   * One tensor.
   *
   * @param name of it
   * @param from its type  @param to the new one
   * @param wanted the type that the mix asks for; differs from {@code to} where a row is no whole number of its blocks
   * @param row elements of a row
   * @param sourceBytes before  @param bytes after
   * @param importance whether the importance matrix weighs its errors
   */
  public record Tensor(String name, String from, String to, String wanted, long row, long sourceBytes, long bytes, boolean importance) {
    /** True when its rows do not fit the type that the mix asks for. */
    public boolean fallback() {
      return !to.equals(wanted);
    }
  }

  static QuantizePlan of(JsonNode json) {
    List<Tensor> tensors = new ArrayList<>();
    for (JsonNode t : json.path("tensors")) {
      tensors.add(new Tensor(t.path("name").asText(), t.path("from").asText(), t.path("to").asText(), t.path("wanted").asText(), t.path("row").asLong(),
          t.path("source_bytes").asLong(), t.path("bytes").asLong(), t.path("importance").asInt() == 1));
    }
    return new QuantizePlan(json.path("file_type").asInt(), json.path("parameters").asLong(), json.path("source_bytes").asLong(), json.path("bytes").asLong(),
        json.path("requantized").asInt(), List.copyOf(tensors));
  }

  /** Bits for each parameter, after. */
  public double bitsPerWeight() {
    return 8.0 * bytes / Math.max(1, parameters);
  }
}
