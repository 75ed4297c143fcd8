package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.jna.Memory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Importance matrices: their numbers, both file formats, and what damaged files say. */
class ImportanceTest {
  private static final int WIDTH = 64;
  private static final int[] TOKENS = {1, 5, 9, 300, 5, 17, 42};

  @TempDir Path folder;

  private static Importance collect(Path model, GraftRuntime runtime) {
    Importance importance = Importance.create();
    try (Model base = Model.open(runtime, model);
        TrainingSession session = TrainingSession.open(base, null, SessionOptions.scoring(16, 16));
        PackedBatch batch = TestModels.batch(TOKENS)) {
      session.observe(importance);
      session.forward(batch, false);
      session.observe(null);
      session.forward(batch, false); // no longer counted
    }
    return importance;
  }

  /** The input of layer 0's attention is the norm of the embedding: computed here in double from the file's numbers. */
  @Test
  void meansOfSquaresOfTheInputs() {
    Path file = TestModels.tiny(folder);
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
        Importance importance = collect(file, runtime);
        Model model = Model.open(runtime, file);
        Weights weights = Weights.open(model)) {
      assertThat(importance.tokens()).isEqualTo(TOKENS.length);
      assertThat(importance.entries()).hasSize(2 * 7).allSatisfy(entry -> {
        assertThat(entry.columns()).isEqualTo(entry.name().contains("ffn_down") ? 128 : WIDTH);
        assertThat(entry.tokens()).isEqualTo(TOKENS.length);
        assertThat(entry.mean()).isPositive();
      });
      float[] embedding = weights.get("token_embd.weight");
      float[] norm = weights.get("blk.0.attn_norm.weight");
      double[] expected = new double[WIDTH];
      for (int token : TOKENS) {
        double square = 0;
        for (int c = 0; c < WIDTH; c++) {
          square += (double) embedding[token * WIDTH + c] * embedding[token * WIDTH + c];
        }
        for (int c = 0; c < WIDTH; c++) {
          double x = embedding[token * WIDTH + c] / Math.sqrt(square / WIDTH + 1e-5) * norm[c];
          expected[c] += x * x / TOKENS.length;
        }
      }
      for (String target : new String[] {"attn_q", "attn_k", "attn_v"}) {
        float[] actual = importance.values("blk.0." + target + ".weight", WIDTH);
        for (int c = 0; c < WIDTH; c++) {
          assertThat((double) actual[c]).isCloseTo(expected[c], within(1e-5 * expected[c] + 1e-9));
        }
      }
      assertThatThrownBy(() -> importance.values("output.weight", WIDTH)).isInstanceOf(UsageException.class);
    }
  }

  /** llama.cpp's binary format, read here as its source describes it. */
  @Test
  void theBinaryFormat() throws IOException {
    Path dat = folder.resolve("i.dat");
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1);
        Importance importance = collect(TestModels.tiny(folder), runtime)) {
      importance.save(dat, "rows.jsonl");
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(dat)).order(ByteOrder.LITTLE_ENDIAN);
      int entries = bytes.getInt();
      assertThat(entries).isEqualTo(14);
      for (int i = 0; i < entries; i++) {
        String name = text(bytes);
        int calls = bytes.getInt();
        int columns = bytes.getInt();
        float[] means = importance.values(name, columns);
        for (int c = 0; c < columns; c++) {
          assertThat(bytes.getFloat() / calls).isEqualTo(means[c]);
        }
      }
      assertThat(bytes.getInt()).isEqualTo(1); // batches
      assertThat(text(bytes)).isEqualTo("rows.jsonl");
      assertThat(bytes.hasRemaining()).isFalse();
      same(importance, dat);
      Path gguf = folder.resolve("i.gguf");
      importance.save(gguf, "rows.jsonl");
      same(importance, gguf);
      try (GgufFile file = GgufFile.open(gguf)) {
        assertThat(file.string("general.type")).contains("imatrix");
        assertThat(file.describe(0).path("tensors")).hasSize(28).anySatisfy(t -> {
          assertThat(t.path("name").asText()).isEqualTo("blk.1.ffn_down.weight.in_sum2");
          assertThat(t.path("shape").path(0).asInt()).isEqualTo(128);
        });
      }
    }
  }

  private static void same(Importance expected, Path file) {
    try (Importance read = Importance.open(file)) {
      assertThat(read.entries()).hasSameSizeAs(expected.entries());
      for (Importance.Entry entry : expected.entries()) {
        float[] a = expected.values(entry.name(), (int) entry.columns());
        float[] b = read.values(entry.name(), (int) entry.columns());
        for (int c = 0; c < a.length; c++) {
          assertThat(b[c]).isCloseTo(a[c], within(2e-7f * a[c]));
        }
      }
    }
  }

  private static String text(ByteBuffer bytes) {
    byte[] text = new byte[bytes.getInt()];
    bytes.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "00000000", "01000000", "ffffffff", "01000000 05000000 6162", "01000000 01000000 61 01000000 ffffffff", "01000000 01000000 61 01000000 02000000 0000803f",
      "01000000 01000000 61 01000000 01000000 000080bf", "01000000 01000000 61 01000000 01000000 0000c07f", "02000000 01000000 61 01000000 01000000 0000803f 01000000 61 01000000 01000000 0000803f"})
  void damagedFilesSayWhatIsWrong(String hex) throws IOException {
    Path file = folder.resolve("bad.dat");
    byte[] bytes = hex.equals("x") ? "GGUF????".getBytes(StandardCharsets.US_ASCII) : java.util.HexFormat.of().parseHex(hex.replace(" ", ""));
    Files.write(file, bytes);
    assertThatThrownBy(() -> Importance.open(file)).isInstanceOf(BadFileException.class).hasMessageContaining(file.toString());
  }

  @Test
  void usedByTheQuantizerAndNotOfAnotherModel() throws IOException {
    Path file = TestModels.tiny(folder);
    Path wide = folder.resolve("wide.gguf");
    new RandomModel("llama", 2, 128, 4, 2, 0, 128, 320, 256, false, "F32", null, 1).write(wide);
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 2);
        Importance importance = collect(file, runtime)) {
      assertThatThrownBy(() -> ModelQuantizer.open(runtime, wide, folder.resolve("x.gguf"), new QuantizeSpec("Q4_0"), importance)).isInstanceOf(UsageException.class)
          .hasMessageContaining("blk.0.attn_k.weight").hasMessageContaining("another model");
      Path with = folder.resolve("with.gguf");
      try (ModelQuantizer quantizer = ModelQuantizer.open(runtime, file, with, new QuantizeSpec("Q4_0"), importance)) {
        assertThat(quantizer.plan().tensors()).filteredOn(QuantizePlan.Tensor::importance).hasSize(14);
        while (!quantizer.step()) {
          assertThat(with).doesNotExist();
        }
      }
      // the blocks of one weight are ggml's under the same importance
      Ggml ggml = Ggml.load();
      try (GgufFile after = GgufFile.open(with);
          Model model = Model.open(runtime, file);
          Weights weights = Weights.open(model);
          Memory values = new Memory(4L * WIDTH * 128);
          Memory columns = new Memory(4L * WIDTH);
          Memory expected = new Memory(WIDTH * 128 / 32 * 18)) {
        values.write(0, weights.get("blk.1.ffn_up.weight"), 0, WIDTH * 128);
        columns.write(0, importance.values("blk.1.ffn_up.weight", WIDTH), 0, WIDTH);
        ggml.quantize(2, values, expected, 128, WIDTH, columns);
        byte[] all = Files.readAllBytes(with);
        for (var t : after.describe(0).path("tensors")) {
          if (t.path("name").asText().equals("blk.1.ffn_up.weight")) {
            int offset = t.path("offset").asInt();
            assertThat(java.util.Arrays.copyOfRange(all, offset, offset + t.path("bytes").asInt())).isEqualTo(expected.getByteArray(0, (int) expected.size()));
          }
        }
      }
    }
  }
}
