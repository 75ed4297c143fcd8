package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What an adapter is.
 *
 * @param rank largest of its pairs
 * @param alpha as the file says
 * @param scale what a pair's product is multiplied by, at the largest rank
 * @param parameters elements of all tensors
 * @param tensors the weights that it changes, in the order of the model
 */
public record AdapterInfo(int rank, float alpha, float scale, long parameters, List<AdapterTensor> tensors) {

  static AdapterInfo of(JsonNode json) {
    List<AdapterTensor> tensors = new ArrayList<>();
    for (JsonNode t : json.path("tensors")) {
      tensors.add(new AdapterTensor(t.path("name").asText(), t.path("rank").asInt(), t.path("rows").asLong(), t.path("columns").asLong()));
    }
    return new AdapterInfo(json.path("rank").asInt(), json.path("alpha").floatValue(), json.path("scale").floatValue(),
        json.path("parameters").asLong(), List.copyOf(tensors));
  }

  /**
   * Elements of one matrix, say "blk.0.attn_q.weight.lora_a".
   *
   * @throws IllegalArgumentException when there is none of that name
   */
  public long elements(String name) {
    for (AdapterTensor t : tensors) {
      if (name.equals(t.a())) {
        return t.rank() * t.columns();
      } else if (name.equals(t.b())) {
        return t.rows() * t.rank();
      }
    }
    throw new IllegalArgumentException("the adapter has no tensor '" + name + "'");
  }
}
