package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.constrain.ConstraintState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calls of functions over the API, in front of an engine whose answers are known. */
@Timeout(60)
class ToolCallsTest {
  private static final String TOOLS = "'tools':[{'type':'function','function':{'name':'weather','description':'d','strict':false,'parameters':{'type':'object','properties':{'city':{'type':'string'}},"
      + "'required':['city'],'additionalProperties':false}}},{'type':'function','function':{'name':'now'}}]";
  private static final String CALL = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>";

  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = FakeServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** A text in pieces of so many letters. */
  private static List<String> pieces(String text, int length) {
    List<String> pieces = new ArrayList<>();
    for (int i = 0; i < text.length(); i += length) {
      pieces.add(text.substring(i, Math.min(text.length(), i + length)));
    }
    return pieces;
  }

  /** What a client makes of a stream: {@code content}, calls, and how it ended. Looks at the order too. */
  private static Map<String, Object> gathered(List<String> events) {
    StringBuilder content = new StringBuilder();
    List<String> calls = new ArrayList<>();
    String reason = null;
    assertThat(events.get(events.size() - 1)).isEqualTo("[DONE]");
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode choice = json(event).at("/choices/0");
      content.append(choice.at("/delta/content").asText(""));
      for (JsonNode delta : choice.at("/delta/tool_calls")) {
        int index = delta.path("index").asInt();
        if (index == calls.size()) {
          assertThat(delta.path("id").asText()).matches("[A-Za-z0-9]{9}");
          assertThat(delta.path("type").asText()).isEqualTo("function");
          calls.add(delta.at("/function/name").asText() + " ");
        } else {
          assertThat(delta.has("id") || delta.path("function").has("name")).isFalse();
        }
        calls.set(index, calls.get(index) + delta.at("/function/arguments").asText());
      }
      reason = choice.path("finish_reason").asText(reason);
    }
    return Map.of("content", content.toString(), "calls", calls, "reason", reason);
  }

  @Test
  void aCallIsTakenOutOfTheText() {
    server.engine.says = pieces("Let me see.\n" + CALL, 3);
    JsonNode choice = server.chat(TOOLS).json().at("/choices/0");
    assertThat(choice.path("finish_reason").asText()).isEqualTo("tool_calls");
    assertThat(choice.at("/message/content").asText()).isEqualTo("Let me see.");
    JsonNode call = choice.at("/message/tool_calls/0");
    assertThat(call.path("id").asText()).matches("[A-Za-z0-9]{9}");
    assertThat(call.path("type").asText()).isEqualTo("function");
    assertThat(call.at("/function/name").asText()).isEqualTo("weather");
    assertThat(call.at("/function/arguments").textValue()).isEqualTo("{\"city\": \"Paris\"}");
    assertThat(server.engine.taken.get(0).constraint()).as("auto is free").isNull();
    server.engine.says = List.of(CALL);
    assertThat(server.chat(TOOLS).json().at("/choices/0/message/content").isNull()).isTrue();
  }

  @Test
  void severalCallsHaveTheirOwnIds() {
    server.engine.says = pieces(CALL + "\n<tool_call>\n{\"name\": \"now\"}\n</tool_call>\n", 7);
    JsonNode calls = server.chat(TOOLS).json().at("/choices/0/message/tool_calls");
    assertThat(calls.findValuesAsText("name")).containsExactly("weather", "now");
    assertThat(new HashSet<>(calls.findValuesAsText("id"))).hasSize(2);
    assertThat(server.chat(TOOLS + ",'parallel_tool_calls':false").json().at("/choices/0/message/tool_calls")).hasSize(1);
    assertThat(gathered(server.chat(TOOLS + ",'stream':true").events())).containsEntry("calls", List.of("weather {\"city\": \"Paris\"}", "now {}")).containsEntry("reason", "tool_calls");
  }

  @Test
  void streamedIsTheSameInEverySplit() {
    String text = "Ah, a <token>.\n\n" + CALL;
    for (int length = 1; length <= text.length(); length += length < 12 ? 1 : 17) {
      server.engine.says = pieces(text, length);
      List<String> events = server.chat("'tools':[{'type':'function','function':{'name':'weather'}}],'stream':true").events();
      assertThat(gathered(events)).as("pieces of %d", length)
          .isEqualTo(Map.of("content", "Ah, a <token>.", "calls", List.of("weather {\"city\": \"Paris\"}"), "reason", "tool_calls"));
    }
  }

  @Test
  void textIsStreamedAsItComes() {
    server.engine.says = List.of("One", " two", " <tool", "ing>", " three");
    List<String> said = new ArrayList<>();
    List<String> events = server.chat(TOOLS + ",'stream':true").events();
    events.subList(1, events.size() - 2).forEach(event -> said.add(json(event).at("/choices/0/delta/content").asText()));
    assertThat(said).containsExactly("One", " two", " <tooling>", " three");
  }

  @Test
  void whatIsNoCallStaysText() {
    for (String text : List.of("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": }}\n</tool_call>", "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>", "x <tool_call>", "")) {
      server.engine.says = text.isEmpty() ? List.of("") : pieces(text, 4);
      JsonNode choice = server.chat(TOOLS).json().at("/choices/0");
      assertThat(choice.at("/message/content").textValue()).isEqualTo(text);
      assertThat(choice.path("message").has("tool_calls")).isFalse();
      assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
      assertThat(gathered(server.chat(TOOLS + ",'stream':true").events())).isEqualTo(Map.of("content", text, "calls", List.of(), "reason", "stop"));
    }
    server.engine.says = pieces(CALL, 4);
    assertThat(server.chat("").json().at("/choices/0/message/content").asText()).as("no tools were given").isEqualTo(CALL);
    assertThat(server.chat(TOOLS + ",'tool_choice':'none'").json().at("/choices/0/message/content").asText()).isEqualTo(CALL);
    assertThat(server.prompts.extra).as("nor does the template see them").doesNotContainKey("tools");
    server.chat(TOOLS);
    assertThat(server.prompts.extra).containsKey("tools");
    JsonNode cut = server.chat(TOOLS + ",'max_tokens':5").json().at("/choices/0");
    assertThat(cut.path("finish_reason").asText()).isEqualTo("length");
    assertThat(cut.at("/message/content").asText()).isEqualTo(CALL.substring(0, 20));
  }

  @Test
  void tokensGoWithThePieces() {
    server.engine.says = pieces("Hm." + CALL, 5);
    JsonNode choice = server.chat(TOOLS + ",'logprobs':true").json().at("/choices/0");
    assertThat(choice.at("/logprobs/content")).hasSize(server.engine.says.size());
    int tokens = 0;
    List<String> events = server.chat(TOOLS + ",'logprobs':true,'stream':true,'n':2").events();
    for (String event : events.subList(0, events.size() - 1)) {
      tokens += json(event).at("/choices/0/logprobs/content").size();
    }
    assertThat(tokens).isEqualTo(2 * server.engine.says.size());
  }

  @Test
  void aCallThatMustBeIsHeldToItsForm() {
    server.engine.says = List.of(CALL);
    for (String choice : List.of("'required'", "{'type':'function','function':{'name':'weather'}}")) {
      server.engine.taken.clear();
      JsonNode answer = server.chat(TOOLS + ",'tool_choice':" + choice).json().at("/choices/0");
      assertThat(answer.path("finish_reason").asText()).isEqualTo("tool_calls");
      assertThat(server.engine.taken.get(0).constraint()).isNotNull();
    }
    server.engine.taken.clear();
    assertThat(server.chat(TOOLS.replace("'strict':false", "'strict':true")).json().at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
    assertThat(server.engine.taken.get(0).constraint()).as("a strict function's arguments follow the schema, whenever it is called").isNotNull();
    server.engine.taken.clear();
    server.chat(TOOLS + ",'response_format':{'type':'json_object'}");
    assertThat(server.chat(TOOLS + ",'response_format':{'type':'text'},'tool_choice':'auto'").status()).isEqualTo(200);
    assertThat(server.engine.taken.get(0).constraint()).isNotNull();
    assertThat(server.engine.taken.get(1).constraint()).isNull();
  }

  private static String allowed(String mode, String... names) {
    String list = Stream.of(names).map(name -> "{'type':'function','function':{'name':'" + name + "'}}").collect(Collectors.joining(","));
    return ",'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'" + mode + "','tools':[" + list + "]}}";
  }

  @Test
  void onlyAllowedToolsAreCalled() {
    server.engine.says = pieces(CALL, 4);
    JsonNode called = server.chat(TOOLS + allowed("auto", "weather")).json().at("/choices/0");
    assertThat(called.path("finish_reason").asText()).isEqualTo("tool_calls");
    JsonNode other = server.chat(TOOLS + allowed("auto", "now")).json().at("/choices/0");
    assertThat(other.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(other.path("message").has("tool_calls")).isFalse();
    assertThat(other.at("/message/content").asText()).as("what may not be called is text").isEqualTo(CALL);
    assertThat(gathered(server.chat(TOOLS + allowed("auto", "now") + ",'stream':true").events())).containsEntry("calls", List.of()).containsEntry("reason", "stop");
    assertThat((List<?>) server.prompts.extra.get("tools")).as("the template sees all").hasSize(2);
    assertThat(server.engine.taken).allSatisfy(request -> assertThat(request.constraint()).isNull());

    server.engine.taken.clear();
    server.chat(TOOLS + allowed("required", "now"));
    ConstraintState state = server.engine.taken.get(0).constraint().start();
    for (char c : "<tool_call>\n{\"name\": \"".toCharArray()) {
      state.accept(letter(c));
    }
    assertThat(has(state, 'n')).isTrue();
    assertThat(has(state, 'w')).as("weather is not allowed").isFalse();
    ApiClient.Reply unknown = server.chat(TOOLS + allowed("auto", "now", "nobody", "no_one"));
    refused(unknown, "tool_choice.allowed_tools.tools");
    assertThat(unknown.json().at("/error/message").asText()).contains("nobody, no_one");
  }

  private static int letter(char c) {
    return IntStream.range(0, FakeServer.VOCABULARY.size()).filter(id -> FakeServer.VOCABULARY.pieceBytes(id) == 1 && FakeServer.VOCABULARY.piece(id)[0] == c).findFirst().orElseThrow();
  }

  private static boolean has(ConstraintState state, char c) {
    return (state.allowed()[letter(c) >> 6] >> letter(c) & 1) == 1;
  }

  @Test
  void callsAndResultsReachTheTemplate() {
    String call = "{'id':'abcdefghi','type':'function','function':{'name':'weather','arguments':'{\\\"city\\\":\\\"Rome\\\"}'}}";
    for (String content : List.of("", "'content':null,", "'content':'',")) {
      String messages = "{'role':'user','content':'hi'},{'role':'assistant'," + content + "'refusal':null,'tool_calls':[" + call + "]},{'role':'tool','tool_call_id':'abcdefghi','content':'21 C'},"
          + "{'role':'assistant','content':'21 C','tool_calls':null}";
      String body = ("{'model':'base','messages':[" + messages + "]," + TOOLS + "}").replace('\'', '"');
      FakeServer.Reply reply = server.post("/v1/chat/completions", body);
      assertThat(reply.status()).as(reply.body()).isEqualTo(200);
      JsonNode seen = server.prompts.messages;
      assertThat(seen.at("/1/content").textValue()).isEmpty();
      assertThat(seen.at("/1/tool_calls/0/function/arguments/city").asText()).as("an object").isEqualTo("Rome");
      assertThat(seen.at("/2/name").asText()).isEqualTo("weather");
      assertThat(seen.get(3).has("tool_calls")).isFalse();
    }
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
    "'tools':'x' | tools",
    "'tools':[5] | tools[0]",
    "'tools':[{'type':'retrieval'}] | tools[0].type",
    "'tools':[{'type':'function'}] | tools[0].function",
    "'tools':[{'type':'function','function':{}}] | tools[0].function.name",
    "'tools':[{'type':'function','function':{'name':'a b'}}] | tools[0].function.name",
    "'tools':[{'type':'function','function':{'name':'a'}},{'type':'function','function':{'name':'a'}}] | tools[1].function.name",
    "'tools':[{'type':'function','function':{'name':'a','description':5}}] | tools[0].function.description",
    "'tools':[{'type':'function','function':{'name':'a','strict':'yes'}}] | tools[0].function.strict",
    "'tools':[{'type':'function','function':{'name':'a','parameters':[]}}] | tools[0].function.parameters",
    "'tools':[{'type':'function','function':{'name':'a','parameters':{'type':'string'}}}] | tools[0].function.parameters",
    "'tools':[{'type':'function','function':{'name':'a','parameters':{'type':'object','properties':{'x':{'unheardOf':1}}}}}],'tool_choice':'required' | tools[0].function.parameters",
    "'tools':[{'type':'function','function':{'name':'a','strict':true,'parameters':{'type':'object','unheardOf':1}}}] | tools[0].function.parameters",
    "'tool_choice':'required' | tool_choice",
    "'tool_choice':{'type':'function','function':{'name':'weather'}} | tool_choice",
    "TOOLS,'tool_choice':'always' | tool_choice",
    "TOOLS,'tool_choice':5 | tool_choice",
    "TOOLS,'tool_choice':{} | tool_choice.type",
    "TOOLS,'tool_choice':{'type':'function'} | tool_choice.function.name",
    "TOOLS,'tool_choice':{'type':'function','function':{'name':'nobody'}} | tool_choice.function.name",
    "'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':[{'type':'function','function':{'name':'weather'}}]}} | tool_choice",
    "TOOLS,'tool_choice':{'type':'allowed_tools'} | tool_choice.allowed_tools.mode",
    "TOOLS,'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'none','tools':[]}} | tool_choice.allowed_tools.mode",
    "TOOLS,'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':[]}} | tool_choice.allowed_tools.tools",
    "TOOLS,'tool_choice':{'type':'allowed_tools','allowed_tools':{'mode':'auto','tools':['weather']}} | tool_choice.allowed_tools.tools[0]",
    "TOOLS,'tool_choice':'required','response_format':{'type':'json_object'} | tool_choice",
    "TOOLS,'parallel_tool_calls':'no' | parallel_tool_calls",
  })
  void badToolsAreNamed(String fields, String param) {
    refused(server.chat(fields.replace("TOOLS", TOOLS)), param);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
    "{'role':'user','content':'x','tool_calls':[]} | NONE",
    "{'role':'user','content':'x','tool_calls':[{}]} | messages[1].tool_calls",
    "{'role':'assistant','tool_calls':5} | messages[1].tool_calls",
    "{'role':'assistant','tool_calls':[5]} | messages[1].tool_calls[0]",
    "{'role':'assistant','tool_calls':[{'type':'other'}]} | messages[1].tool_calls[0].type",
    "{'role':'assistant','tool_calls':[{'function':{'name':'a','arguments':'{}'}}]} | messages[1].tool_calls[0].id",
    "{'role':'assistant','tool_calls':[{'id':'a','function':{'arguments':'{}'}}]} | messages[1].tool_calls[0].function.name",
    "{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'a','arguments':'[]'}}]} | messages[1].tool_calls[0].function.arguments",
    "{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'a','arguments':'{'}}]} | messages[1].tool_calls[0].function.arguments",
    "{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'a'}}]} | messages[1].tool_calls[0].function.arguments",
    "{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'a','arguments':''}}]} | NONE",
    "{'role':'assistant','tool_calls':[{'id':'a','function':{'name':'a','arguments':{'x':1}}}]} | NONE",
    "{'role':'tool','content':'x'} | messages[1].tool_call_id",
    "{'role':'tool','tool_call_id':'a'} | messages[1].content",
  })
  void badMessagesAreNamed(String message, String param) {
    String body = "{'model':'base','messages':[{'role':'user','content':'hi'}," + message + "]}";
    FakeServer.Reply reply = server.post("/v1/chat/completions", body.replace('\'', '"'));
    if (param.equals("NONE")) {
      assertThat(reply.status()).as(reply.body()).isEqualTo(200);
    } else {
      refused(reply, param);
    }
  }

  private static void refused(FakeServer.Reply reply, String param) {
    assertThat(reply.status()).as(reply.body()).isEqualTo(400);
    JsonNode error = reply.json().path("error");
    assertThat(error.path("param").asText()).isEqualTo(param);
    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("message").asText()).isNotBlank();
  }

  private static JsonNode json(String text) {
    try {
      return Fields.JSON.readTree(text);
    } catch (IOException e) {
      throw new AssertionError(text, e);
    }
  }
}
