package dev.graft.trainer.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.bindings.UsageException;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChatTemplateTest {
  @TempDir Path folder;
  private static final List<Map<String, Object>> CHAT =
      List.of(Map.of("role", "system", "content", "S"), Map.of("role", "user", "content", "Q"), Map.of("role", "assistant", "content", "A"), Map.of("role", "user", "content", "R"));

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "chatml ~ <|im_start|>system\\nS<|im_end|>\\n<|im_start|>user\\nQ<|im_end|>\\n<|im_start|>assistant\\nA<|im_end|>\\n<|im_start|>user\\nR<|im_end|>\\n<|im_start|>assistant\\n",
        "llama3 ~ <s><|start_header_id|>system<|end_header_id|>\\n\\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\\n\\nQ<|eot_id|><|start_header_id|>assistant<|end_header_id|>\\n\\nA<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\\n\\nR<|eot_id|><|start_header_id|>assistant<|end_header_id|>\\n\\n",
        "mistral ~ <s>[INST] S\\n\\nQ [/INST] A</s>[INST] R [/INST]",
        "llama2 ~ <s>[INST] <<SYS>>\\nS\\n<</SYS>>\\n\\nQ [/INST] A </s><s>[INST] R [/INST]",
        "zephyr ~ <|system|>\\nS</s>\\n<|user|>\\nQ</s>\\n<|assistant|>\\nA</s>\\n<|user|>\\nR</s>\\n<|assistant|>\\n",
        "phi3 ~ <|system|>\\nS<|end|>\\n<|user|>\\nQ<|end|>\\n<|assistant|>\\nA<|end|>\\n<|user|>\\nR<|end|>\\n<|assistant|>\\n",
        "gemma ~ <s><start_of_turn>user\\nS\\n\\nQ<end_of_turn>\\n<start_of_turn>model\\nA<end_of_turn>\\n<start_of_turn>user\\nR<end_of_turn>\\n<start_of_turn>model\\n",
        "vicuna ~ <s>S\\n\\nUSER: Q\\nASSISTANT: A</s>\\nUSER: R\\nASSISTANT:",
        "alpaca ~ <s>S\\n\\n### Instruction:\\nQ\\n\\n### Response:\\nA</s>\\n\\n### Instruction:\\nR\\n\\n### Response:\\n",
      })
  void builtInTemplates(String name, String expected) {
    assertThat(ChatTemplate.named(name, "<s>", "</s>").render(CHAT, true, Map.of())).isEqualTo(expected.replace("\\n", "\n"));
  }

  @Test
  void everyBuiltInTemplateIsTested() {
    assertThat(ChatTemplate.names()).containsExactlyInAnyOrder("chatml", "llama3", "mistral", "llama2", "zephyr", "phi3", "gemma", "vicuna", "alpaca");
  }

  @Test
  void theOptionChooses() throws IOException {
    Path model = Path.of("m.gguf");
    Vocabulary without = TestVocabularies.read(TestVocabularies.spm());
    Vocabulary with = TestVocabularies.read(TestVocabularies.spm().put("tokenizer.chat_template", "{{ bos_token }}!{{ eos_token }}"));
    assertThat(ChatTemplate.resolve("auto", without, model)).isEmpty();
    assertThat(ChatTemplate.resolve("none", with, model)).isEmpty();
    assertThat(ChatTemplate.resolve("auto", with, model).orElseThrow().render(CHAT, true, Map.of())).isEqualTo("<s>!</s>");
    Path file = Files.writeString(folder.resolve("t.jinja"), "{{ messages | length }}");
    assertThat(ChatTemplate.resolve(file.toString(), with, model).orElseThrow().render(CHAT, true, Map.of())).isEqualTo("4");
    assertThatThrownBy(() -> ChatTemplate.resolve("chatmk", with, model)).isInstanceOf(UsageException.class).hasMessageContaining("--template chatmk").hasMessageContaining("chatml");
  }

  @Test
  void aBrokenTemplateIsNamed() throws IOException {
    Vocabulary broken = TestVocabularies.read(TestVocabularies.spm().put("tokenizer.chat_template", "{% if %}"));
    assertThatThrownBy(() -> ChatTemplate.resolve("auto", broken, Path.of("m.gguf"))).isInstanceOf(DataException.class).hasMessageContaining("m.gguf: the chat template does not parse").hasMessageContaining("--template");
    Path latin = Files.write(folder.resolve("l.jinja"), new byte[] {(byte) 0xE9});
    assertThatThrownBy(() -> ChatTemplate.named(latin.toString(), "", "")).hasMessageContaining("not UTF-8");
  }

  @Test
  void theClockCanBeSet() {
    ChatTemplate template = ChatTemplate.of("t", "{{ strftime_now('%Y-%m-%d') }}", "", "").withClock(Clock.fixed(Instant.parse("2025-07-04T09:05:03Z"), ZoneOffset.UTC));
    assertThat(template.render(CHAT, false, Map.of())).isEqualTo("2025-07-04");
  }
}
