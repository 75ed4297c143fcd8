package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.RandomModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** graft quantize and graft imatrix, as a user runs them. */
class QuantizeCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path models;
  private static Path source;

  @TempDir Path folder;

  @BeforeAll
  static void model() {
    source = models.resolve("f32.gguf");
    new RandomModel("llama", 2, 256, 4, 2, 0, 256, 320, 256, false, "F32", null, 3).write(source);
  }

  private static Map<String, JsonNode> metadata(Path file) {
    Map<String, JsonNode> values = new LinkedHashMap<>();
    try (GgufFile gguf = GgufFile.open(file)) {
      gguf.describe(-1).path("metadata").forEach(entry -> values.put(entry.path("key").asText(), entry.path("value")));
    }
    return values;
  }

  private Path rows() throws IOException {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      rows.append("{\"prompt_ids\": [1, ").append(40 + i).append(", 77, 90], \"completion_ids\": [").append(100 + i).append(", 55, 60, 61, 2]}\n");
    }
    return Files.writeString(folder.resolve("rows.jsonl"), rows);
  }

  @Test
  void everythingButTheWeightsIsCarriedOver() throws IOException {
    Path output = folder.resolve("q.gguf");
    assertThat(Cli.run("quantize", source, output, "Q4_K_M").ok().out()).contains("Q4_K_M").contains("bits per weight").contains("q6_K");
    Map<String, JsonNode> before = metadata(source);
    Map<String, JsonNode> after = metadata(output);
    assertThat(after.remove("general.file_type").asInt()).isEqualTo(15);
    assertThat(after.remove("general.quantization_version").asInt()).isEqualTo(2);
    before.remove("general.file_type");
    before.remove("general.quantization_version");
    assertThat(after).isEqualTo(before).containsKeys("tokenizer.chat_template", "tokenizer.ggml.tokens", "tokenizer.ggml.scores");
    assertThat(Cli.run("generate", "--model", output, "--prompt", "a", "--max-tokens", "3", "--template", "none").code()).isZero();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(output);
    }
  }

  @Test
  void threadsAndInstructionSetsGiveTheSameBytes() throws IOException {
    Path rows = rows();
    Path matrix = folder.resolve("i.gguf");
    Cli.run("imatrix", "--model", source, "--data", rows, "--output", matrix).ok();
    for (String type : new String[] {"Q2_K", "Q4_K_M", "IQ4_XS", "Q5_0"}) {
      Path one = folder.resolve("one.gguf");
      Path three = folder.resolve("three.gguf");
      Cli.run("quantize", source, one, type, "--imatrix", matrix, "--threads", 1, "--isa", "ref").ok();
      Cli.run("quantize", source, three, type, "--imatrix", matrix, "--threads", 3).ok();
      assertThat(Files.mismatch(one, three)).isEqualTo(-1);
      Path without = folder.resolve("without.gguf");
      Cli.run("quantize", source, without, type).ok();
      assertThat(Files.mismatch(one, without)).isPositive();
    }
  }

  /** Errors of a model's answers under the importance of just those rows are smaller. */
  @Test
  void importanceLessensTheError() throws IOException {
    Path rows = rows();
    Path matrix = folder.resolve("i.dat");
    JsonNode made = JSON.readTree(Cli.run("imatrix", "--model", source, "--data", rows, "--output", matrix, "--json").ok().out());
    assertThat(made.path("weights").asInt()).isEqualTo(14);
    assertThat(made.path("tokens").asInt()).isEqualTo(12 * 9);
    double[] off = new double[2];
    double[] exact = logps(source, rows);
    for (int i = 0; i < 2; i++) {
      Path output = folder.resolve("q" + i + ".gguf");
      Cli.run(i == 0 ? new Object[] {"quantize", source, output, "Q3_K_S"} : new Object[] {"quantize", source, output, "Q3_K_S", "--imatrix", matrix}).ok();
      double[] logps = logps(output, rows);
      for (int k = 0; k < exact.length; k++) {
        off[i] += (logps[k] - exact[k]) * (logps[k] - exact[k]);
      }
    }
    assertThat(off[0]).isPositive();
    assertThat(off[1]).isLessThan(off[0]);
  }

  private double[] logps(Path model, Path rows) throws IOException {
    Path scores = folder.resolve("scores.jsonl");
    Cli.run("score", "--model", model, "--data", rows, "--output", scores).ok();
    return Files.readAllLines(scores).stream().flatMapToDouble(line -> {
      try {
        return Stream.of(JSON.treeToValue(JSON.readTree(line).path("logps"), double[].class)).flatMapToDouble(java.util.Arrays::stream);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }).toArray();
  }

  @Test
  void whatLosesMoreIsSaidAloud() throws IOException {
    Path eight = folder.resolve("eight.gguf");
    assertThat(Cli.run("quantize", source, eight, "Q8_0").ok().err()).isEmpty();
    assertThat(Cli.run("quantize", eight, folder.resolve("four.gguf"), "Q4_K_M").ok().err()).contains("quantized already");
    assertThat(Cli.run("quantize", eight, folder.resolve("f16.gguf"), "F16").ok().err()).isEmpty();
    Path odd = folder.resolve("odd.gguf");
    new RandomModel("llama", 1, 96, 2, 1, 0, 96, 320, 64, false, "F32", null, 4).write(odd);
    assertThat(Cli.run("quantize", odd, folder.resolve("odd4.gguf"), "Q4_K_M").ok().err()).contains("output.weight (rows of 96) becomes q8_0, not q6_K");
    Path other = folder.resolve("rows2.jsonl");
    Files.copy(rows(), other);
    Path matrix = folder.resolve("odd.dat");
    Cli.run("imatrix", "--model", odd, "--data", other, "--output", matrix).ok();
    assertThat(Cli.run("quantize", source, folder.resolve("x.gguf"), "Q4_K_M", "--imatrix", matrix).fails(2).err()).contains("another model");
  }

  @Test
  void aDryRunWritesNothing() {
    Path output = folder.resolve("dry.gguf");
    assertThat(Cli.run("quantize", source, output, "Q5_K_M", "--dry-run").ok().out()).contains("blk.0.attn_q.weight").contains("q5_K").contains("not written");
    assertThat(output).doesNotExist();
  }

  @Test
  void badInputIsOneLineAndLeavesNothing() throws IOException {
    Path output = folder.resolve("bad.gguf");
    assertThat(Cli.run("quantize", source, output, "Q9_K").fails(2).err()).contains("Q9_K").contains("Q4_K_M");
    assertThat(Cli.run("quantize", source, output, "Q4_K_M", "--output-tensor-type", "Q4_K_M").fails(2).err()).contains("--output-tensor-type");
    assertThat(Cli.run("quantize", folder.resolve("none.gguf"), output, "Q4_0").fails(3).err()).contains("none.gguf");
    assertThat(Cli.run("quantize", source, folder, "Q4_0").fails(2).err()).contains("is a folder");
    assertThat(Cli.run("quantize", source, folder.resolve("no/q.gguf"), "Q4_0").fails(1).err()).contains("no folder");
    assertThat(Cli.run("quantize", source, source, "Q4_0").fails(2).err()).contains("also an input");
    assertThat(Cli.run("quantize", source, output, "Q4_0", "--imatrix", source).fails(3).err()).contains("not an importance matrix");
    byte[] bytes = Files.readAllBytes(source);
    Path half = Files.write(folder.resolve("half.gguf"), java.util.Arrays.copyOf(bytes, bytes.length / 2));
    assertThat(Cli.run("quantize", half, output, "Q4_0").fails(3).err()).contains("truncated");
    assertThat(output).doesNotExist();
  }

  @Test
  void brokenWeightsAreNamed() throws IOException {
    Path output = folder.resolve("o.gguf");
    byte[] bytes = Files.readAllBytes(source);
    int at = offset("blk.1.ffn_up.weight") + 4 * (3 * 256 + 7);
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(at, value);
      Path broken = Files.write(folder.resolve("broken.gguf"), bytes);
      assertThat(Cli.run("quantize", broken, output, "Q4_K_M").fails(3).err()).contains("blk.1.ffn_up.weight").contains("row 3, column 7");
    }
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(at, 1e30f);
    Path large = Files.write(folder.resolve("large.gguf"), bytes);
    assertThat(Cli.run("quantize", large, output, "F16").fails(1).err()).contains("blk.1.ffn_up.weight").contains("1e+30");
    assertThat(Cli.run("quantize", large, output, "Q4_K_M").fails(1).err()).contains("q4_K can hold");
    assertThat(output).doesNotExist();
    assertThat(Cli.run("quantize", large, output, "BF16").ok().err()).isEmpty();
  }

  private static int offset(String tensor) {
    try (GgufFile gguf = GgufFile.open(source)) {
      for (JsonNode t : gguf.describe(0).path("tensors")) {
        if (t.path("name").asText().equals(tensor)) {
          return t.path("offset").asInt();
        }
      }
    }
    throw new IllegalArgumentException(tensor);
  }

  @Test
  void imatrixBadInput() throws IOException {
    Path output = folder.resolve("i.gguf");
    Path empty = Files.writeString(folder.resolve("empty.jsonl"), "");
    assertThat(Cli.run("imatrix", "--model", source, "--data", empty, "--output", output).code()).isEqualTo(3);
    assertThat(Cli.run("imatrix", "--model", source, "--data", folder.resolve("none.jsonl"), "--output", output).fails(3).err()).contains("none.jsonl");
    assertThat(Cli.run("imatrix", "--model", source, "--data", rows(), "--output", folder.resolve("no/i.dat")).fails(1).err()).contains("no folder");
    assertThat(output).doesNotExist();
  }
}
