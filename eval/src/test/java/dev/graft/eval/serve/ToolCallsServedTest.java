package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.CacheType;
import dev.graft.bindings.GraftRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Calls of functions by a real model, over HTTP: the demo base, which knows of no tools, held to the form. */
@Timeout(120)
class ToolCallsServedTest {
  private static final String TOOLS = """
      [{"type": "function", "function": {"name": "set_lamp", "description": "Sets a lamp.", "strict": true, "parameters": {"type": "object",
         "properties": {"room": {"$ref": "#/$defs/room"}, "on": {"type": "boolean"}}, "required": ["room", "on"], "additionalProperties": false,
         "$defs": {"room": {"enum": ["kitchen", "hall"]}}}}},
       {"type": "function", "function": {"name": "now", "description": "Tells the time."}}]""";

  @TempDir Path folder;
  private ApiClient client;
  private ServeServer server;
  private ServedModel model;

  private void serve(Path template) throws IOException {
    serve(template, ServedEngine.NATIVE);
  }

  private void serve(Path template, String engine) throws IOException {
    server = ServeServer.listen(ServeSettings.local());
    model = new ServedEngine(FakeServer.demoBase(), template.toString(), engine, 4, 16, 0, 0, CacheType.F32, 1).open("base", Map.of(), () -> GraftRuntime.open("cpu", null, 1), note -> {});
    server.ready(model);
    client = new ApiClient(server.port());
  }

  @AfterEach
  void stop() {
    server.close();
    model.close();
  }

  private static ObjectNode request(String choice) throws IOException {
    ObjectNode request = Fields.JSON.createObjectNode().put("model", "base").put("max_tokens", 200).put("temperature", 1).put("seed", 3);
    request.putArray("messages").addObject().put("role", "user").put("content", "Light in the kitchen, please.");
    request.set("tools", Fields.JSON.readTree(TOOLS));
    request.set("tool_choice", Fields.JSON.readTree(choice));
    return request;
  }

  private JsonNode choice(ObjectNode request) {
    ApiClient.Reply reply = client.post("/v1/chat/completions", request.toString());
    assertThat(reply.status()).as(reply.body()).isEqualTo(200);
    return reply.json().at("/choices/0");
  }

  /** Every call is one that the schemas allow. */
  private static void check(JsonNode call) throws IOException {
    JsonNode arguments = Fields.JSON.readTree(call.at("/function/arguments").textValue());
    assertThat(arguments.isObject()).isTrue();
    if (call.at("/function/name").asText().equals("now")) {
      assertThat(arguments).isEmpty();
    } else {
      assertThat(call.at("/function/name").asText()).isEqualTo("set_lamp");
      assertThat(arguments.path("room").asText()).isIn("kitchen", "hall");
      assertThat(arguments.path("on").isBoolean()).isTrue();
      assertThat(arguments).hasSize(2);
    }
  }

  @Test
  void aCallIsMadeAndItsResultSentBack() throws IOException {
    serve(FakeServer.toolTemplate());
    ObjectNode request = request("\"required\"").put("parallel_tool_calls", false);
    JsonNode choice = choice(request);
    assertThat(choice.path("finish_reason").asText()).isEqualTo("tool_calls");
    assertThat(choice.at("/message/content").isNull()).isTrue();
    assertThat(choice.at("/message/tool_calls")).hasSize(1);
    JsonNode call = choice.at("/message/tool_calls/0");
    check(call);

    ((ArrayNode) request.get("messages")).add(choice.get("message"));
    ((ArrayNode) request.get("messages")).addObject().put("role", "tool").put("tool_call_id", call.path("id").asText()).put("content", "done");
    request.put("tool_choice", "none").put("max_tokens", 8);
    JsonNode after = choice(request);
    assertThat(after.at("/message/content").isTextual()).isTrue();
    assertThat(after.path("message").has("tool_calls")).isFalse();
  }

  @Test
  void streamedIsTheSame() throws IOException {
    serve(FakeServer.toolTemplate());
    for (String mode : List.of("\"required\"", "{\"type\": \"function\", \"function\": {\"name\": \"set_lamp\"}}")) {
      ObjectNode request = request(mode).put("parallel_tool_calls", false);
      JsonNode whole = choice(request).at("/message/tool_calls/0/function");
      StringBuilder name = new StringBuilder();
      StringBuilder arguments = new StringBuilder();
      String reason = null;
      List<String> events = client.post("/v1/chat/completions", request.put("stream", true).toString()).events();
      for (String event : events.subList(0, events.size() - 1)) {
        JsonNode piece = Fields.JSON.readTree(event).at("/choices/0");
        assertThat(piece.at("/delta/content").asText("")).isEmpty();
        name.append(piece.at("/delta/tool_calls/0/function/name").asText(""));
        arguments.append(piece.at("/delta/tool_calls/0/function/arguments").asText(""));
        reason = piece.path("finish_reason").asText(reason);
      }
      assertThat(name).hasToString(whole.path("name").textValue());
      assertThat(arguments).hasToString(whole.path("arguments").textValue());
      assertThat(reason).isEqualTo("tool_calls");
    }
  }

  @Test
  void severalMayBeRequiredAndOneFunctionNamed() throws IOException {
    serve(FakeServer.toolTemplate());
    ObjectNode endless = request("\"required\"").put("max_tokens", 300);
    ObjectNode bias = endless.putObject("logit_bias");
    model.served().vocabulary().endOfGeneration().forEach(id -> bias.put(Integer.toString(id), -100));
    JsonNode choice = choice(endless);
    assertThat(choice.at("/message/tool_calls").size()).isGreaterThan(1);
    for (JsonNode call : choice.at("/message/tool_calls")) {
      check(call);
    }
    assertThat(choice.path("finish_reason").asText()).as("cut, so that more could have come").isEqualTo("length");
    assertThat(choice(endless.put("parallel_tool_calls", false)).at("/message/tool_calls")).hasSize(1);
    for (int seed = 0; seed < 4; seed++) {
      JsonNode now = choice(request("{\"type\": \"function\", \"function\": {\"name\": \"now\"}}").put("seed", seed)).at("/message/tool_calls");
      assertThat(now.findValuesAsText("name")).containsExactly("now");
    }
  }

  /** One that marks calls with a special token of the demo base. */
  private Path specialTemplate() throws IOException {
    return Files.writeString(folder.resolve("special.jinja"), """
        {%- for message in messages %}{{ message.content }}
        {%- if message.tool_calls %}<|im_start|>[{% for call in message.tool_calls %}{{ call.function | tojson }}{% if not loop.last %}, {% endif %}{% endfor %}]{% endif %}
        {%- endfor %}{% if tools and add_generation_prompt %}?{% endif %}""");
  }

  @Test
  void specialTokensOfTheFormatAreReadBack() throws IOException {
    serve(specialTemplate());
    ToolSupport support = model.served().prompts().toolCalls().orElseThrow();
    int marker = support.shown().iterator().next();
    assertThat(model.served().vocabulary().text(marker)).isEqualTo("<|im_start|>");
    ObjectNode request = request("\"required\"").put("parallel_tool_calls", false);
    request.putObject("logit_bias").put(Integer.toString(marker), 100);
    JsonNode choice = choice(request.put("logprobs", true));
    assertThat(choice.at("/logprobs/content/0/token").asText()).as("one token, not its letters").isEqualTo("<|im_start|>");
    assertThat(choice.path("finish_reason").asText()).isEqualTo("tool_calls");
    check(choice.at("/message/tool_calls/0"));

    ObjectNode strict = request("\"auto\"").put("parallel_tool_calls", false);
    strict.putObject("logit_bias").put(Integer.toString(marker), 100);
    JsonNode called = choice(strict);
    assertThat(called.path("finish_reason").asText()).as("once the marker is there, a strict function's call must follow").isEqualTo("tool_calls");
    check(called.at("/message/tool_calls/0"));

    ObjectNode free = request("\"auto\"").put("max_tokens", 2);
    ((ObjectNode) free.at("/tools/0/function")).remove("strict");
    free.putObject("logit_bias").put(Integer.toString(marker), 100);
    assertThat(choice(free).at("/message/content").asText()).as("no call comes of it, so it is text").isEqualTo("<|im_start|><|im_start|>");
    free.remove(List.of("tools", "tool_choice"));
    assertThat(choice(free).at("/message/content").asText()).as("special, where there are no tools").isEmpty();
  }

  @Test
  void llamaCppShowsSpecialTokensToo() throws IOException {
    serve(specialTemplate(), ServedEngine.LLAMA);
    int marker = model.served().prompts().toolCalls().orElseThrow().shown().iterator().next();
    ObjectNode free = request("\"auto\"").put("max_tokens", 3);
    free.putObject("logit_bias").put(Integer.toString(marker), 100);
    assertThat(choice(free).at("/message/content").asText()).startsWith("<|im_start|><|im_start|>");
    free.remove(List.of("tools", "tool_choice"));
    assertThat(choice(free).at("/message/content").asText()).isEmpty();
    ApiClient.Reply forced = client.post("/v1/chat/completions", request("\"required\"").toString());
    assertThat(forced.status()).isEqualTo(400);
    assertThat(forced.json().at("/error/param").asText()).isEqualTo("tool_choice");
  }
}
