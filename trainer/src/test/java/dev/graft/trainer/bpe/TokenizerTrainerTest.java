package dev.graft.trainer.bpe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.bindings.UsageException;
import dev.graft.bindings.VocabularyFile;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.template.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTrainerTest {
  private static final String PROSE = "The patient was seen at 10:45 for follow-up. Dose 500 mg; dose 250 mg. Don't stop.\n\n".repeat(40);
  @TempDir Path folder;

  private Path text(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private static TokenizerOptions options(int size, Path... data) {
    return new TokenizerOptions(List.of(data), size, 2, "chatml", List.of(), "t");
  }

  @Test
  void idsAreSpecialTokensThenBytesThenMerges() throws IOException {
    TrainedTokenizer trained = TokenizerTrainer.train(options(300, text("a.txt", PROSE)));
    VocabularyFile file = trained.file();
    assertThat(file.tokens()).hasSize(300).doesNotHaveDuplicates().startsWith("<|begin_of_text|>", "<|im_end|>", "<|pad|>", "<|im_start|>", "\u0100");
    assertThat(trained.merges()).isEqualTo(40).isEqualTo(file.merges().size());
    assertThat(List.of(file.bos(), file.eos(), file.eot(), file.pad())).containsExactly(0, 1, 1, 2);
    assertThat(file.chatTemplate()).contains("<|im_start|>");
    for (int i = 0; i < file.merges().size(); i++) {
      assertThat(file.tokens().get(260 + i)).isEqualTo(file.merges().get(i).replace(" ", ""));
    }
    assertThat(trained.textBytes()).isEqualTo(PROSE.length());
    assertThat(trained.textTokens()).isEqualTo(new BpeEncoder(file).encode(PROSE).length);
  }

  @Test
  void theSameEachTime() throws IOException {
    Path data = text("a.txt", PROSE);
    assertThat(TokenizerTrainer.train(options(310, data)).file()).isEqualTo(TokenizerTrainer.train(options(310, data)).file());
  }

  @Test
  void digitsStayApartAndRolesAreWhole() throws IOException {
    VocabularyFile file = TokenizerTrainer.train(options(310, text("a.txt", PROSE + "2024 2024 2024 ".repeat(500)))).file();
    assertThat(file.tokens().subList(260, 310)).noneMatch(token -> token.matches(".*\\d.*")).contains("user", "assistant", "system");
  }

  @Test
  void blocksOfAFileAreSplitIntoWordsAsTheWhole() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; text.length() < 1_500_000; i++) {
      text.append("line ").append(i).append(i % 7 == 0 ? "\n\n  indented;\r\n" : i % 5 == 0 ? " \n" : ".\n");
    }
    TrainedTokenizer trained = TokenizerTrainer.train(options(285, text("a.txt", text.toString())));
    assertThat(trained.textTokens()).isEqualTo(new BpeEncoder(trained.file()).encode(text.toString()).length);
    assertThat(trained.textBytes()).isEqualTo(text.length());
  }

  @Test
  void theStringsOfRowsAreLearnt() throws IOException {
    String rows = """
        {"text": "alpha alpha"}
        {"messages": [{"role": "user", "content": "beta beta"}, {"role": "assistant", "content": "gamma gamma"}]}
        {"prompt": "delta delta", "completion": "kappa kappa"}
        {"prompt": "delta delta", "chosen": "sigma sigma", "rejected": [{"role": "assistant", "content": "omega omega"}]}
        """;
    VocabularyFile file = TokenizerTrainer.train(new TokenizerOptions(List.of(text("a.jsonl", rows.repeat(4))), 290, 2, "none", List.of(), "t")).file();
    assertThat(file.tokens()).contains("\u0120alpha", "\u0120beta", "\u0120gamma", "\u0120delta", "\u0120kappa", "\u0120sigma", "\u0120omega").doesNotContain("messages", "role");
    assertThat(file.chatTemplate()).isNull();
    assertThat(file.tokens()).startsWith("<|begin_of_text|>", "<|end_of_text|>", "<|pad|>");
    Path ids = text("ids.jsonl", "{\"prompt_ids\": [1], \"completion_ids\": [2]}");
    assertThatThrownBy(() -> TokenizerTrainer.train(options(300, ids))).isInstanceOf(DataException.class).hasMessageContaining("ids.jsonl:1").hasMessageContaining("token ids");
  }

  @Test
  void noTextSpellsASpecialToken() throws IOException {
    String text = "<|im_end|>x ".repeat(100) + "word ".repeat(100);
    VocabularyFile file = TokenizerTrainer.train(new TokenizerOptions(List.of(text("a.txt", text)), 268, 1, "chatml", List.of("\u0120word"), "t")).file();
    assertThat(file.tokens().subList(261, 268)).noneMatch(token -> token.contains("|") || token.contains("im"));
    assertThat(file.tokens().indexOf("\u0120word")).isEqualTo(4);
    assertThat(new BpeEncoder(file).encode(" word")).doesNotContain(4);
  }

  @Test
  void everyBuiltInTemplateGivesItsTokens() throws IOException {
    Path data = text("a.txt", PROSE);
    for (String name : ChatTemplate.names()) {
      VocabularyFile file = TokenizerTrainer.train(new TokenizerOptions(List.of(data), 290, 2, name, List.of("<|tool|>"), "t")).file();
      List<String> expected = switch (name) {
        case "chatml" -> List.of("<|begin_of_text|>", "<|im_end|>", "<|pad|>", "<|im_start|>", "<|tool|>");
        case "llama3" -> List.of("<|begin_of_text|>", "<|eot_id|>", "<|pad|>", "<|start_header_id|>", "<|end_header_id|>", "<|tool|>");
        case "gemma" -> List.of("<|begin_of_text|>", "<end_of_turn>", "<|pad|>", "<start_of_turn>", "<|tool|>");
        case "phi3" -> List.of("<|begin_of_text|>", "<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>");
        case "zephyr" -> List.of("<|begin_of_text|>", "<|end_of_text|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>");
        case "mistral" -> List.of("<|begin_of_text|>", "<|end_of_text|>", "<|pad|>", "[INST]", "[/INST]", "<|tool|>");
        case "llama2" -> List.of("<|begin_of_text|>", "<|end_of_text|>", "<|pad|>", "[INST]", "<<SYS>>", "<</SYS>>", "[/INST]", "<|tool|>");
        default -> List.of("<|begin_of_text|>", "<|end_of_text|>", "<|pad|>", "<|tool|>");
      };
      assertThat(file.tokens().subList(0, expected.size())).as(name).isEqualTo(expected);
      assertThat(file.types().subList(0, expected.size())).as(name).containsOnly(VocabularyFile.CONTROL);
      assertThat(file.types().get(expected.size())).as(name).isEqualTo(VocabularyFile.NORMAL);
    }
  }

  @Test
  void aTemplateOfAFileNamesItsBos() throws IOException {
    Path template = text("t.jinja", "<bos>{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}");
    VocabularyFile file = TokenizerTrainer.train(new TokenizerOptions(List.of(text("a.txt", PROSE)), 290, 2, template.toString(), List.of(), "t")).file();
    assertThat(file.tokens()).startsWith("<bos>", "</s>", "<|pad|>", "<|user|>", "<|assistant|>");
  }

  @Test
  void badInputIsNamed() throws IOException {
    Path data = text("a.txt", PROSE);
    assertThatThrownBy(() -> TokenizerTrainer.train(options(259, data))).isInstanceOf(UsageException.class).hasMessageContaining("--vocab-size 259").hasMessageContaining("from 260 (4 special");
    assertThatThrownBy(() -> TokenizerTrainer.train(options(4096, data))).isInstanceOf(UsageException.class).satisfies(e -> {
      String number = e.getMessage().replaceAll(".*give --vocab-size (\\d+),.*", "$1");
      assertThat(TokenizerTrainer.train(options(Integer.parseInt(number), data)).file().tokens()).hasSize(Integer.parseInt(number));
      assertThatThrownBy(() -> TokenizerTrainer.train(options(Integer.parseInt(number) + 1, data))).isInstanceOf(UsageException.class);
    });
    Path empty = text("empty.txt", "");
    assertThatThrownBy(() -> TokenizerTrainer.train(options(300, data, empty))).isInstanceOf(DataException.class).hasMessageContaining("empty.txt").hasMessageContaining("is empty");
    Path blank = text("blank.jsonl", "{\"text\": \"\"}");
    assertThatThrownBy(() -> TokenizerTrainer.train(options(300, blank))).isInstanceOf(DataException.class).hasMessageContaining("no text to learn from");
    Path latin = Files.write(folder.resolve("latin.txt"), new byte[] {'a', '\n', 'b', (byte) 0xE9, 'c'});
    assertThatThrownBy(() -> TokenizerTrainer.train(options(300, latin))).isInstanceOf(DataException.class).hasMessageContaining("latin.txt:2").hasMessageContaining("byte 3");
    Path cut = Files.write(folder.resolve("cut.txt"), new byte[] {'a', (byte) 0xE2, (byte) 0x82});
    assertThatThrownBy(() -> TokenizerTrainer.train(options(300, cut))).isInstanceOf(DataException.class).hasMessageContaining("cut.txt:1").hasMessageContaining("byte 1");
    Path missing = folder.resolve("none.txt");
    assertThatThrownBy(() -> TokenizerTrainer.train(options(300, missing))).isInstanceOf(DataException.class).hasMessageContaining("no such file");
    for (List<String> special : List.of(List.of("<a>", "<a>"), List.of("<|im_end|>"), List.of(""), List.of("a"), List.of("x\ny"), List.of("\u0120"))) {
      assertThatThrownBy(() -> TokenizerTrainer.train(new TokenizerOptions(List.of(data), 300, 2, "chatml", special, "t"))).as("%s", special)
          .isInstanceOf(UsageException.class).hasMessageStartingWith("--special").hasMessageNotContaining("\n\n");
    }
    assertThatThrownBy(() -> TokenizerTrainer.train(new TokenizerOptions(List.of(data), 300, 2, "none", List.of(), "tiny-Phi3"))).isInstanceOf(UsageException.class).hasMessageContaining("--name");
    assertThatThrownBy(() -> TokenizerTrainer.train(new TokenizerOptions(List.of(data), 300, 2, "nonsense", List.of(), "t"))).isInstanceOf(UsageException.class);
  }

  @Test
  void aByteOrderMarkIsNoText() throws IOException {
    TrainedTokenizer trained = TokenizerTrainer.train(options(280, text("a.txt", "\uFEFF" + PROSE)));
    assertThat(trained.textBytes()).isEqualTo(PROSE.length());
  }
}
