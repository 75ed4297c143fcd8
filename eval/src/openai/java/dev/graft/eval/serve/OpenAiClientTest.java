package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** OpenAI's own client for Java in front of an engine whose answers are known, with what a real one cannot be asked for: a full queue, a failure. */
class OpenAiClientTest {
  private static FakeServer server;
  private static OpenAIClient client;

  @BeforeAll
  static void start() throws IOException {
    server = FakeServer.start(ServeSettings.local().withKeys("sesame", null).withLimits(4, 4 << 20, 0));
    client = client("sesame");
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  private static OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder().baseUrl(server.root + "/v1").apiKey(key).maxRetries(0).timeout(Duration.ofSeconds(20)).build();
  }

  private static ChatCompletionCreateParams.Builder chat(String model) {
    return ChatCompletionCreateParams.builder().model(model).addSystemMessage("Be brief.").addUserMessage("Hello");
  }

  private static String text(ChatCompletion reply) {
    return reply.choices().get(0).message().content().orElseThrow();
  }

  @Test
  void models() {
    assertThat(client.models().list().data()).extracting(Model::id).containsExactly("base", "sft", "dpo");
    assertThat(client.models().retrieve("dpo").id()).isEqualTo("dpo");
    assertThatThrownBy(() -> client.models().retrieve("nobody")).isInstanceOf(NotFoundException.class);
  }

  @Test
  void chatsOfTheBaseAndItsAdapters() {
    for (String model : List.of("base", "sft", "dpo")) {
      ChatCompletion reply = client.chat().completions().create(chat(model).build());
      assertThat(text(reply)).isEqualTo(model + " w1 w2 w3 w4");
      assertThat(reply.choices().get(0).finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
      assertThat(reply.usage().orElseThrow().promptTokensDetails().orElseThrow().cachedTokens().orElseThrow()).isEqualTo(1);
    }
    assertThat(client.chat().completions().create(chat("base").n(2).maxCompletionTokens(2).build()).choices()).hasSize(2)
        .allSatisfy(choice -> assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH));
    ChatCompletion likely = client.chat().completions().create(chat("base").logprobs(true).topLogprobs(2).seed(3).temperature(0.5).stop("x").build());
    assertThat(likely.choices().get(0).logprobs().orElseThrow().content().orElseThrow()).hasSize(5).allSatisfy(token -> assertThat(token.topLogprobs()).hasSize(2));
  }

  @Test
  void chatsStream() {
    StringBuilder text = new StringBuilder();
    ChatCompletionStreamOptions usage = ChatCompletionStreamOptions.builder().includeUsage(true).build();
    try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions().createStreaming(chat("sft").streamOptions(usage).build())) {
      List<ChatCompletionChunk> chunks = stream.stream().toList();
      chunks.forEach(chunk -> chunk.choices().forEach(choice -> choice.delta().content().ifPresent(text::append)));
      assertThat(chunks.get(chunks.size() - 1).usage().orElseThrow().completionTokens()).isEqualTo(5);
    }
    assertThat(text).hasToString("sft w1 w2 w3 w4");
  }

  @Test
  void aSchema() {
    ResponseFormatJsonSchema.JsonSchema.Schema schema =
        ResponseFormatJsonSchema.JsonSchema.Schema.builder().putAllAdditionalProperties(Map.of("type", JsonValue.from("object"))).build();
    ResponseFormatJsonSchema format = ResponseFormatJsonSchema.builder().jsonSchema(ResponseFormatJsonSchema.JsonSchema.builder().name("answer").schema(schema).build()).build();
    assertThat(text(client.chat().completions().create(chat("base").responseFormat(format).build()))).isNotEmpty();
    assertThat(server.engine.taken.get(server.engine.taken.size() - 1).constraint()).isNotNull();
  }

  @Test
  void completions() {
    assertThat(client.completions().create(CompletionCreateParams.builder().model("dpo").prompt("Once").echo(true).build()).choices().get(0).text()).isEqualTo("Oncedpo w1 w2 w3 w4");
    CompletionCreateParams two = CompletionCreateParams.builder().model("base").promptOfArrayOfStrings(List.of("a", "b")).maxTokens(3).logprobs(1).build();
    assertThat(client.completions().create(two).choices()).hasSize(2)
        .allSatisfy(choice -> assertThat(choice.logprobs().orElseThrow().tokenLogprobs().orElseThrow()).hasSize(3));
    try (var stream = client.completions().createStreaming(CompletionCreateParams.builder().model("base").prompt("a").build())) {
      assertThat(stream.stream().map(piece -> piece.choices().get(0).text()).reduce("", String::concat)).isEqualTo("base w1 w2 w3 w4");
    }
  }

  @Test
  void embeddings() {
    EmbeddingCreateParams params = EmbeddingCreateParams.builder().model("base").inputOfArrayOfStrings(List.of("ab", "c")).build();
    assertThat(client.embeddings().create(params).data()).hasSize(2).first().satisfies(one -> assertThat(one.embedding()).containsExactly(0.5f, 2f, -1.25f));
    EmbeddingCreateParams plain = params.toBuilder().encodingFormat(EmbeddingCreateParams.EncodingFormat.FLOAT).build();
    assertThat(client.embeddings().create(plain).data().get(1).embedding()).containsExactly(0.5f, 1f, -1.25f);
  }

  @Test
  void errorsAreTheClientsOwn() {
    assertThatThrownBy(() -> client.chat().completions().create(chat("nobody").build())).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> client.chat().completions().create(chat("base").temperature(-1.0).build()))
        .isInstanceOfSatisfying(BadRequestException.class, e -> assertThat(e.param()).contains("temperature"));
    assertThatThrownBy(() -> client.chat().completions().create(chat("base").maxCompletionTokens(1_000_000).build()))
        .isInstanceOfSatisfying(BadRequestException.class, e -> assertThat(e.code()).contains("context_length_exceeded"));
    assertThatThrownBy(() -> client.chat().completions().create(chat("base").putAdditionalBodyProperty("colour", JsonValue.from("red")).build())).isInstanceOf(BadRequestException.class);
    OpenAIClient stranger = client("wrong");
    assertThatThrownBy(() -> stranger.models().list()).isInstanceOf(UnauthorizedException.class);
    stranger.close();
  }

  @Test
  void aFullQueueAndAFailingEngine() throws IOException {
    try (FakeServer busy = FakeServer.start(ServeSettings.local().withLimits(1, 4 << 20, 0))) {
      OpenAIClient impatient = OpenAIOkHttpClient.builder().baseUrl(busy.root + "/v1").apiKey("-").maxRetries(0).build();
      busy.engine.pace = 300;
      assertThatThrownBy(() -> impatient.chat().completions().create(chat("base").n(8).build())).isInstanceOf(RateLimitException.class);
      busy.engine.pace = 0;
      busy.engine.failAfter = 1;
      assertThatThrownBy(() -> impatient.chat().completions().create(chat("base").build())).isInstanceOfAny(InternalServerException.class, RateLimitException.class);
      impatient.close();
    }
  }
}
