package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import dev.graft.bindings.Adapter;
import dev.graft.bindings.CacheType;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.LoraSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** OpenAI's own client for Java in front of a real model: the demo base with two random adapters, on our engine. */
class OpenAiServedTest {
  @TempDir static Path folder;
  private static ServeServer server;
  private static ServedModel model;
  private static OpenAIClient client;

  @BeforeAll
  static void start() throws IOException {
    Map<String, Path> adapters = Map.of("one", adapter("one", 1), "two", adapter("two", 2));
    ServeSettings local = ServeSettings.local();
    server = ServeServer.listen(local.withKeys("sesame", null));
    model = new ServedEngine(FakeServer.demoBase(), FakeServer.toolTemplate().toString(), ServedEngine.NATIVE, 8, 64, 0, 0, CacheType.F32, 1).open("base", adapters, () -> GraftRuntime.open("cpu", null, 1),
        note -> {});
    server.ready(model);
    client = client("sesame");
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
    model.close();
  }

  private static Path adapter(String name, long seed) {
    try (GraftRuntime runtime = GraftRuntime.open("cpu", null, 1); dev.graft.bindings.Model base = dev.graft.bindings.Model.open(runtime, FakeServer.demoBase());
        Adapter adapter = Adapter.create(base, new LoraSpec(4, 8, false, "all-linear", seed))) {
      Random random = new Random(seed);
      for (String tensor : List.of("blk.0.attn_q.weight.lora_b", "blk.2.ffn_down.weight.lora_b", "blk.4.attn_v.weight.lora_b", "blk.4.ffn_up.weight.lora_b")) {
        float[] values = new float[(int) adapter.elements(tensor)];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) random.nextGaussian();
        }
        adapter.set(tensor, values);
      }
      Path file = folder.resolve(name + ".gguf");
      adapter.save(file, name);
      return file;
    }
  }

  private static OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder().baseUrl("http://127.0.0.1:" + server.port() + "/v1").apiKey(key).maxRetries(0).timeout(Duration.ofSeconds(60)).build();
  }

  private static ChatCompletionCreateParams.Builder chat(String model) {
    return ChatCompletionCreateParams.builder().model(model).addSystemMessage("Be brief.").addUserMessage("Does the patient have a fever?").maxCompletionTokens(12).temperature(0);
  }

  private static ChatCompletion ask(ChatCompletionCreateParams.Builder params) {
    return client.chat().completions().create(params.build());
  }

  private static String text(ChatCompletion reply) {
    return reply.choices().get(0).message().content().orElseThrow();
  }

  private static ChatCompletion streamed(ChatCompletionCreateParams.Builder params) {
    ChatCompletionAccumulator all = ChatCompletionAccumulator.create();
    try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(params.build())) {
      stream.stream().forEach(all::accumulate);
    }
    return all.chatCompletion();
  }

  @Test
  void modelsAreTheBaseAndItsAdapters() {
    assertThat(client.models().list().data()).extracting(Model::id).containsExactlyInAnyOrder("base", "one", "two");
    assertThat(client.models().retrieve("one").id()).isEqualTo("one");
  }

  @Test
  void adaptersByNameAnswerDifferently() {
    List<String> texts = List.of("base", "one", "two").stream().map(name -> text(ask(chat(name)))).toList();
    assertThat(texts).doesNotHaveDuplicates();
    assertThat(text(ask(chat("one")))).as("greedy, twice").isEqualTo(texts.get(1));
    ChatCompletion both = ask(chat("base").putAdditionalBodyProperty("adapters", JsonValue.from(List.of(Map.of("name", "one", "scale", 1), Map.of("name", "two", "scale", 0)))));
    assertThat(text(both)).as("one at full scale and two at none").isEqualTo(texts.get(1));
  }

  @Test
  void chats() {
    ChatCompletion reply = ask(chat("base"));
    assertThat(reply.usage().orElseThrow().completionTokens()).isBetween(1L, 12L);
    ask(chat("base").addUserMessage("It hurts. ".repeat(40)));
    assertThat(ask(chat("base").addUserMessage("It hurts. ".repeat(40))).usage().orElseThrow().promptTokensDetails().orElseThrow().cachedTokens().orElseThrow()).as("asked before").isPositive();
    assertThat(ask(chat("base").n(3).temperature(1).seed(5)).choices()).hasSize(3);
    assertThat(text(ask(chat("two").temperature(1).seed(5)))).isEqualTo(text(ask(chat("two").temperature(1).seed(5))));
    ChatCompletion likely = ask(chat("base").logprobs(true).topLogprobs(3).maxCompletionTokens(4));
    assertThat(likely.choices().get(0).logprobs().orElseThrow().content().orElseThrow()).isNotEmpty().allSatisfy(token -> {
      assertThat(token.logprob()).isLessThanOrEqualTo(0);
      assertThat(token.topLogprobs()).hasSize(3);
    });
  }

  @Test
  void streamedIsTheSameText() {
    ChatCompletion whole = ask(chat("one"));
    ChatCompletion gathered = streamed(chat("one").streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build()));
    assertThat(text(gathered)).isEqualTo(text(whole));
    assertThat(gathered.choices().get(0).finishReason()).isEqualTo(whole.choices().get(0).finishReason());
    assertThat(gathered.usage().orElseThrow().completionTokens()).isEqualTo(whole.usage().orElseThrow().completionTokens());
  }

  @Test
  void aSchemaHolds() throws IOException {
    Map<String, Object> schema = Map.of("type", "object", "properties", Map.of("fever", Map.of("enum", List.of("yes", "no"))), "required", List.of("fever"), "additionalProperties", false);
    ResponseFormatJsonSchema.JsonSchema.Schema.Builder given = ResponseFormatJsonSchema.JsonSchema.Schema.builder();
    schema.forEach((key, value) -> given.putAdditionalProperty(key, JsonValue.from(value)));
    ResponseFormatJsonSchema format =
        ResponseFormatJsonSchema.builder().jsonSchema(ResponseFormatJsonSchema.JsonSchema.builder().name("answer").strict(true).schema(given.build()).build()).build();
    JsonNode answer = Fields.JSON.readTree(text(ask(chat("two").responseFormat(format).maxCompletionTokens(64))));
    assertThat(answer.path("fever").asText()).isIn("yes", "no");
  }

  private static ChatCompletionCreateParams.Builder withTool() {
    FunctionParameters parameters = FunctionParameters.builder().putAdditionalProperty("type", JsonValue.from("object"))
        .putAdditionalProperty("properties", JsonValue.from(Map.of("unit", Map.of("enum", List.of("C", "F"))))).putAdditionalProperty("required", JsonValue.from(List.of("unit")))
        .putAdditionalProperty("additionalProperties", JsonValue.from(false)).build();
    return chat("base").maxCompletionTokens(100).parallelToolCalls(false)
        .addFunctionTool(FunctionDefinition.builder().name("temperature").description("Measures it.").strict(true).parameters(parameters).build())
        .addFunctionTool(FunctionDefinition.builder().name("pulse").build());
  }

  private static ChatCompletionMessageFunctionToolCall call(ChatCompletion reply) {
    assertThat(reply.choices().get(0).finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
    List<com.openai.models.chat.completions.ChatCompletionMessageToolCall> calls = reply.choices().get(0).message().toolCalls().orElseThrow();
    assertThat(calls).hasSize(1);
    return calls.get(0).asFunction();
  }

  @Test
  void aFunctionIsCalledAndItsResultSentBack() throws IOException {
    ChatCompletionNamedToolChoice named = ChatCompletionNamedToolChoice.builder().function(ChatCompletionNamedToolChoice.Function.builder().name("temperature").build()).build();
    ChatCompletion reply = ask(withTool().toolChoice(named));
    ChatCompletionMessageFunctionToolCall call = call(reply);
    assertThat(call.function().name()).isEqualTo("temperature");
    assertThat(Fields.JSON.readTree(call.function().arguments()).path("unit").asText()).isIn("C", "F");

    ChatCompletion after = ask(withTool().toolChoice(ChatCompletionToolChoiceOption.Auto.NONE).maxCompletionTokens(8).addMessage(reply.choices().get(0).message())
        .addMessage(ChatCompletionToolMessageParam.builder().toolCallId(call.id()).content("38.2").build()));
    assertThat(after.choices().get(0).message().content()).isPresent();
    assertThat(after.choices().get(0).message().toolCalls()).isEmpty();
  }

  @Test
  void aCallIsStreamed() {
    ChatCompletion whole = ask(withTool().toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED));
    ChatCompletion gathered = streamed(withTool().toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED));
    assertThat(call(gathered).function().name()).isEqualTo(call(whole).function().name());
    assertThat(call(gathered).function().arguments()).isEqualTo(call(whole).function().arguments());
    assertThat(call(gathered).id()).isNotBlank();
  }

  @Test
  void completions() {
    CompletionCreateParams.Builder two = CompletionCreateParams.builder().model("one").promptOfArrayOfStrings(List.of("The", "A")).maxTokens(4).temperature(0).echo(true);
    assertThat(client.completions().create(two.build()).choices()).hasSize(2).first().satisfies(choice -> assertThat(choice.text()).startsWith("The"));
    String whole = client.completions().create(CompletionCreateParams.builder().model("one").prompt("The").maxTokens(6).temperature(0).build()).choices().get(0).text();
    try (var stream = client.completions().createStreaming(CompletionCreateParams.builder().model("one").prompt("The").maxTokens(6).temperature(0).build())) {
      assertThat(stream.stream().map(piece -> piece.choices().get(0).text()).reduce("", String::concat)).isEqualTo(whole);
    }
  }

  @Test
  void embeddingsHaveLengthOne() {
    List<Float> vector = client.embeddings().create(EmbeddingCreateParams.builder().model("base").inputOfArrayOfStrings(List.of("fever", "cough")).build()).data().get(0).embedding();
    assertThat(vector.stream().mapToDouble(x -> x * x).sum()).isCloseTo(1, within(1e-3));
  }

  @Test
  void errorsAreTheClientsOwn() {
    assertThatThrownBy(() -> ask(chat("nobody"))).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> ask(chat("base").temperature(-1.0))).isInstanceOfSatisfying(BadRequestException.class, e -> assertThat(e.param()).contains("temperature"));
    assertThatThrownBy(() -> ask(chat("base").maxCompletionTokens(1_000_000)))
        .isInstanceOfSatisfying(BadRequestException.class, e -> assertThat(e.code()).contains("context_length_exceeded"));
    assertThatThrownBy(() -> ask(chat("base").toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED)))
        .isInstanceOfSatisfying(BadRequestException.class, e -> assertThat(e.param()).contains("tool_choice"));
    assertThatThrownBy(() -> streamed(chat("base").putAdditionalBodyProperty("colour", JsonValue.from("red")))).isInstanceOf(BadRequestException.class);
    OpenAIClient stranger = client("wrong");
    assertThatThrownBy(() -> stranger.models().list()).isInstanceOf(UnauthorizedException.class);
    stranger.close();
  }
}
