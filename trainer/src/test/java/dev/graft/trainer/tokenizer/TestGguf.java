package dev.graft.trainer.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A vocabulary made for a test: its metadata for {@link Vocabulary}, and a one-layer model of width 32 that llama.cpp loads. */
public final class TestGguf implements Metadata {
  private static final int WIDTH = 32;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, Object> values = new LinkedHashMap<>();

  /** Sets a value: Integer (uint32), Float, Boolean, String, or a List of String, Integer (int32) or Float. */
  public TestGguf put(String key, Object value) {
    values.put(key, value);
    return this;
  }

  public TestGguf remove(String key) {
    values.remove(key);
    return this;
  }

  @SuppressWarnings("unchecked")
  public List<String> tokens() {
    return (List<String>) values.get("tokenizer.ggml.tokens");
  }

  @Override
  public Optional<JsonNode> value(String key) {
    Object value = values.get(key);
    if (value instanceof List<?> list) {
      ObjectNode node = JSON.createObjectNode().put("array", "any").put("count", list.size());
      node.set("items", JSON.valueToTree(list));
      return Optional.of(node);
    }
    return Optional.ofNullable(value).map(JSON::<JsonNode>valueToTree);
  }

  @Override
  public byte[] bytes(String key, long index) {
    return tokens().get((int) index).getBytes(StandardCharsets.UTF_8);
  }

  /** Writes the model; weights are zero. */
  public Path write(Path file) throws IOException {
    int vocabulary = tokens().size();
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("general.architecture", "llama");
    all.put("llama.context_length", 64);
    all.put("llama.embedding_length", WIDTH);
    all.put("llama.block_count", 1);
    all.put("llama.feed_forward_length", WIDTH);
    all.put("llama.attention.head_count", 1);
    all.put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    all.put("llama.vocab_size", vocabulary);
    all.putAll(values);
    Map<String, int[]> tensors = new LinkedHashMap<>();
    tensors.put("token_embd.weight", new int[] {WIDTH, vocabulary});
    tensors.put("output_norm.weight", new int[] {WIDTH});
    for (String norm : List.of("attn_norm", "ffn_norm")) {
      tensors.put("blk.0." + norm + ".weight", new int[] {WIDTH});
    }
    for (String matrix : List.of("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")) {
      tensors.put("blk.0." + matrix + ".weight", new int[] {WIDTH, WIDTH});
    }
    Out out = new Out();
    out.bytes.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.u32(3).u64(tensors.size()).u64(all.size());
    all.forEach((key, value) -> out.string(key).value(value));
    long offset = 0;
    for (Map.Entry<String, int[]> tensor : tensors.entrySet()) {
      out.string(tensor.getKey()).u32(tensor.getValue().length);
      long size = 4;
      for (int n : tensor.getValue()) {
        out.u64(n);
        size *= n;
      }
      out.u32(0).u64(offset);
      offset += (size + 31) / 32 * 32;
    }
    while (out.bytes.size() % 32 != 0) {
      out.bytes.write(0);
    }
    out.bytes.writeBytes(new byte[(int) offset]);
    return Files.write(file, out.bytes.toByteArray());
  }

  private static final class Out {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Out u32(int value) {
      bytes.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
      return this;
    }

    Out u64(long value) {
      bytes.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
      return this;
    }

    Out string(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      u64(utf8.length);
      bytes.writeBytes(utf8);
      return this;
    }

    void value(Object value) {
      if (value instanceof List<?> list) {
        u32(9).u32(type(list.get(0), 5)).u64(list.size());
        list.forEach(this::scalar);
      } else {
        u32(type(value, 4));
        scalar(value);
      }
    }

    private static int type(Object value, int integer) {
      return value instanceof String ? 8 : value instanceof Boolean ? 7 : value instanceof Float ? 6 : integer;
    }

    private void scalar(Object value) {
      if (value instanceof String text) {
        string(text);
      } else if (value instanceof Boolean flag) {
        bytes.write(flag ? 1 : 0);
      } else if (value instanceof Float number) {
        u32(Float.floatToIntBits(number));
      } else {
        u32((Integer) value);
      }
    }
  }
}
