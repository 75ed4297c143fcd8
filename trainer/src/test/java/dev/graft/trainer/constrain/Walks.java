package dev.graft.trainer.constrain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.trainer.tokenizer.TestGguf;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** Random answers within a constraint, and random ways to write a text. */
final class Walks {
  /** Pieces of JSON and of characters, so that tokens cross the borders of both. */
  private static final List<String> PIECES =
      List.of("{\"", "\":", "\": ", "\": \"", "\",", "\",\"", "\", \"", "\"}", "\"]", "{}", "[]", "[[", "]]", "}}", "[\"", "{\n  \"", "\n  ", ",\n  \"", "},{", " {", " \"", "  ", "tr", "true", "ue",
          "fal", "se", "null", "12", "34", "-1", "0.", "1e", "name", "age", "value", "\\u", "\\n", "\\\"", "00", "a\"", "b\":", "\"\"", "\"\",", " ", "\n", "ab", "abc", "bc", "\u00e9", "\u20ac", "x\u20ac",
          "\ud83d\ude00", "red", "green", "-0", "T1", ":0", "Z\"");

  private Walks() {}

  /** Byte-level BPE with such tokens, and halves of characters. */
  static Vocabulary bpe() {
    TestGguf gguf = TestVocabularies.llama3();
    Set<String> tokens = new TreeSet<>();
    for (String piece : PIECES) {
      tokens.add(alphabet(piece.getBytes(StandardCharsets.UTF_8)));
    }
    byte[] smile = "a\ud83d\ude00".getBytes(StandardCharsets.UTF_8);
    for (int n = 2; n < smile.length; n++) {
      tokens.add(alphabet(Arrays.copyOf(smile, n)));
      tokens.add(alphabet(Arrays.copyOfRange(smile, n, smile.length)));
    }
    return with(gguf, tokens, 1);
  }

  /** SentencePiece with bytes to fall back on, and such tokens. */
  static Vocabulary spm() {
    Set<String> tokens = new TreeSet<>();
    for (String piece : PIECES) {
      tokens.add(piece.replace(' ', '\u2581'));
    }
    return with(TestVocabularies.spm(), tokens, 1);
  }

  @SuppressWarnings("unchecked")
  static Vocabulary with(TestGguf gguf, Iterable<String> more, int type) {
    List<String> tokens = new ArrayList<>(gguf.tokens());
    List<Integer> types = new ArrayList<>((List<Integer>) value(gguf));
    for (String token : more) {
      if (!tokens.contains(token)) {
        tokens.add(token);
        types.add(type);
      }
    }
    return TestVocabularies.read(gguf.put("tokenizer.ggml.tokens", tokens).put("tokenizer.ggml.token_type", types));
  }

  private static Object value(TestGguf gguf) {
    List<Integer> types = new ArrayList<>();
    gguf.value("tokenizer.ggml.token_type").orElseThrow().path("items").forEach(type -> types.add(type.asInt()));
    return types;
  }

  /** GPT-2's byte alphabet. */
  static String alphabet(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      int c = b & 0xFF;
      boolean printable = c >= '!' && c <= '~' || c >= 0xA1 && c <= 0xAC || c >= 0xAE;
      text.append((char) (printable ? c : c < '!' ? 0x100 + c : c <= 0xA0 ? 0x121 + c - 0x7F : 0x143));
    }
    return text.toString();
  }

  static boolean has(long[] mask, int token) {
    return (mask[token >> 6] >> token & 1) != 0;
  }

  static int[] tokens(long[] mask) {
    return BitSet.valueOf(mask).stream().toArray();
  }

  /** A random answer. After some tokens it takes what ends things first. */
  static String answer(TokenConstraint constraint, Vocabulary v, Random random, int tokens) {
    ConstraintState state = constraint.start();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int n = 0; n < 20_000; n++) {
      int[] allowed = tokens(state.allowed());
      assertThat(allowed).as("tokens allowed after " + out).isNotEmpty();
      boolean whole = Arrays.stream(allowed).anyMatch(v.endOfGeneration()::contains);
      if (state.finished()) {
        assertThat(Arrays.stream(allowed).allMatch(v.endOfGeneration()::contains)).isTrue();
      }
      if (whole && (state.finished() || n > tokens || random.nextInt(8) == 0)) {
        state.accept(v.endOfGeneration().iterator().next());
        assertThat(state.finished()).isTrue();
        return utf8(out.toByteArray());
      }
      int token;
      do {
        token = pick(allowed, v, random, n > tokens);
      } while (v.endOfGeneration().contains(token));
      assertThat(v.isSpecial(token)).isFalse();
      out.writeBytes(v.piece(token));
      state.accept(token);
    }
    throw new AssertionError("no end after " + out.size() + " bytes");
  }

  private static int pick(int[] allowed, Vocabulary v, Random random, boolean toTheEnd) {
    if (toTheEnd && random.nextInt(4) != 0) {
      int[] ending = Arrays.stream(allowed).filter(id -> v.pieceBytes(id) == 1 && "\"}]".indexOf(v.piece(id)[0]) >= 0).toArray();
      if (ending.length > 0) {
        return ending[random.nextInt(ending.length)];
      }
    }
    int[] readable = random.nextInt(3) == 0 ? allowed : Arrays.stream(allowed).filter(id -> v.pieceBytes(id) > 1 || v.pieceBytes(id) == 1 && v.piece(id)[0] > 0).toArray();
    int[] from = readable.length == 0 ? allowed : readable;
    return from[random.nextInt(from.length)];
  }

  private static String utf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new AssertionError("not UTF-8: " + Arrays.toString(bytes), e);
    }
  }

  /** Whether a text, cut into tokens at random, is a whole answer. */
  static boolean accepts(TokenConstraint constraint, Vocabulary v, String text, Random random) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ConstraintState state = constraint.start();
    for (int at = 0; at < bytes.length; ) {
      List<Integer> fitting = new ArrayList<>();
      for (int id = 0; id < v.size(); id++) {
        int n = v.pieceBytes(id);
        if (n > 0 && n <= bytes.length - at && !v.isSpecial(id) && Arrays.equals(v.piece(id), 0, n, bytes, at, at + n)) {
          fitting.add(id);
        }
      }
      int token = fitting.get(random.nextInt(fitting.size()));
      if (!has(state.allowed(), token)) {
        return false;
      }
      state.accept(token);
      at += v.pieceBytes(token);
    }
    return has(state.allowed(), v.endOfGeneration().iterator().next());
  }

  /** The mask by trying each token's bytes one by one on the machine itself. */
  static BitSet bruteForce(TokenConstraint constraint, Vocabulary v, List<Integer> before) {
    BitSet mask = new BitSet();
    for (int id = 0; id < v.size(); id++) {
      ConstraintState state = constraint.start();
      before.forEach(state::accept);
      try {
        state.accept(id);
        mask.set(id);
      } catch (IllegalArgumentException e) {
        // not allowed
      }
    }
    return mask;
  }
}
