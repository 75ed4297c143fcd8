package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.trainer.data.Dataset.Kind;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.tokenizer.ProcessTokenizer;
import dev.graft.trainer.tokenizer.TestGguf;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Exact tokens and targets, worked out by hand, with llama.cpp's tokenizer. Learnt tokens are marked +. */
class TokensOfTextTest {
  @TempDir Path folder;

  private Dataset read(TestGguf gguf, String template, Kind kind, int maxLength, String... rows) throws IOException {
    Path file = Files.writeString(folder.resolve("rows.jsonl"), String.join("\n", rows));
    try (ProcessTokenizer tokenizer = new ProcessTokenizer(gguf, folder)) {
      Vocabulary v = tokenizer.vocabulary();
      Optional<ChatTemplate> chosen = ChatTemplate.resolve(template, v, Path.of("test.gguf"));
      return new DatasetReader(new DataOptions(v, v.size(), () -> tokenizer, chosen, maxLength, false)).read(file, kind);
    }
  }

  private static List<String> marked(TestGguf gguf, Example example) {
    Vocabulary v = TestVocabularies.read(gguf);
    List<String> all = new ArrayList<>();
    Preview.sequences(example, v).values().forEach(tokens -> tokens.forEach(token -> all.add((token.learnt() ? "+" : "") + v.text(token.id()))));
    return all;
  }

  private List<String> one(TestGguf gguf, String template, String row) throws IOException {
    return marked(gguf, read(gguf, template, Kind.ANY, 0, row).examples().get(0));
  }

  @Test
  void llama3PromptAndCompletion() throws IOException {
    assertThat(one(TestVocabularies.llama3(), "llama3", "{\"prompt\": \"hello\", \"completion\": \"hello world\"}"))
        .containsExactly(
            "<|begin_of_text|>", "<|start_header_id|>", "user", "<|end_header_id|>", "\u010A\u010A", "hello", "<|eot_id|>", "<|start_header_id|>",
            "a", "s", "s", "i", "s", "t", "a", "n", "t", "<|end_header_id|>", "\u010A\u010A", "+hello", "+\u0120world", "+<|eot_id|>");
  }

  @Test
  void llama3ChatLearnsEachTurnWithItsEnd() throws IOException {
    List<String> header = List.of("<|start_header_id|>", "a", "s", "s", "i", "s", "t", "a", "n", "t", "<|end_header_id|>", "\u010A\u010A");
    List<String> expected = new ArrayList<>(List.of("<|begin_of_text|>", "<|start_header_id|>", "user", "<|end_header_id|>", "\u010A\u010A", "hello", "<|eot_id|>"));
    expected.addAll(header);
    expected.addAll(List.of("+hello", "+<|eot_id|>", "<|start_header_id|>", "user", "<|end_header_id|>", "\u010A\u010A", "\u0120world".substring(1, 2), "or", "ld", "<|eot_id|>"));
    expected.addAll(header);
    expected.addAll(List.of("+hello", "+\u0120world", "+<|eot_id|>"));
    assertThat(one(TestVocabularies.llama3(), "llama3",
            "{\"messages\": [{\"role\":\"user\",\"content\":\"hello\"},{\"role\":\"assistant\",\"content\":\"hello\"},"
                + "{\"role\":\"user\",\"content\":\"world\"},{\"role\":\"assistant\",\"content\":\"hello world\"}]}"))
        .containsExactlyElementsOf(expected);
  }

  @Test
  void chatmlLeavesTheLineEndAfterTheTurnOut() throws IOException {
    List<String> header = List.of("<|im_start|>", "a", "s", "s", "i", "s", "t", "a", "n", "t", "\u010A");
    List<String> expected = new ArrayList<>(List.of("<|im_start|>", "user", "\u010A", "hello", "<|im_end|>", "\u010A"));
    expected.addAll(header);
    expected.addAll(List.of("+hello", "+<|im_end|>"));
    assertThat(one(TestVocabularies.qwen2(), "chatml", "{\"prompt\": \"hello\", \"completion\": \"hello\"}")).containsExactlyElementsOf(expected);
    expected.addAll(List.of("\u010A", "<|im_start|>", "user", "\u010A", "x", "<|im_end|>", "\u010A"));
    expected.addAll(header);
    expected.addAll(List.of("+y", "+<|im_end|>"));
    assertThat(one(TestVocabularies.qwen2(), "chatml",
            "{\"messages\": [{\"role\":\"user\",\"content\":\"hello\"},{\"role\":\"assistant\",\"content\":\"hello\"},"
                + "{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"y\"}]}"))
        .containsExactlyElementsOf(expected);
  }

  @Test
  void mistralOnSentencePiece() throws IOException {
    List<String> prompt = List.of("<s>", "\u2581", "[", "I", "N", "S", "T", "]", "\u2581hello", "\u2581", "[", "/", "I", "N", "S", "T", "]");
    List<String> expected = new ArrayList<>(prompt);
    expected.addAll(List.of("+\u2581yes", "+</s>"));
    assertThat(one(TestVocabularies.spm(), "mistral", "{\"prompt\": \"hello\", \"completion\": \"yes\"}")).containsExactlyElementsOf(expected);
    expected.addAll(List.of("\u2581", "[", "I", "N", "S", "T", "]", "\u2581no", "\u2581", "[", "/", "I", "N", "S", "T", "]", "+\u2581no", "+</s>"));
    assertThat(one(TestVocabularies.spm(), "mistral",
            "{\"messages\": [{\"role\":\"user\",\"content\":\"hello\"},{\"role\":\"assistant\",\"content\":\"yes\"},"
                + "{\"role\":\"user\",\"content\":\"no\"},{\"role\":\"assistant\",\"content\":\"no\"}]}"))
        .containsExactlyElementsOf(expected);
  }

  @Test
  void withoutTemplateBosPromptCompletionEos() throws IOException {
    assertThat(one(TestVocabularies.spm(), "none", "{\"prompt\": \"hello?\", \"completion\": \" yes\"}")).containsExactly("<s>", "\u2581hello", "?", "+\u2581yes", "+</s>");
    assertThat(one(TestVocabularies.qwen2(), "none", "{\"prompt\": \"hello\", \"completion\": \" world\"}")).containsExactly("hello", "+\u0120world", "+<|im_end|>");
    assertThat(one(TestVocabularies.llama3(), "none", "{\"prompt\": \"\", \"completion\": \"hello\"}")).containsExactly("<|begin_of_text|>", "+hello", "+<|end_of_text|>");
  }

  @Test
  void aTokenNeverStraddlesTheBound() throws IOException {
    // together "hello" is one token, and " world" too; the model is asked to go on from the prompt's own tokens
    assertThat(one(TestVocabularies.qwen2(), "none", "{\"prompt\": \"he\", \"completion\": \"llo\"}")).containsExactly("he", "+ll", "+o", "+<|im_end|>");
    assertThat(one(TestVocabularies.qwen2(), "none", "{\"prompt\": \"x \", \"completion\": \"world\"}")).containsExactly("x", "\u0120", "+w", "+or", "+ld", "+<|im_end|>");
    assertThat(one(TestVocabularies.spm(), "none", "{\"prompt\": \"he\", \"completion\": \"llo\"}")).containsExactly("<s>", "\u2581", "he", "+ll", "+o", "+</s>");
    assertThat(one(TestVocabularies.spm(), "none", "{\"prompt\": \"x \", \"completion\": \"yes\"}")).containsExactly("<s>", "\u2581", "x", "\u2581", "+yes", "+</s>");
  }

  @Test
  void anEndTokenInTheTextIsNotDoubled() throws IOException {
    assertThat(one(TestVocabularies.spm(), "none", "{\"prompt\": \"hello\", \"completion\": \" yes</s>\"}")).containsExactly("<s>", "\u2581hello", "+\u2581yes", "+</s>");
  }

  @Test
  void theBosOfATextIsKeptOnceAndASecondOneIsCounted() throws IOException {
    Dataset own = read(TestVocabularies.spm(), "none", Kind.SFT, 0, "{\"prompt\": \"<s>hello\", \"completion\": \" yes\"}");
    assertThat(marked(TestVocabularies.spm(), own.examples().get(0))).containsExactly("<s>", "\u2581hello", "+\u2581yes", "+</s>");
    assertThat(own.report().doubledBos().count()).isZero();
    Dataset twice = read(TestVocabularies.spm(), "none", Kind.SFT, 0, "{\"prompt\": \"a\", \"completion\": \" yes\"}", "{\"prompt\": \"<s><s>hello\", \"completion\": \" yes\"}");
    assertThat(marked(TestVocabularies.spm(), twice.examples().get(1))).containsExactly("<s>", "\u2581hello", "+\u2581yes", "+</s>");
    assertThat(twice.report().doubledBos().first()).containsExactly(2);
    Dataset through = read(TestVocabularies.spm(), "mistral", Kind.SFT, 0, "{\"prompt\": \"<s>hello\", \"completion\": \"yes\"}");
    assertThat(through.report().doubledBos().count()).isOne();
  }

  @Test
  void preferencesShareTheirPrompt() throws IOException {
    for (String row :
        List.of(
            "{\"prompt\": \"hello\", \"chosen\": \"yes\", \"rejected\": \"no\"}",
            "{\"prompt\": [{\"role\":\"user\",\"content\":\"hello\"}], \"chosen\": [{\"role\":\"assistant\",\"content\":\"yes\"}], \"rejected\": [{\"role\":\"assistant\",\"content\":\"no\"}]}")) {
      PreferenceExample pair = read(TestVocabularies.spm(), "mistral", Kind.PREFERENCE, 0, row).preferences().get(0);
      Vocabulary v = TestVocabularies.read(TestVocabularies.spm());
      assertThat(v.decode(pair.prompt(), true)).isEqualTo("<s> [INST] hello [/INST]");
      assertThat(v.decode(pair.chosen(), true)).isEqualTo(" yes</s>");
      assertThat(v.decode(pair.rejected(), true)).isEqualTo(" no</s>");
    }
  }

  @Test
  void aPromptAloneIsTheSameAsTheTrainedOne() throws IOException {
    String row = "{\"prompt\": \"hello\", \"completion\": \"yes\"}";
    SftExample trained = read(TestVocabularies.llama3(), "llama3", Kind.SFT, 0, row).sft().get(0);
    PromptExample asked = read(TestVocabularies.llama3(), "llama3", Kind.PROMPT, 0, "{\"prompt\": \"hello\"}").prompts().get(0);
    assertThat(asked.tokens()).isEqualTo(java.util.Arrays.copyOf(trained.tokens(), trained.promptLength()));
    PromptExample chat = read(TestVocabularies.llama3(), "llama3", Kind.PROMPT, 0,
        "{\"messages\": [{\"role\":\"user\",\"content\":\"hello\"},{\"role\":\"assistant\",\"content\":\"no\"}]}").prompts().get(0);
    assertThat(chat.tokens()).isEqualTo(asked.tokens());
  }

  @Test
  void aTemplateWithoutEndTokenGetsAnEos() throws IOException {
    Path bare = Files.writeString(folder.resolve("bare.jinja"), "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}{% if add_generation_prompt %}a:{% endif %}");
    assertThat(one(TestVocabularies.spm(), bare.toString(), "{\"prompt\": \"no\", \"completion\": \"yes\"}"))
        .containsExactly("<s>", "\u2581", "u", ":", "no", "<0x3B>", "a", ":", "+yes", "+<0x3B>", "+</s>");
  }

  @Test
  void theLimitCutsThePromptFirstAndKeepsItsBos() throws IOException {
    String row = "{\"prompt\": \"a b c d e f\", \"completion\": \" yes no\"}";
    TestGguf spm = TestVocabularies.spm();
    Dataset six = read(spm, "none", Kind.SFT, 6, row);
    assertThat(marked(spm, six.examples().get(0))).containsExactly("<s>", "\u2581", "f", "+\u2581yes", "+\u2581no", "+</s>");
    assertThat(six.report().truncatedPrompts().count()).isOne();
    assertThat(six.report().truncatedCompletions().count()).isZero();
    Dataset three = read(spm, "none", Kind.SFT, 3, row);
    assertThat(marked(spm, three.examples().get(0))).containsExactly("<s>", "+\u2581yes", "+\u2581no");
    assertThat(three.report().truncatedCompletions().first()).containsExactly(1);
  }
}
