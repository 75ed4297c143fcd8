package dev.graft.trainer.bpe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.bindings.VocabularyFile;
import dev.graft.trainer.tokenizer.LlamaTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** llama.cpp, through the project's tokenizer, gives the ids that the papers' algorithm gives with the learnt merges; and the text comes back. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LlamaAgreementTest {
  private static final String[] PIECES = {"don't", "I'LL", "'s", "''", "  ", " ", "\t", "\n", "\r", "\r\n", "\n\n", " \n ", "\u00a0", "\u3000", "\u2028", "\u0085", "123", "4567", "\u0664\u0665", "\u00bd",
      "e\u0301", "\u0301", "\u4e2d\u6587\u5b57", "\u3042\u30a2", "\ud55c\uad6d", "\u0928\u092e\u0938\u094d\u0924\u0947", "\ud83d\ude00", "\ud83d\udc69\u200d\ud83d\udcbb", "\u0001", "\u007f",
      "\u200b", "\ufeff", "\ufffd", "...", "!!\n\n", "$5", "-->", "_x_", "<|im_end|>", "<|im_start|>user\n", "<|begin_of_text|>", "<|im_", "the", " patient", " mg", "\uD804\uDD00", "\uD83B\uDE00", "\u2167",
      "\uD869\uDED6", "'", "' ", "'re", "'R", " 's", "a'b", "\u017f"};

  private VocabularyFile file;
  private BpeEncoder own;
  private LlamaTokenizer llama;

  @BeforeAll
  void learn(@TempDir Path folder) throws IOException {
    StringBuilder text = new StringBuilder();
    Random random = new Random(5);
    for (int i = 0; i < 60_000; i++) {
      text.append(PIECES[random.nextInt(PIECES.length)]);
      text.append(random.nextInt(4) == 0 ? " " : "");
    }
    text.append("The patient takes 500 mg of aspirin. \u00dcber die \u00c4rzte und das M\u00e4dchen; ".repeat(200));
    Path data = Files.writeString(folder.resolve("a.txt"), text.toString());
    file = TokenizerTrainer.train(new TokenizerOptions(List.of(data), 900, 2, "chatml", List.of(), "t")).file();
    Path path = folder.resolve("t.gguf");
    file.write(path);
    own = new BpeEncoder(file);
    llama = LlamaTokenizer.open(path);
  }

  @AfterAll
  void close() {
    llama.close();
  }

  private void agree(List<String> texts) {
    List<int[]> ids = llama.encodeAll(texts);
    for (int i = 0; i < texts.size(); i++) {
      assertThat(ids.get(i)).as("ids of %s", escaped(texts.get(i))).isEqualTo(own.encode(texts.get(i)));
      assertThat(llama.vocabulary().decode(ids.get(i), true)).as("text").isEqualTo(texts.get(i));
    }
  }

  private static String escaped(String text) {
    StringBuilder out = new StringBuilder();
    text.chars().limit(200).forEach(c -> out.append(c >= ' ' && c < 0x7f ? String.valueOf((char) c) : String.format("\\u%04x", c)));
    return out.toString();
  }

  private static void anyCharacter(Random random, StringBuilder text) {
    int c;
    do {
      c = random.nextInt(random.nextBoolean() ? 0x3000 : 0x110000);
    } while (c == 0 || c >= 0xD800 && c < 0xE000);
    text.appendCodePoint(c);
  }

  @Test
  void onThousandsOfTexts() {
    Random random = new Random(7);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < 6000; i++) {
      StringBuilder text = new StringBuilder();
      for (int k = random.nextInt(12); k >= 0; k--) {
        if (random.nextInt(5) == 0) {
          anyCharacter(random, text);
        } else {
          text.append(PIECES[random.nextInt(PIECES.length)]);
        }
      }
      texts.add(text.toString());
    }
    agree(texts);
  }

  @Test
  void onEveryCharacterBetweenLetters() {
    List<String> texts = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    for (int c = 1; c <= Character.MAX_CODE_POINT; c++) {
      if (c >= 0xD800 && c < 0xE000 || c >= 0x32000 && c < 0xE0000 && c % 97 != 0 || c >= 0xF0000 && c % 997 != 0) {
        continue;
      }
      text.appendCodePoint(c).append("the ").appendCodePoint(c).append("1,");
      if (text.length() > 2000) {
        texts.add(text.toString());
        text.setLength(0);
      }
    }
    texts.add(text.toString());
    agree(texts);
  }

  @Test
  void onOneLongText() {
    Random random = new Random(9);
    StringBuilder text = new StringBuilder();
    while (text.length() < 100_000) {
      anyCharacter(random, text);
    }
    agree(List.of(text.toString()));
    agree(List.of("ab".repeat(800), " ".repeat(1500), "\n".repeat(1500), "9".repeat(9000), "a b ".repeat(4000)));
    for (String endless : List.of("ab".repeat(60_000), " ".repeat(100_000), "\u4e2d".repeat(50_000))) {
      assertThat(llama.vocabulary().decode(llama.encode(endless), true)).isEqualTo(endless); // one word, far too long for the plain encoder
    }
  }

  @Test
  void aTokensOwnTextIsThatToken() {
    List<String> texts = new ArrayList<>();
    List<Integer> expected = new ArrayList<>();
    for (int id = 0; id < file.tokens().size(); id++) {
      String text = llama.vocabulary().decode(new int[] {id}, true);
      if (text.indexOf('\uFFFD') < 0 && text.indexOf(0) < 0) {
        texts.add(text);
        expected.add(id);
      }
    }
    List<int[]> ids = llama.encodeAll(texts);
    for (int i = 0; i < ids.size(); i++) {
      assertThat(ids.get(i)).as(texts.get(i)).containsExactly(expected.get(i));
    }
    assertThat(texts.size()).isGreaterThan(500);
  }

  /** Why {@link TokenizerTrainer} refuses such a name. */
  @Test
  void llamaCppDoesNotLoadAFileNamedAfterPhi3(@TempDir Path folder) {
    Path path = folder.resolve("t.gguf");
    new VocabularyFile("my Phi-3", file.pre(), file.tokens(), file.types(), file.merges(), file.bos(), file.eos(), file.eot(), file.pad(), true, null).write(path);
    assertThatThrownBy(() -> {
      try (LlamaTokenizer other = LlamaTokenizer.open(path)) {
        other.encode("1");
      }
    }).hasMessageContaining("llama.cpp does not take this model's tokenizer");
  }

  @Test
  void specialIdsAreRead() {
    assertThat(llama.vocabulary().bosText()).isEqualTo("<|begin_of_text|>");
    assertThat(llama.vocabulary().addBos()).isTrue();
    assertThat(llama.vocabulary().eosText()).isEqualTo("<|im_end|>");
    assertThat(llama.vocabulary().eotId()).isEqualTo(llama.vocabulary().eosId());
    assertThat(llama.vocabulary().chatTemplate()).contains(file.chatTemplate());
    assertThat(llama.encode("<|im_start|>user\nhi<|im_end|>\n")[0]).isEqualTo(3);
  }
}
