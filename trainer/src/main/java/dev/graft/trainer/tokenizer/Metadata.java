package dev.graft.trainer.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.bindings.GgufFile;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The metadata of a model file, as far as a {@link Vocabulary} needs it. */
public interface Metadata {

  /** A value: a scalar, a JSON array, or {@code {"items": [...], "count": n}}; empty when the key is absent. */
  Optional<JsonNode> value(String key);

  /** Exact bytes of item {@code index} of an array of strings. */
  byte[] bytes(String key, long index);

  /** Reads all of a file's metadata once; the file must stay open while this is used. */
  static Metadata of(GgufFile file) {
    return of(file.describe(-1), file);
  }

  /** As {@link #of(GgufFile)} with the header that {@code file.describe(-1)} gave. */
  static Metadata of(JsonNode header, GgufFile file) {
    Map<String, JsonNode> values = new HashMap<>();
    for (JsonNode entry : header.path("metadata")) {
      values.put(entry.path("key").asText(), entry.path("value"));
    }
    return new Metadata() {
      @Override
      public Optional<JsonNode> value(String key) {
        return Optional.ofNullable(values.get(key));
      }

      @Override
      public byte[] bytes(String key, long index) {
        return file.stringBytes(key, index);
      }
    };
  }
}
