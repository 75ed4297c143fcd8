package dev.graft.trainer.template;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Calls in texts, whole and in pieces. */
class ToolCallParserTest {
  private static final Map<String, JsonNode> FUNCTIONS = Map.of("f", schema("{}"), "g", schema("{}"), "get_weather", schema("""
      {"type": "object", "$defs": {"unit": {"enum": ["C", "F", "12"]}, "when": {"anyOf": [{"$ref": "#/$defs/day"}, {"type": "null"}]}, "day": {"type": "string"}},
       "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "wind": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "string"}},
         "at": {"type": "object"}, "unit": {"$ref": "#/$defs/unit"}, "when": {"$ref": "#/$defs/when"}, "limit": {"type": ["number", "string"]}, "any": {"description": "d"}}}"""));
  private static final String CODER = "Qwen3-Coder";
  private static final String GLM = "GLM-4.6";
  private static final String HERMES = "Qwen-Qwen3-0.6B";
  private static final String LLAMA = "meta-llama-Llama-3.1-8B-Instruct";
  private static final String NEMO = "mistralai-Mistral-Nemo-Instruct-2407";
  private static final String ARGS = "unsloth-mistral-Devstral-Small-2507";

  private static JsonNode schema(String text) {
    try {
      return new ObjectMapper().readTree(text);
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }

  /** Text as it stands (pieces in a row put together), calls as {@code name(arguments)}. */
  static List<String> heard(ToolCallFormat format, List<String> pieces) {
    return heard(format, pieces, 99);
  }

  private static List<String> heard(ToolCallFormat format, List<String> pieces, int most) {
    List<String> all = new ArrayList<>();
    ToolCallParser parser = new ToolCallParser(format, FUNCTIONS, most, new ToolCallParser.Sink() {
      private boolean text;

      @Override
      public void text(String more) {
        assertThat(more).isNotEmpty();
        if (text) {
          all.set(all.size() - 1, all.get(all.size() - 1) + more);
        } else {
          all.add(more);
        }
        text = true;
      }

      @Override
      public void call(ToolCall call) {
        text = false;
        all.add(call.name() + "(" + call.arguments() + ")");
      }
    });
    pieces.forEach(parser::add);
    parser.finish();
    return all;
  }

  /** A format, a text, and what is heard of it. */
  static Stream<Arguments> texts() {
    return Stream.of(
        of(HERMES, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1, {\"b\": \"}\"}]}}\n</tool_call>", "f({\"a\": [1, {\"b\": \"}\"}]})"),
        of(HERMES, "Let me see.\n<tool_call>{\"arguments\":{},\"name\":\"f\"}</tool_call>\n<tool_call>\n{\"name\":\"g\"}\n</tool_call>\n", "Let me see.", "f({})", "g({})"),
        of(HERMES, "<tool_call>{\"name\": \"f\", \"parameters\": {\"x\": 1.50e3}}</tool_call> and more", "f({\"x\": 1.50e3})", "and more"),
        of(HERMES, "<tool_call>[{\"name\": \"f\", \"arguments\": null}, {\"name\": \"g\", \"arguments\": \"{}\"}]</tool_call>", "f({})", "g({})"),
        of(HERMES, "<tool_call>{\"name\": \"f\", \"arguments\": {}}", "f({})"),
        of(HERMES, "<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_c", "f({})"),
        of(HERMES, "a <b> c < d <tool_cal> e \n f<tool_call", "a <b> c < d <tool_cal> e \n f<tool_call"),
        of(HERMES, "x <tool_call>{\"name\": \"nobody\", \"arguments\": {}}</tool_call>", "x <tool_call>{\"name\": \"nobody\", \"arguments\": {}}</tool_call>"),
        of(HERMES, "x <tool_call>{\"name\": \"f\", \"arguments\": {}</tool_call>", "x <tool_call>{\"name\": \"f\", \"arguments\": {}</tool_call>"),
        of(HERMES, "<tool_call>{\"name\": \"f\", \"arguments\": 5}</tool_call>", "<tool_call>{\"name\": \"f\", \"arguments\": 5}</tool_call>"),
        of(HERMES, "<tool_call>{\"name\": \"f\" \"arguments\": {}}</tool_call>", "<tool_call>{\"name\": \"f\" \"arguments\": {}}</tool_call>"),
        of(HERMES, "<tool_call>nonsense</tool_call> <tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>", "<tool_call>nonsense</tool_call>", "f({})"),
        of(HERMES, "<tool_call><tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>", "<tool_call>", "f({})"),
        of(HERMES, "<tool_call>", "<tool_call>"),
        of(HERMES, "{\"name\": \"f\", \"arguments\": {}}", "{\"name\": \"f\", \"arguments\": {}}"),
        of(HERMES, "<tool_call>get_weather\n<arg_key>city</arg_key>\n</tool_call>", "<tool_call>get_weather\n<arg_key>city</arg_key>\n</tool_call>"),
        of(LLAMA, "{\"name\": \"f\", \"parameters\": {\"a\": \"x\"}}", "f({\"a\": \"x\"})"),
        of(LLAMA, "\n{\"type\": \"function\", \"name\": \"get_weather\", \"parameters\": {}}", "get_weather({})"),
        of(LLAMA, "<|python_tag|>{\"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}}", "f({})", "g({})"),
        of(LLAMA, "<|python_tag|>brave_search.call(query=\"x\")", "<|python_tag|>brave_search.call(query=\"x\")"),
        of(LLAMA, "{\"city\": \"Paris\", \"name\": \"f\"}", "{\"city\": \"Paris\", \"name\": \"f\"}"),
        of(LLAMA, "Sure: {\"name\": \"f\", \"parameters\": {}}", "Sure: {\"name\": \"f\", \"parameters\": {}}"),
        of(LLAMA, "{\"name\": \"f\", \"parameters\": {}", "{\"name\": \"f\", \"parameters\": {}"),
        of(NEMO, "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": 1}, \"id\": \"abc\"}, {\"name\": \"g\", \"arguments\": {}}]", "f({\"a\": 1})", "g({})"),
        of(NEMO, "Hm [TOOL_CALLS]f[ARGS]{\"a\": 1}", "Hm", "f({\"a\": 1})"),
        of(NEMO, "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}}, 5]", "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}}, 5]"),
        of(NEMO, "[TOOL_CALLS][]", "[TOOL_CALLS][]"),
        of(ARGS, "[TOOL_CALLS]f[ARGS]{\"a\": 1}[TOOL_CALLS]get_weather[CALL_ID]123456789[ARGS]{}", "f({\"a\": 1})", "get_weather({})"),
        of(ARGS, "[TOOL_CALLS]get_weathers[ARGS]{}", "[TOOL_CALLS]get_weathers[ARGS]{}"),
        of(ARGS, "[TOOL_CALLS]f", "[TOOL_CALLS]f"),
        of(ARGS, "[TOOL", "[TOOL"),
        of("moonshotai-Kimi-K2", "ok<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>", "ok", "f({})", "g({})"),
        of("meetkai-functionary-medium-v3.1", "<function=f>{\"a\": \"<\"}</function><function=g>{}</function>", "f({\"a\": \"<\"})", "g({})"),
        of("CohereForAI-c4ai-command-r7b-12-2024-tool_use", "<|START_THINKING|>so<|END_THINKING|><|START_ACTION|>[ {\"tool_call_id\": \"0\", \"tool_name\": \"f\", \"parameters\": {}}]<|END_ACTION|>", "<|START_THINKING|>so<|END_THINKING|>", "f({})"),
        of(CODER, "I look.\n<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\n</tool_call>\n", "I look.", "f({\"a\": \"x\"})"),
        of(CODER, "<tool_call><function=f></function></tool_call><function=g><parameter=b>1</parameter></function> end", "f({})", "g({\"b\": 1})", "end"),
        of(CODER, "<function=f>\n<parameter=a>\n\n <b>\n</parameter> \"\\\n\n</parameter>\n</function>", "f({\"a\": \"\\n <b>\\n</parameter> \\\"\\\\\\n\"})"),
        of(CODER, "<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n", "<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n"),
        of(CODER, "<tool_call>\n<function=nobody>\n</function>\n</tool_call>", "<tool_call>\n<function=nobody>\n</function>\n</tool_call>"),
        of(CODER, "<tool_call>\n<function=f>\nwhat\n</function>", "<tool_call>\n<function=f>\nwhat\n</function>"),
        of(CODER, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", "f({})"),
        of(CODER, "a <tool_call> b <function> c", "a <tool_call> b <function> c"),
        of(GLM, "\nHm.\n<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>x\ny</arg_value>\n</tool_call>\n<tool_call>g</tool_call>", "\nHm.", "f({\"a\": \"x\\ny\"})", "g({})"),
        of(GLM, "<tool_call>f<arg_key>a</arg_key><arg_value></arg_value><arg_key>b</arg_key><arg_value>[1, {}]</arg_value></tool_call>", "f({\"a\": \"\", \"b\": [1, {}]})"),
        of(GLM, "<tool_call>f\n<arg_key>a</arg_key>\n<arg_val", "<tool_call>f\n<arg_key>a</arg_key>\n<arg_val"),
        of(GLM, "<tool_call>f\n{\"a\": 1}\n</tool_call>", "<tool_call>f\n{\"a\": 1}\n</tool_call>"),
        of("llama-cpp-lfm2", "{\"name\": \"f\", \"arguments\": {}}", "f({})"));
  }

  private static Arguments of(String template, String text, String... expected) {
    return Arguments.of(template, text, List.of(expected));
  }

  @ParameterizedTest
  @MethodSource("texts")
  void everySplitGivesTheSame(String template, String text, List<String> expected) {
    ToolCallFormat format = ToolCallFormatTest.of(template);
    assertThat(heard(format, List.of(text))).isEqualTo(expected);
    assertThat(heard(format, List.of(text.split("")))).as("letter by letter").isEqualTo(expected);
    for (int i = 0; i <= text.length(); i++) {
      for (int j = i; j <= text.length(); j++) {
        assertThat(heard(format, List.of(text.substring(0, i), text.substring(i, j), text.substring(j)))).as("cut at %d and %d", i, j).isEqualTo(expected);
      }
    }
  }

  /** Of a function with a schema. */
  static Stream<Arguments> typed() {
    return Stream.of(
        Arguments.of("city", "5", "\"5\""), Arguments.of("city", "null", "\"null\""), Arguments.of("city", " x ", "\" x \""), Arguments.of("days", " 05.50 ", "\" 05.50 \""),
        Arguments.of("days", "12", "12"), Arguments.of("days", "1e3", "1e3"), Arguments.of("days", "soon", "\"soon\""), Arguments.of("wind", "True", "true"),
        Arguments.of("wind", "false", "false"), Arguments.of("tags", " [\"a\", 1.50]", "[\"a\", 1.50]"), Arguments.of("tags", "[\"a\"", "\"[\\\"a\\\"\""),
        Arguments.of("at", "{\"x\": {}}", "{\"x\": {}}"), Arguments.of("unit", "12", "\"12\""), Arguments.of("unit", "C", "\"C\""), Arguments.of("when", "None", "null"),
        Arguments.of("when", "null", "null"), Arguments.of("when", "3", "\"3\""), Arguments.of("limit", "3", "3"), Arguments.of("limit", "true", "\"true\""),
        Arguments.of("any", "true", "true"), Arguments.of("any", "\"q\"", "\"\\\"q\\\"\""), Arguments.of("any", "1 2", "\"1 2\""), Arguments.of("other", "7", "7"), Arguments.of("any", "", "\"\""),
        Arguments.of("tags", "[".repeat(3000), "\"" + "[".repeat(3000) + "\""));
  }

  @ParameterizedTest
  @MethodSource("typed")
  void textsBecomeWhatTheSchemaSays(String name, String text, String json) {
    String expected = "get_weather({\"" + name + "\": " + json + "})";
    String coder = "<tool_call>\n<function=get_weather>\n<parameter=" + name + ">\n" + text + "\n</parameter>\n</function>\n</tool_call>";
    assertThat(heard(ToolCallFormatTest.of(CODER), List.of(coder))).containsExactly(expected);
    assertThat(heard(ToolCallFormatTest.of(GLM), List.of("<tool_call>get_weather\n<arg_key>" + name + "</arg_key>\n<arg_value>" + text + "</arg_value>\n</tool_call>"))).containsExactly(expected);
  }

  @Test
  void onlySoManyCallsAreToldOf() {
    String two = "<tool_call>{\"name\": \"f\"}</tool_call><tool_call>{\"name\": \"g\"}</tool_call>";
    assertThat(heard(ToolCallFormatTest.of(HERMES), List.of(two), 1)).containsExactly("f({})");
  }

  @Test
  void textIsHandedOnAsItComes() {
    List<String> told = new ArrayList<>();
    ToolCallParser parser = new ToolCallParser(ToolCallFormatTest.of(HERMES), FUNCTIONS, 9, new ToolCallParser.Sink() {
      @Override
      public void text(String more) {
        told.add(more);
      }

      @Override
      public void call(ToolCall call) {
        told.add(call.name());
      }
    });
    parser.add("Hello");
    assertThat(told).containsExactly("Hello");
    parser.add(" a <to");
    assertThat(told).containsExactly("Hello", " a");
    parser.add("ken>");
    assertThat(told).containsExactly("Hello", " a", " <token>");
    parser.add(" <tool_call>{\"name\": \"f\", ");
    parser.add("\"arguments\": {}");
    assertThat(told).hasSize(3);
    parser.add("}");
    assertThat(told).hasSize(4).last().isEqualTo("f");
  }
}
