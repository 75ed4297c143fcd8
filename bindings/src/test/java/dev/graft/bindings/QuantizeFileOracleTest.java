package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.jna.Memory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole files quantized by us against what llama.cpp's llama_model_quantize made of the same models: header, order, choice of types, fallbacks, blocks, byte for
 * byte by their hash. Should a machine make other random models, types are compared, and blocks with ggml's.
 */
class QuantizeFileOracleTest {
  @TempDir static Path folder;

  private static final Map<String, Path> MODELS = new HashMap<>();
  private static final JsonNode GOLDEN = golden();
  private static final Map<String, Boolean> SAME_SOURCE = new HashMap<>();

  private static JsonNode golden() {
    try (InputStream in = QuantizeFileOracleTest.class.getResourceAsStream("/quantize/llama-b4980.json")) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static Stream<JsonNode> cases() {
    return StreamSupport.stream(GOLDEN.path("cases").spliterator(), false);
  }

  private static Path model(String name) {
    return MODELS.computeIfAbsent(name, key -> {
      JsonNode m = GOLDEN.path("models").path(key);
      Path file = folder.resolve(key + ".gguf");
      new RandomModel(m.path("architecture").asText(), m.path("layers").asInt(), m.path("width").asInt(), m.path("heads").asInt(), m.path("kv_heads").asInt(),
          m.path("head_width").asInt(), m.path("feed_forward").asInt(), 320, 64, m.path("tied").asBoolean(), m.path("type").asText(), null, m.path("seed").asLong()).write(file);
      SAME_SOURCE.put(key, hash(file).equals(m.path("sha256").asText()));
      return file;
    });
  }

  private static String text(JsonNode node) {
    return node.isNull() || node.isMissingNode() ? null : node.asText();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void equalsLlamaQuantize(JsonNode expected) throws IOException {
    String name = expected.path("model").asText();
    Path source = model(name);
    Path ours = folder.resolve("ours.gguf");
    QuantizeSpec spec = new QuantizeSpec(expected.path("type").asText(), text(expected.path("output_type")), text(expected.path("embedding_type")), expected.path("pure").asBoolean());
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 2);
        ModelQuantizer quantizer = ModelQuantizer.open(runtime, source, ours, spec, null)) {
      assertThat(quantizer.plan().fileType()).isEqualTo(expected.path("file_type").asInt());
      do {
        assertThat(ours).doesNotExist();
      } while (!quantizer.step());
      assertThat(quantizer.doneBytes()).isEqualTo(quantizer.plan().sourceBytes());
      assertThat(quantizer.plan().tensors().stream().map(QuantizePlan.Tensor::to)).containsExactly(expected.path("types").asText().split(" "));
    }
    if (SAME_SOURCE.get(name)) {
      assertThat(hash(ours)).as("sha256 of the whole file").isEqualTo(expected.path("sha256").asText());
    } else {
      compareBlocks(source, ours);
    }
    Files.delete(ours);
  }

  /** Every tensor's bytes are ggml's. */
  private static void compareBlocks(Path source, Path ours) throws IOException {
    Ggml ggml = Ggml.load();
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
        GgufFile before = GgufFile.open(source);
        GgufFile after = GgufFile.open(ours)) {
      Map<String, JsonNode> sources = new HashMap<>();
      before.describe(0).path("tensors").forEach(t -> sources.put(t.path("name").asText(), t));
      List<JsonNode> tensors = new ArrayList<>();
      after.describe(0).path("tensors").forEach(tensors::add);
      for (JsonNode t : tensors) {
        JsonNode from = sources.get(t.path("name").asText());
        byte[] actual = read(ours, t);
        if (from.path("type").equals(t.path("type"))) {
          assertThat(actual).isEqualTo(read(source, from));
          continue;
        }
        int width = t.path("shape").path(0).asInt();
        int rows = t.path("shape").path(1).asInt();
        float[] values = runtime.dequantize(number(from), read(source, from), width * rows);
        try (Memory in = new Memory(4L * values.length);
            Memory out = new Memory(actual.length)) {
          in.write(0, values, 0, values.length);
          ggml.quantize(number(t), in, out, rows, width, null);
          assertThat(actual).as(t.path("name").asText()).isEqualTo(out.getByteArray(0, actual.length));
        }
      }
    }
  }

  private static int number(JsonNode tensor) {
    return switch (tensor.path("type").asText().toLowerCase(Locale.ROOT)) {
      case "f32" -> 0;
      case "f16" -> 1;
      case "q4_0" -> 2;
      case "q4_1" -> 3;
      case "q5_0" -> 6;
      case "q5_1" -> 7;
      case "q8_0" -> 8;
      case "q2_k" -> 10;
      case "q3_k" -> 11;
      case "q4_k" -> 12;
      case "q5_k" -> 13;
      case "q6_k" -> 14;
      case "iq4_nl" -> 20;
      case "iq4_xs" -> 23;
      default -> 30;
    };
  }

  private static byte[] read(Path file, JsonNode tensor) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(tensor.path("bytes").asInt());
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      channel.read(bytes, tensor.path("offset").asLong());
    }
    return bytes.array();
  }

  private static String hash(Path file) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (IOException | NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
