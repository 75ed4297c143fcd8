package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.ConstraintState;
import dev.graft.trainer.constrain.TokenConstraint;
import dev.graft.trainer.template.ChatTemplate;
import dev.graft.trainer.template.ToolCall;
import dev.graft.trainer.template.ToolCallFormat;
import dev.graft.trainer.template.ToolCallParser;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/** Answers that the form of calls allows, written by a model that knows nothing, are read back as calls: for the templates of real models. */
class ToolSupportTest {
  private static final Path TEMPLATES = Path.of("../trainer/src/test/resources/jinja/templates.json.gz");
  private static final Vocabulary VOCABULARY = FakeServer.VOCABULARY;

  private static Tool tool(String name, String schema, boolean strict) throws IOException {
    return new Tool(name, Fields.JSON.readTree(schema), strict, "tools");
  }

  /** A random answer, whole. */
  private static String answer(TokenConstraint constraint, Random random) {
    ConstraintState state = constraint.start();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    while (!state.finished()) {
      int[] allowed = BitSet.valueOf(state.allowed()).stream().toArray();
      int[] text = Arrays.stream(allowed).filter(id -> !VOCABULARY.endOfGeneration().contains(id)).toArray();
      boolean ends = text.length == 0 || text.length < allowed.length && random.nextBoolean();
      int token = ends ? VOCABULARY.endOfGeneration().iterator().next() : text[random.nextInt(text.length)];
      state.accept(token);
      if (!VOCABULARY.endOfGeneration().contains(token)) {
        out.writeBytes(VOCABULARY.piece(token));
      }
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  private static final class Gathered implements ToolCallParser.Sink {
    final StringBuilder text = new StringBuilder();
    final List<ToolCall> calls = new ArrayList<>();

    @Override
    public void text(String more) {
      text.append(more);
    }

    @Override
    public void call(ToolCall call) {
      calls.add(call);
    }
  }

  private static Gathered read(ToolUse use, String answer) {
    Gathered gathered = new Gathered();
    ToolCallParser parser = use.parser(gathered);
    parser.add(answer);
    parser.finish();
    return gathered;
  }

  @Test
  void whatIsForcedIsReadBack() throws IOException {
    JsonNode templates;
    try (InputStream in = new GZIPInputStream(Files.newInputStream(TEMPLATES))) {
      templates = Fields.JSON.readTree(in);
    }
    List<Tool> tools = List.of(tool("lamp", "{\"type\":\"object\",\"properties\":{\"on\":{\"type\":\"boolean\"},\"room\":{\"enum\":[\"}<[{\",\"hall\"]}},\"required\":[\"on\",\"room\"]}", true),
        tool("lamps", "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}", false));
    VocabularyForms forms = new VocabularyForms(VOCABULARY);
    Random random = new Random(8);
    int seen = 0;
    for (var entry : templates.properties()) {
      if (!entry.getValue().textValue().contains("tools") || entry.getKey().startsWith("z_")) {
        continue;
      }
      seen++;
      ToolSupport support = new ToolSupport(ToolCallFormat.of(ChatTemplate.of(entry.getKey(), entry.getValue().textValue(), "<s>", "</s>")), VOCABULARY);
      boolean several = false;
      for (int i = 0; i < 12; i++) {
        ToolUse use = new ToolUse(support, tools, i < 2 ? 1 : Integer.MAX_VALUE, true);
        String answer = answer(forms.calls(use), random);
        Gathered gathered = read(use, answer);
        assertThat(gathered.text).as("%s: %s", entry.getKey(), answer).isEmpty();
        assertThat(gathered.calls).as("%s: %s", entry.getKey(), answer).isNotEmpty();
        several |= gathered.calls.size() > 1;
        for (ToolCall call : gathered.calls) {
          JsonNode arguments = Fields.JSON.readTree(call.arguments());
          assertThat(arguments.size()).as(call.toString()).isEqualTo(call.name().equals("lamp") ? 2 : 0);
        }
      }
      assertThat(several).as(entry.getKey()).isEqualTo(support.format().next().isPresent());
    }
    assertThat(seen).isGreaterThan(25);
  }

  /** Strings of all kinds where arguments stand in tags. */
  @Test
  void argumentsInTagsFollowTheirSchema() throws IOException {
    JsonNode templates;
    try (InputStream in = new GZIPInputStream(Files.newInputStream(TEMPLATES))) {
      templates = Fields.JSON.readTree(in);
    }
    String schema = """
        {"type": "object", "additionalProperties": false, "required": ["text", "code", "short", "n"], "$defs": {"code": {"type": "string", "pattern": "^[a-c<]{2}>?$"}},
         "properties": {"text": {"type": "string", "maxLength": 25}, "code": {"$ref": "#/$defs/code"}, "short": {"type": "string", "minLength": 2, "maxLength": 40},
           "n": {"type": "integer", "minimum": 0, "maximum": 9}, "maybe": {"anyOf": [{"type": "null"}, {"type": "string", "enum": ["\\n", "null", "</parameter>", "</arg_value>"]}]},
           "list": {"type": "array", "items": {"type": "boolean"}}}}""";
    Random random = new Random(5);
    VocabularyForms forms = new VocabularyForms(VOCABULARY);
    int optional = 0;
    for (String name : List.of("Qwen3-Coder", "GLM-4.6", "MiniMax-M2", "ByteDance-Seed-OSS")) {
      ToolSupport support = new ToolSupport(ToolCallFormat.of(ChatTemplate.of(name, templates.path(name).textValue(), "<s>", "</s>")), VOCABULARY);
      for (int i = 0; i < 12; i++) {
        ToolUse use = new ToolUse(support, List.of(tool("f", schema, true)), 1, true);
        String answer = answer(forms.calls(use), random);
        Gathered gathered = read(use, answer);
        assertThat(gathered.text).as(answer).isEmpty();
        assertThat(gathered.calls).as(answer).hasSize(1);
        JsonNode arguments = Fields.JSON.readTree(gathered.calls.get(0).arguments());
        assertThat(arguments.path("text").isTextual()).as(answer).isTrue();
        assertThat(answer).as("as it is").contains(arguments.path("text").textValue());
        assertThat(arguments.path("code").asText()).matches("[a-c<]{2}>?");
        assertThat(arguments.path("short").asText().codePoints().count()).isBetween(2L, 40L);
        assertThat(arguments.path("n").isIntegralNumber()).as(answer).isTrue();
        if (arguments.has("maybe")) {
          assertThat(arguments.get("maybe").asText()).isIn("null", "\n", "</parameter>", "</arg_value>").isNotEqualTo(support.format().arguments().orElseThrow().closer());
        }
        optional += arguments.has("list") && arguments.get("list").isArray() ? 1 : 0;
      }
    }
    assertThat(optional).isPositive();
    ToolSupport coder = new ToolSupport(ToolCallFormat.of(ChatTemplate.of("Qwen3-Coder", templates.path("Qwen3-Coder").textValue(), "<s>", "</s>")), VOCABULARY);
    ToolUse both = new ToolUse(coder, List.of(tool("f", "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"required\":[\"a\"]}", true), tool("free", "{\"type\":\"object\"}", false)), 1, false);
    for (String call : List.of("f>\n<parameter=a>\n\n</param>\n</parameter>\n", "free>\n<parameter=x_y>\n[1, \n</parameter>\n<parameter=z>\n\n</parameter>\n", "free>\n")) {
      String answer = "Well.<tool_call>\n<function=" + call + "</function>\n</tool_call>";
      assertThat(allowed(forms.calls(both).start(), answer)).as(answer).isEqualTo(answer.length());
      assertThat(read(both, answer).calls).as(answer).hasSize(1);
    }
    for (String call : List.of("f>\n", "f>\n<parameter=b>", "f>\n<parameter=a>\nx\n</parameter>\n<parameter=")) {
      String answer = "<tool_call>\n<function=" + call;
      assertThat(allowed(forms.calls(both).start(), answer + "</function>")).as(answer).isLessThan(answer.length() + 2);
    }
  }

  @Test
  void aStrictFunctionsCallsFollowItsSchemaAlsoInFreeText() throws IOException {
    ToolSupport support = FakeServer.TOOLS;
    ToolUse use = new ToolUse(support, List.of(tool("lamp", "{\"type\":\"object\",\"properties\":{\"on\":{\"type\":\"boolean\"}},\"required\":[\"on\"]}", true)), 1, false);
    ConstraintState state = new VocabularyForms(VOCABULARY).calls(use).start();
    String call = "Well. <tool_call>\n{\"name\": \"lamp\", \"arguments\": {\"on\": true}}\n</tool_call>";
    for (char c : call.toCharArray()) {
      int token = letter(c);
      assertThat(state.allowed()[token >> 6] >> token & 1).as(call).isEqualTo(1);
      state.accept(token);
    }
    assertThat(state.finished()).isTrue();
    ConstraintState wrong = new VocabularyForms(VOCABULARY).calls(use).start();
    for (char c : "<tool_call>".toCharArray()) {
      wrong.accept(letter(c));
    }
    int other = letter('x');
    assertThat(wrong.allowed()[other >> 6] >> other & 1).as("a line feed must follow").isZero();
  }

  /** How many letters of an answer are allowed. */
  private static int allowed(ConstraintState state, String answer) {
    for (int i = 0; i < answer.length(); i++) {
      int token = letter(answer.charAt(i));
      if ((state.allowed()[token >> 6] >> token & 1) == 0) {
        return i;
      }
      state.accept(token);
    }
    return answer.length();
  }

  private static int letter(char c) {
    for (int id = 0; id < VOCABULARY.size(); id++) {
      if (VOCABULARY.pieceBytes(id) == 1 && VOCABULARY.piece(id)[0] == c) {
        return id;
      }
    }
    throw new AssertionError("no token for " + c);
  }
}
