package dev.graft.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.template.ChatTemplate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ConversationTest {
  private static final Set<String> ENDS = new LinkedHashSet<>(List.of("</s>", "<|im_end|>", "<|eot_id|>"));
  private static final List<Map<String, Object>> TWO_TURNS =
      List.of(turn("user", "Q1"), turn("assistant", "A1"), turn("user", "Q2"), turn("assistant", "A2"));

  private static Map<String, Object> turn(String role, String content) {
    return Map.of("role", role, "content", content);
  }

  private static Conversation with(String source) {
    return new Conversation(ChatTemplate.of("test", source, "<s>", "</s>"), ENDS, Map.of());
  }

  private static List<String> learnt(Script script) {
    return script.spans().stream().filter(Span::learnt).map(Span::text).toList();
  }

  @Test
  void plainTemplatesAreCutAtHeadersAndEnds() throws Exception {
    Conversation chatml = with("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
    Script script = chatml.chat(TWO_TURNS);
    assertThat(script.spans().get(0)).isEqualTo(new Span("<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\n", false));
    assertThat(learnt(script)).containsExactly("A1<|im_end|>", "A2<|im_end|>");
    assertThat(script.text()).startsWith("<|im_start|>user\nQ1").endsWith("A2<|im_end|>\n");
    assertThat(learnt(chatml.chat(List.of(turn("assistant", "A1"), turn("user", "Q"))))).containsExactly("A1<|im_end|>");
    assertThat(learnt(chatml.chat(List.of(turn("user", "Q"))))).isEmpty();
  }

  @Test
  void aTemplateThatAlwaysWritesTheNextHeader() throws Exception {
    String source = "{% for m in messages %}<|h|>{{ m.role }}\n\n{{ m.content }}<|eot_id|>{% endfor %}{{ '<|h|>assistant\n\n' }}";
    assertThat(learnt(with(source).chat(TWO_TURNS))).containsExactly("A1<|eot_id|>", "A2<|eot_id|>");
    Script answer = with(source).answer(TWO_TURNS.subList(0, 1), TWO_TURNS.subList(1, 2));
    assertThat(answer.spans()).containsExactly(new Span("<|h|>user\n\nQ1<|eot_id|><|h|>assistant\n\n", false), new Span("A1<|eot_id|>", true));
    String endless = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>";
    assertThat(learnt(with(endless).chat(TWO_TURNS))).containsExactly("A1", "A2");
  }

  @Test
  void aTemplateThatWritesTheLastTurnDifferently() throws Exception {
    String qwen3 =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if loop.last and m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
    assertThat(learnt(with(qwen3).chat(TWO_TURNS))).containsExactly("A1<|im_end|>", "<think>\n\n</think>\n\nA2<|im_end|>");
    String mistral =
        "<s>{% for m in messages %}{% if m.role == 'user' %}[INST] {% if loop.revindex <= 2 %}SYSTEM {% endif %}{{ m.content }} [/INST]{% else %} {{ m.content | trim }}</s>{% endif %}{% endfor %}";
    assertThat(learnt(with(mistral).chat(TWO_TURNS))).containsExactly(" A1</s>", " A2</s>");
  }

  @Test
  void aPromptThatEndsWithMoreThanTheTurnsHeader() throws Exception {
    String reasoning =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";
    Conversation conversation = with(reasoning);
    Script answer = conversation.answer(List.of(turn("user", "Q1")), List.of(turn("assistant", "A1")));
    assertThat(answer.spans()).containsExactly(new Span("<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\n<think>\n", false), new Span("A1<|im_end|>", true));
    assertThat(learnt(conversation.chat(TWO_TURNS))).containsExactly("A1<|im_end|>", "A2<|im_end|>");
  }

  @Test
  void whatCannotBeToldIsRefused() {
    String upper = "{% for m in messages %}{% if not loop.last %}{{ m.content | upper | reverse }}{% else %}{{ m.content }}{% endif %};{% endfor %}{% if add_generation_prompt %}a:{% endif %}";
    assertThatThrownBy(() -> with(upper).chat(TWO_TURNS)).isInstanceOf(Conversation.Refusal.class).hasMessageContaining("messages[1]").hasMessageContaining("--template chatml");
    assertThatThrownBy(() -> with("{{ raise_exception('no system role') }}").chat(TWO_TURNS)).hasMessageContaining("refuses the messages: no system role");
    assertThatThrownBy(() -> with("{{ nothing.at.all }}").chat(TWO_TURNS)).hasMessageContaining("fails on the messages");
  }

  @Test
  void anAnswerThatTheTemplateDoesNotWriteIsTakenAsItIs() throws Exception {
    String unwritten = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %} A:";
    assertThat(with(unwritten).answer(List.of(turn("user", "Q1")), List.of(turn("assistant", "yes"))).spans()).containsExactly(new Span("Q1 A:", false), new Span("yes", true));
  }
}
