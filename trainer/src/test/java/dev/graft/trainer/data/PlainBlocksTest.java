package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.bindings.VocabularyFile;
import dev.graft.trainer.bpe.TokenizerOptions;
import dev.graft.trainer.bpe.TokenizerTrainer;
import dev.graft.trainer.tokenizer.LlamaTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A long text encoded block by block has the ids that llama.cpp gives the whole, for each kind of pre-tokenizer. */
class PlainBlocksTest {
  private static final String[] ENDS = {"\n", "\n", ".\n", ".\n\n", " \n", "\n  ", "!\n-", "\r\n", ",\n'", ")\n", ":\n\t", "\n1", "\n\u00e9"};

  @TempDir Path folder;

  private static String text(int length) {
    Random random = new Random(4);
    StringBuilder text = new StringBuilder();
    while (text.length() < length) {
      for (int word = random.nextInt(20); word >= 0; word--) {
        text.append("word".repeat(1 + random.nextInt(2))).append(word == 0 ? "" : " ");
      }
      text.append(ENDS[random.nextInt(ENDS.length)]);
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-bpe", "gpt-2", "qwen2", "deepseek-llm", "starcoder", "bloom", "falcon", "tekken"})
  void sameIds(String pre) throws IOException {
    String text = text(250_000);
    assertThat(PlainText.blocks(text)).hasSize(4).satisfies(blocks -> assertThat(String.join("", blocks)).isEqualTo(text));
    VocabularyFile learnt = TokenizerTrainer.train(
        new TokenizerOptions(List.of(Files.writeString(folder.resolve("a.txt"), text)), 282, 2, "none", List.of(), "t")).file();
    assertThat(learnt.tokens()).as("tokens that span line ends").anyMatch(token -> token.length() > 1 && token.contains("\u010a"));
    Path path = folder.resolve("t.gguf");
    new VocabularyFile("t", pre, learnt.tokens(), learnt.types(), learnt.merges(), learnt.bos(), learnt.eos(), learnt.eot(), learnt.pad(), true, null).write(path);
    try (LlamaTokenizer tokenizer = LlamaTokenizer.open(path)) {
      DataOptions options = new DataOptions(tokenizer.vocabulary(), tokenizer.vocabulary().size(), () -> tokenizer, Optional.empty(), 0, false);
      List<int[]> ids = new PlainRows(options, new ReportBuilder()).encode(List.of(new Row.Plain(1, text), new Row.Plain(2, "short")), tokenizer);
      assertThat(ids.get(0)).isEqualTo(tokenizer.encode(text));
      assertThat(ids.get(1)).isEqualTo(tokenizer.encode("short"));
    }
  }
}
