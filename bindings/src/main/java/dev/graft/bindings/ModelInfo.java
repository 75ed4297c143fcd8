package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What a model is.
 *
 * @param architecture "llama", "qwen2", "qwen3"
 * @param name as the file says, may be empty
 * @param layers blocks
 * @param width model width
 * @param heads query heads
 * @param kvHeads key/value heads
 * @param headWidth width of a head
 * @param feedForward feed-forward width
 * @param vocabulary entries of the vocabulary; ids are 0 to one less
 * @param contextLength tokens that it was made for
 * @param parameters weights in all
 * @param fileBytes size of the file
 * @param weightBytes size of its tensors
 * @param flopsPerToken of one forward pass with logits, attention apart: twice the weights used
 * @param notes sentences for the user, say about a sliding window that is not followed
 */
public record ModelInfo(String architecture, String name, int layers, int width, int heads, int kvHeads, int headWidth, int feedForward, int vocabulary,
    int contextLength, long parameters, long fileBytes, long weightBytes, long flopsPerToken, List<String> notes) {

  static ModelInfo of(JsonNode json) {
    List<String> notes = new ArrayList<>();
    json.path("notes").forEach(note -> notes.add(note.asText()));
    return new ModelInfo(json.path("architecture").asText(), json.path("name").asText(""), json.path("layers").asInt(), json.path("width").asInt(),
        json.path("heads").asInt(), json.path("kv_heads").asInt(), json.path("head_width").asInt(), json.path("feed_forward").asInt(),
        json.path("vocabulary").asInt(), json.path("context_length").asInt(), json.path("parameters").asLong(), json.path("file_bytes").asLong(),
        json.path("weight_bytes").asLong(), json.path("flops_per_token").asLong(), List.copyOf(notes));
  }
}
