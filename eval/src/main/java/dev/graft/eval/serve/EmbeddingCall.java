package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.serve.AdapterUse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Answers {@code /v1/embeddings}; blocks while the engine computes. */
final class EmbeddingCall {
  private static final int MOST_INPUTS = 2048;

  private EmbeddingCall() {}

  /** @param parallel texts that the engine gets at once @throws ApiException naming the field at fault, or when the engine has no embeddings */
  static ObjectNode answer(byte[] body, Served served, Exchange exchange, int parallel) {
    Fields fields = Fields.parse(body);
    String model = fields.requiredText("model");
    List<AdapterUse> adapters = served.adaptersOf(model);
    String format = fields.text("encoding_format");
    if (format != null && !format.equals("float") && !format.equals("base64")) {
      throw ApiException.bad("encoding_format", "encoding_format must be float or base64");
    }
    Long dimensions = fields.whole("dimensions", 1L, Integer.MAX_VALUE);
    JsonNode input = fields.get("input");
    fields.ignore("user");
    fields.done();
    List<int[]> texts = new ArrayList<>();
    int tokens = 0;
    for (JsonNode one : Inputs.split("input", input, MOST_INPUTS)) {
      int[] ids = Inputs.ids("input", one, served);
      if (ids.length > served.engine().contextLength()) {
        throw ApiException.tooLong(served.engine().contextLength(), ids.length, 0, "input");
      }
      tokens += ids.length;
      texts.add(ids);
    }
    List<float[]> vectors = new ArrayList<>();
    try {
      for (int i = 0; i < texts.size() && !exchange.over(); i += parallel) { // so that others' answers find places between
        vectors.addAll(served.engine().embed(texts.subList(i, Math.min(texts.size(), i + parallel)), adapters));
      }
    } catch (UnsupportedOperationException e) {
      throw ApiException.bad("model", "This engine has no embeddings", "unsupported");
    }
    if (dimensions != null && !vectors.isEmpty() && vectors.get(0).length != dimensions) {
      throw ApiException.bad("dimensions", "dimensions must be " + vectors.get(0).length + " for this model, or left out");
    }
    exchange.run(() -> exchange.log().put("model", model));
    return json(model, vectors, tokens, "base64".equals(format));
  }

  private static ObjectNode json(String model, List<float[]> vectors, int tokens, boolean base64) {
    ObjectNode root = Fields.JSON.createObjectNode().put("object", "list");
    ArrayNode data = root.putArray("data");
    for (int i = 0; i < vectors.size(); i++) {
      ObjectNode item = data.addObject().put("object", "embedding").put("index", i);
      float[] vector = vectors.get(i);
      if (base64) {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * vector.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        item.put("embedding", Base64.getEncoder().encodeToString(bytes.array()));
      } else {
        ArrayNode list = item.putArray("embedding");
        for (float value : vector) {
          list.add(value);
        }
      }
    }
    root.put("model", model);
    root.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
    return root;
  }
}
