package dev.graft.trainer.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.tokenizer.TestVocabularies;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Formats as templates of real models show them. */
class ToolCallFormatTest {
  private static final Vocabulary PLAIN = TestVocabularies.read(TestVocabularies.llama3());
  private static JsonNode templates;

  static synchronized ToolCallFormat of(String name) {
    try {
      if (templates == null) {
        templates = new ObjectMapper().readTree(new GZIPInputStream(ToolCallFormatTest.class.getResourceAsStream("/jinja/templates.json.gz")));
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return ToolCallFormat.of(ChatTemplate.of(name, templates.path(name).textValue(), "<s>", "</s>"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '~', quoteCharacter = '`', value = {
    "Qwen-Qwen2.5-7B-Instruct ~ true ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call> ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call>|<tool_call>|{'name': '#', 'arguments': @}|</tool_call>",
    "Qwen-Qwen3-0.6B ~ true ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call> ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call>|<tool_call>|{'name': '#', 'arguments': @}|</tool_call>",
    "Qwen-QwQ-32B ~ true ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call> ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call>|<tool_call>|{'name': '#', 'arguments': @}|</tool_call>",
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use ~ true ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call> ~ <tool_call>|{'name': '#', 'arguments': @}|</tool_call>|<tool_call>|{'name': '#', 'arguments': @}|</tool_call>",
    "meta-llama-Llama-3.1-8B-Instruct ~ true ~ {'name': '#', 'parameters': @} ~ -",
    "meta-llama-Llama-3.2-3B-Instruct ~ true ~ {'name': '#', 'parameters': @} ~ -",
    "mistralai-Mistral-Nemo-Instruct-2407 ~ true ~ [TOOL_CALLS][{'name': '#', 'arguments': @}] ~ [TOOL_CALLS][{'name': '#', 'arguments': @}, {'name': '#', 'arguments': @}]",
    "t_Mistral-Large-Instruct-2407_mistralai_v3_template_ ~ true ~ [TOOL_CALLS] [{'name': '#', 'arguments': @}] ~ [TOOL_CALLS] [{'name': '#', 'arguments': @}, {'name': '#', 'arguments': @}]",
    "Mistral-Small-3.2-24B-Instruct-2506 ~ true ~ [TOOL_CALLS]#[ARGS]@ ~ [TOOL_CALLS]#[ARGS]@[TOOL_CALLS]#[ARGS]@",
    "unsloth-mistral-Devstral-Small-2507 ~ true ~ [TOOL_CALLS]#[ARGS]@ ~ [TOOL_CALLS]#[ARGS]@[TOOL_CALLS]#[ARGS]@",
    "NVIDIA-Nemotron-Nano-v2 ~ true ~ <TOOLCALL>[{'name': '#', 'arguments': @}]</TOOLCALL><SPECIAL_12> ~ <TOOLCALL>[{'name': '#', 'arguments': @}, {'name': '#', 'arguments': @}]</TOOLCALL><SPECIAL_12>",
    "unsloth-Apriel-1.5 ~ false ~ <tool_calls>[{'name': '#', 'arguments': @}]</tool_calls> ~ <tool_calls>[{'name': '#', 'arguments': @}, {'name': '#', 'arguments': @}]</tool_calls>",
    "meetkai-functionary-medium-v3.1 ~ false ~ <function=#>@</function> ~ <function=#>@</function><function=#>@</function>",
    "moonshotai-Kimi-K2 ~ true ~ <|tool_calls_section_begin|><|tool_call_begin|>functions.#:0<|tool_call_argument_begin|>@<|tool_call_end|><|tool_calls_section_end|> ~ <|tool_calls_section_begin|><|tool_call_begin|>functions.#:0<|tool_call_argument_begin|>@<|tool_call_end|><|tool_call_begin|>functions.#:0<|tool_call_argument_begin|>@<|tool_call_end|><|tool_calls_section_end|>",
    "ibm-granite-granite-3.3-2B-Instruct ~ true ~ <|tool_call|>[{'name': '#', 'arguments': @}] ~ <|tool_call|>[{'name': '#', 'arguments': @}, {'name': '#', 'arguments': @}]",
    "llama-cpp-lfm2 ~ true ~ {'name': '#', 'arguments': @} ~ -",
  })
  void whatTemplatesShowIsWhatIsReadAgain(String template, boolean objects, String one, String two) {
    ToolCallFormat format = of(template);
    assertThat(format.objectArguments()).isEqualTo(objects);
    String call = format.first() + "#" + format.middle() + "@";
    String last = format.last(PLAIN);
    boolean piped = template.startsWith("moonshot") || template.startsWith("ibm");
    assertThat(call + last).isEqualTo(written(one, piped));
    assertThat(format.next().map(next -> call + next + "#" + format.middle() + "@" + last).orElse("-")).isEqualTo(written(two, piped));
    for (String text : List.of(call + last, two.equals("-") ? call + last : call + format.next().orElseThrow() + "#" + format.middle() + "@" + last)) {
      List<String> heard = ToolCallParserTest.heard(format, List.of(text.replace("#", "f").replace("@", "{\"a\": \"}\\\"{\"}")));
      assertThat(heard).hasSize(text.split("@", -1).length - 1).containsOnly("f({\"a\": \"}\\\"{\"})");
    }
  }

  private static String written(String text, boolean piped) {
    String quoted = text.replace('\'', '"');
    return piped ? quoted : quoted.replace('|', '\n');
  }

  @Test
  void everyTemplateWithToolsHasAFormat() throws IOException {
    of("Qwen-Qwen3-0.6B");
    List<String> names = new ArrayList<>();
    templates.properties().stream().filter(entry -> entry.getValue().textValue().contains("tools") && !entry.getKey().startsWith("z_")).forEach(entry -> names.add(entry.getKey()));
    assertThat(names).hasSizeGreaterThan(25).allSatisfy(name -> {
      ToolCallFormat format = of(name);
      String text = format.first() + "f" + format.middle() + format.arguments().map(ArgumentTexts::end).orElse("{}") + format.last(PLAIN);
      assertThat(ToolCallParserTest.heard(format, List.of(text))).as(text).containsExactly("f({})");
    });
  }

  /** {@code #} a name, {@code %} a key, {@code @} a value, {@code |} a line feed. */
  @ParameterizedTest
  @CsvSource(delimiter = '~', quoteCharacter = '`', value = {
    "Qwen3-Coder ~ <tool_call>|<function=#>|<parameter=%>|@|</parameter>|<parameter=%>|@|</parameter>|</function>|</tool_call> ~ |<tool_call>|<function=#>|</function>|</tool_call>",
    "GLM-4.6 ~ <tool_call>#|<arg_key>%</arg_key>|<arg_value>@</arg_value>|<arg_key>%</arg_key>|<arg_value>@</arg_value>|</tool_call> ~ |<tool_call>#|</tool_call>",
    "MiniMax-M2 ~ <minimax:tool_call>|<invoke name=\"#\">|<parameter name=\"%\">@</parameter>|<parameter name=\"%\">@</parameter>|</invoke> ~ |<invoke name=\"#\">|</invoke>|</minimax:tool_call>",
    "ByteDance-Seed-OSS ~ <seed:tool_call>|<function=#>|<parameter=%>@</parameter>|<parameter=%>@</parameter>|</function>|</seed:tool_call> ~ |<seed:tool_call>|<function=#>|</function>|</seed:tool_call>",
  })
  void argumentsInTags(String template, String first, String then) {
    ToolCallFormat format = of(template);
    assertThat(format.objectArguments()).isTrue();
    ArgumentTexts texts = format.arguments().orElseThrow();
    String argument = texts.open() + "%" + texts.then() + "@" + texts.close();
    String call = format.first() + "#" + format.middle() + argument + argument + texts.end();
    String all = call + format.next().orElseThrow() + "#" + format.middle() + texts.end() + format.last(PLAIN);
    String wanted = (first + then).replace('|', '\n');
    assertThat(all.replaceAll("\\n+", "\n")).isEqualTo(wanted.replaceAll("\\n+", "\n"));
    for (String text : List.of(all, wanted, wanted.replace("\n", ""))) {
      String filled = text.replaceFirst("%", "a").replaceFirst("%", "b").replaceFirst("@", "x <y>").replaceFirst("@", "7").replace("#", "f");
      assertThat(ToolCallParserTest.heard(format, List.of(filled))).as(filled).containsExactly("f({\"a\": \"x <y>\", \"b\": 7})", "f({})");
    }
  }

  @Test
  void markersThatATemplateMentionsBeginCallsToo() {
    assertThat(of("Qwen3-Coder").openers()).contains("<tool_call>", "<function=");
    assertThat(of("meta-llama-Llama-3.1-8B-Instruct").openers()).contains("<|python_tag|>");
    assertThat(of("Qwen-Qwen3-0.6B").arguments()).isEmpty();
  }

  @Test
  void specialTokensOfCallsAreShown() {
    Vocabulary vocabulary = TestVocabularies.read(TestVocabularies.bpe("tekken", "<s>", "</s>", "<s>", "</s>", "[TOOL_CALLS]", "[ARGS]", "[INST]"));
    assertThat(of("unsloth-mistral-Devstral-Small-2507").shown(vocabulary)).extracting(vocabulary::text).containsExactlyInAnyOrder("[TOOL_CALLS]", "[ARGS]");
    assertThat(of("Qwen-Qwen3-0.6B").shown(vocabulary)).isEmpty();
  }
}
