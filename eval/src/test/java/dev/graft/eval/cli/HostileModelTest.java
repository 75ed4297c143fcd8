package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Files that have broken other readers: here each is one line and exit code 3, whatever command reads it. */
class HostileModelTest {
  private static final Golden GOLDEN = Golden.of("llama_q8_0");
  private static final long HUGE = Long.MAX_VALUE - 7;

  @TempDir Path folder;

  /** A copy of a good model to be spoilt. */
  private record Gguf(ByteBuffer bytes) {
    int find(String text) {
      byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
      for (int at = 24; at + wanted.length < bytes.capacity(); at++) {
        if (Arrays.equals(bytes.array(), at, at + wanted.length, wanted, 0, wanted.length)) {
          return at;
        }
      }
      throw new IllegalArgumentException(text);
    }

    /** Where the type of a key's value is; the value follows 4 bytes later. */
    int type(String key) {
      return find(key) + key.length();
    }

    int value(String key) {
      return type(key) + 4;
    }

    /** Where a tensor's number of dimensions is; then its dimensions (8 bytes each), type (4) and offset (8). */
    int dims(String tensor) {
      return find(tensor) + tensor.length();
    }
  }

  private static Arguments spoilt(String name, Consumer<Gguf> how) {
    UnaryOperator<byte[]> change =
        bytes -> {
          Gguf gguf = new Gguf(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
          how.accept(gguf);
          return bytes;
        };
    return Arguments.of(name, change);
  }

  private static Arguments cut(String name, int length) {
    UnaryOperator<byte[]> change = bytes -> Arrays.copyOf(bytes, length < 0 ? bytes.length + length : length);
    return Arguments.of(name, change);
  }

  static Stream<Arguments> files() {
    String q = "blk.0.attn_q.weight";
    return Stream.of(
        cut("empty", 0),
        cut("three bytes", 3),
        cut("header only", 24),
        cut("cut in the metadata", 300),
        cut("cut in the tensors' names", 8200),
        cut("cut in half", 700_000),
        cut("one byte short", -1),
        spoilt("magic", g -> g.bytes().put(3, (byte) 'X')),
        spoilt("version 0", g -> g.bytes().putInt(4, 0)),
        spoilt("version 1", g -> g.bytes().putInt(4, 1)),
        spoilt("version 99", g -> g.bytes().putInt(4, 99)),
        spoilt("big endian", g -> g.bytes().putInt(4, Integer.reverseBytes(3))),
        spoilt("tensors near 2^63", g -> g.bytes().putLong(8, HUGE)),
        spoilt("no tensors", g -> g.bytes().putLong(8, 0)),
        spoilt("negative count of tensors", g -> g.bytes().putLong(8, -1)),
        spoilt("keys near 2^63", g -> g.bytes().putLong(16, HUGE)),
        spoilt("too many keys", g -> g.bytes().putLong(16, 1000)),
        spoilt("key length near 2^63", g -> g.bytes().putLong(24, HUGE)),
        spoilt("empty key", g -> g.bytes().putLong(24, 0)),
        spoilt("value of unknown type", g -> g.bytes().putInt(g.type("general.name"), 77)),
        spoilt("text length near 2^63", g -> g.bytes().putLong(g.value("general.name"), HUGE)),
        spoilt("array count near 2^63", g -> g.bytes().putLong(g.value("tokenizer.ggml.tokens") + 4, HUGE)),
        spoilt("array of unknown type", g -> g.bytes().putInt(g.value("tokenizer.ggml.scores"), 77)),
        spoilt("duplicate key", g -> g.bytes().put(g.find("tokenizer.ggml.bos_token_id") + 15, (byte) 'e')),
        spoilt("alignment 0", g -> g.bytes().putInt(g.value("general.alignment"), 0)),
        spoilt("alignment 3", g -> g.bytes().putInt(g.value("general.alignment"), 3)),
        spoilt("alignment 2^31", g -> g.bytes().putInt(g.value("general.alignment"), 1 << 31)),
        spoilt("alignment is a float", g -> g.bytes().putInt(g.type("general.alignment"), 6)),
        spoilt("unknown architecture", g -> g.bytes().put(g.value("general.architecture") + 8, (byte) 'x')),
        spoilt("no blocks", g -> g.bytes().putInt(g.value("llama.block_count"), 0)),
        spoilt("more blocks than tensors", g -> g.bytes().putInt(g.value("llama.block_count"), 3)),
        spoilt("2^31 blocks", g -> g.bytes().putInt(g.value("llama.block_count"), -1)),
        spoilt("no heads", g -> g.bytes().putInt(g.value("llama.attention.head_count"), 0)),
        spoilt("no kv heads", g -> g.bytes().putInt(g.value("llama.attention.head_count_kv"), 0)),
        spoilt("kv heads that do not divide", g -> g.bytes().putInt(g.value("llama.attention.head_count_kv"), 3)),
        spoilt("width 0", g -> g.bytes().putInt(g.value("llama.embedding_length"), 0)),
        spoilt("another width", g -> g.bytes().putInt(g.value("llama.embedding_length"), 512)),
        spoilt("width 2^31", g -> g.bytes().putInt(g.value("llama.embedding_length"), 1 << 31)),
        spoilt("feed-forward 0", g -> g.bytes().putInt(g.value("llama.feed_forward_length"), 0)),
        spoilt("rms epsilon is NaN", g -> g.bytes().putFloat(g.value("llama.attention.layer_norm_rms_epsilon"), Float.NaN)),
        spoilt("rope base is negative", g -> g.bytes().putFloat(g.value("llama.rope.freq_base"), -1)),
        spoilt("odd rope width", g -> g.bytes().putInt(g.value("llama.rope.dimension_count"), 63)),
        spoilt("rope wider than the head", g -> g.bytes().putInt(g.value("llama.rope.dimension_count"), 128)),
        spoilt("no dimensions", g -> g.bytes().putInt(g.dims(q), 0)),
        spoilt("nine dimensions", g -> g.bytes().putInt(g.dims(q), 9)),
        spoilt("a dimension of 0", g -> g.bytes().putLong(g.dims(q) + 4, 0)),
        spoilt("a dimension near 2^63", g -> g.bytes().putLong(g.dims(q) + 4, HUGE)),
        spoilt("dimensions whose product overflows", g -> g.bytes().putLong(g.dims(q) + 4, 1L << 33).putLong(g.dims(q) + 12, 1L << 33)),
        spoilt("a tensor of another shape", g -> g.bytes().putLong(g.dims(q) + 12, 128)),
        spoilt("unknown tensor type", g -> g.bytes().putInt(g.dims(q) + 20, 99)),
        spoilt("unaligned offset", g -> g.bytes().putLong(g.dims(q) + 24, g.bytes().getLong(g.dims(q) + 24) + 1)),
        spoilt("offset near 2^63", g -> g.bytes().putLong(g.dims(q) + 24, HUGE - HUGE % 32)),
        spoilt("duplicate tensor", g -> g.bytes().put(g.find(q) + 11, (byte) 'k')),
        spoilt("a tensor missing", g -> g.bytes().put(g.find(q) + 11, (byte) 'x')));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void everyCommandRefusesItInOneLine(String name, UnaryOperator<byte[]> change) throws IOException {
    Path model = folder.resolve("hostile.gguf");
    Files.write(model, change.apply(Files.readAllBytes(GOLDEN.model())));
    Path output = folder.resolve("out");
    assertThat(Cli.run("score", "--model", model, "--data", GOLDEN.sft(), "--output", output, "--quiet").fails(3).err()).contains("hostile.gguf");
    Cli.run("sft", "--model", model, "--data", GOLDEN.sft(), "--output", output.resolve("run"), "--quiet").fails(3);
    Cli.run("generate", "--model", model, "--data", GOLDEN.sft(), "--output", output, "--quiet").fails(3);
    Cli.Result inspect = Cli.run("inspect", model);
    if (inspect.code() == 0) { // well-formed, but no model: that is what inspect says
      assertThat(inspect.out()).contains("note: Graft cannot train this: ");
    } else {
      inspect.fails(3);
    }
  }

  /** Single bytes of the header changed at random: never a crash, and never more than one line. */
  @Test
  void randomDamageIsNeverWorseThanALine() throws IOException {
    byte[] good = Files.readAllBytes(GOLDEN.model());
    java.util.Random random = new java.util.Random(1);
    Path model = folder.resolve("damaged.gguf");
    for (int i = 0; i < 150; i++) {
      byte[] bad = good.clone();
      for (int n = 0; n < 3; n++) {
        bad[random.nextInt(12_000)] = (byte) random.nextInt(256);
      }
      Files.write(model, bad);
      Cli.Result result = Cli.run("score", "--model", model, "--data", GOLDEN.sft(), "--output", folder.resolve("o"), "--quiet", "--threads", 1);
      if (result.code() != 0) {
        assertThat(result.code()).as("seed 1, file %d: %s", i, result.err()).isIn(1, 3);
        assertThat(result.err().lines()).as("seed 1, file %d", i).hasSize(1);
      }
    }
  }
}
