package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What OpenAI's API promises, in front of an engine whose answers are known. */
class ServeApiTest {
  private static FakeServer server;

  @BeforeAll
  static void start() throws IOException {
    server = FakeServer.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void modelsAreTheBaseAndItsAdapters() {
    JsonNode models = server.get("/v1/models").json();
    assertThat(models.path("data").findValuesAsText("id")).containsExactly("base", "sft", "dpo");
    assertThat(models.path("data").get(0).path("parent").isNull()).isTrue();
    assertThat(models.path("data").get(1).path("parent").asText()).isEqualTo("base");
    assertThat(server.get("/v1/models/dpo").json().path("id").asText()).isEqualTo("dpo");
    assertThat(server.get("/v1/models/other").status()).isEqualTo(404);
  }

  @Test
  void chatAnswersWithTheAdapterOfTheModelsName() {
    JsonNode reply = server.post("/v1/chat/completions", "{\"model\":\"sft\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}]}").json();
    assertThat(reply.path("object").asText()).isEqualTo("chat.completion");
    assertThat(reply.path("id").asText()).startsWith("chatcmpl-");
    assertThat(reply.at("/choices/0/message/content").asText()).isEqualTo("sft w1 w2 w3 w4");
    assertThat(reply.at("/choices/0/message/role").asText()).isEqualTo("assistant");
    assertThat(reply.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    assertThat(reply.at("/choices/0/logprobs").isNull()).isTrue();
    assertThat(reply.at("/usage/completion_tokens").asInt()).isEqualTo(5);
    assertThat(reply.at("/usage/prompt_tokens_details/cached_tokens").asInt()).isEqualTo(1);
    assertThat(reply.at("/usage/total_tokens").asInt()).isEqualTo(reply.at("/usage/prompt_tokens").asInt() + 5);
  }

  @Test
  void samplingReachesTheEngine() {
    server.engine.taken.clear();
    server.chat("'temperature':0.5,'top_p':0.25,'top_k':7,'min_p':0.125,'presence_penalty':-1,'frequency_penalty':2,'repetition_penalty':1.5,'logit_bias':{'3':-100},"
        + "'seed':11,'n':2,'stop':['x','yy'],'max_completion_tokens':3");
    assertThat(server.engine.taken).hasSize(2);
    var first = server.engine.taken.get(0);
    assertThat(first.sampling()).isEqualTo(new dev.graft.bindings.Sampling(0.5f, 7, 0.25f, 0.125f, 1.5f, -1, 2, java.util.Map.of(3, -100f)));
    assertThat(first.stop()).containsExactly("x", "yy");
    assertThat(first.maxTokens()).isEqualTo(3);
    assertThat(first.topLogprobs()).isEqualTo(-1);
    assertThat(first.seed()).isEqualTo(11);
    assertThat(server.engine.taken.get(1).seed()).isEqualTo(12);
    server.chat("");
    assertThat(server.engine.taken.get(2).sampling()).isEqualTo(new dev.graft.bindings.Sampling(1, 0, 1, 0));
    assertThat(server.engine.taken.get(2).maxTokens()).as("what the context leaves").isEqualTo(FakeEngine.CONTEXT - 2);
  }

  @Test
  void chatStreams() {
    FakeServer.Reply reply = server.chat("'stream':true,'stream_options':{'include_usage':true}");
    assertThat(reply.header("content-type")).startsWith("text/event-stream");
    List<String> events = reply.events();
    assertThat(events.get(events.size() - 1)).isEqualTo("[DONE]");
    List<JsonNode> pieces = events.subList(0, events.size() - 1).stream().map(ServeApiTest::json).toList();
    assertThat(pieces).allSatisfy(piece -> assertThat(piece.path("object").asText()).isEqualTo("chat.completion.chunk"));
    assertThat(pieces.stream().map(piece -> piece.path("id").asText()).distinct()).hasSize(1);
    assertThat(pieces.get(0).at("/choices/0/delta/role").asText()).isEqualTo("assistant");
    assertThat(pieces.stream().map(piece -> piece.at("/choices/0/delta/content").asText()).reduce("", String::concat)).isEqualTo("base w1 w2 w3 w4");
    assertThat(pieces.get(pieces.size() - 2).at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    JsonNode last = pieces.get(pieces.size() - 1);
    assertThat(last.path("choices")).isEmpty();
    assertThat(last.at("/usage/completion_tokens").asInt()).isEqualTo(5);
    assertThat(pieces.get(1).path("usage").isNull()).isTrue();
    assertThat(server.chat("'stream':true").body()).doesNotContain("usage");
  }

  @Test
  void choicesOfAStreamKeepTheirIndexes() {
    List<String> events = server.chat("'stream':true,'n':3,'max_tokens':2").events();
    String[] texts = {"", "", ""};
    for (String event : events.subList(0, events.size() - 1)) {
      JsonNode choice = json(event).at("/choices/0");
      texts[choice.path("index").asInt()] += choice.at("/delta/content").asText();
    }
    assertThat(texts).containsOnly("base w1");
  }

  @Test
  void completionsTakeTextsAndIds() {
    assertThat(server.complete("'prompt':'abc','echo':true").json().at("/choices/0/text").asText()).isEqualTo("abcbase w1 w2 w3 w4");
    assertThat(server.complete("'prompt':['a','bc'],'n':2").json().path("choices")).hasSize(4);
    JsonNode usage = server.complete("'prompt':['a','bc'],'n':2").json().path("usage");
    assertThat(usage.path("prompt_tokens").asInt()).isEqualTo(3);
    assertThat(usage.at("/prompt_tokens_details/cached_tokens").asInt()).as("of each prompt once").isEqualTo(2);
    assertThat(server.complete("'prompt':[5,6,7]").json().at("/usage/prompt_tokens").asInt()).isEqualTo(3);
    assertThat(server.complete("'prompt':[[5],[6,7]]").json().path("choices")).hasSize(2);
    JsonNode reply = server.complete("'prompt':'a','max_tokens':2").json();
    assertThat(reply.path("object").asText()).isEqualTo("text_completion");
    assertThat(reply.at("/choices/0/finish_reason").asText()).isEqualTo("length");
    List<String> events = server.complete("'prompt':'a','stream':true,'echo':true").events();
    assertThat(json(events.get(0)).at("/choices/0/text").asText()).isEqualTo("a");
    assertThat(events.get(events.size() - 1)).isEqualTo("[DONE]");
  }

  @Test
  void logprobsInBothShapes() {
    JsonNode chat = server.chat("'logprobs':true,'top_logprobs':2,'max_tokens':2").json().at("/choices/0/logprobs/content");
    assertThat(chat).hasSize(2);
    assertThat(chat.get(0).path("token").asText()).isEqualTo(new String(FakeServer.VOCABULARY.piece(65), java.nio.charset.StandardCharsets.UTF_8));
    assertThat(chat.get(0).path("logprob").asDouble()).isEqualTo(-0.5);
    assertThat(chat.get(0).path("bytes").get(0).asInt()).isEqualTo(FakeServer.VOCABULARY.piece(65)[0] & 0xFF);
    assertThat(chat.get(0).path("top_logprobs")).hasSize(2);
    assertThat(chat.get(0).at("/top_logprobs/1/logprob").asDouble()).as("minus infinity").isEqualTo(-9999);
    JsonNode plain = server.complete("'prompt':'a','logprobs':1,'max_tokens':3").json().at("/choices/0/logprobs");
    assertThat(plain.path("tokens")).hasSize(3);
    assertThat(plain.path("token_logprobs").get(2).asDouble()).isEqualTo(-0.5);
    assertThat(plain.path("top_logprobs").get(0).size()).isEqualTo(1);
    assertThat(plain.path("text_offset").get(1).asInt()).isEqualTo(plain.path("tokens").get(0).asText().length());
    assertThat(server.chat("'logprobs':true").json().at("/choices/0/logprobs/content/0/top_logprobs")).isEmpty();
  }

  @Test
  void formsReachTheEngine() {
    server.engine.taken.clear();
    server.chat("'response_format':{'type':'text'}");
    server.chat("'response_format':{'type':'json_object'}");
    server.chat("'response_format':{'type':'json_schema','json_schema':{'name':'n','schema':{'type':'object'}}}");
    server.chat("'guided_choice':['yes','no']");
    server.chat("'guided_regex':'a+'");
    assertThat(server.engine.taken.get(0).constraint()).isNull();
    assertThat(server.engine.taken.subList(1, 5)).allSatisfy(request -> assertThat(request.constraint()).isNotNull());
  }

  @Test
  void severalAdaptersWithScales() {
    server.engine.taken.clear();
    assertThat(server.chat("'adapters':[{'name':'sft','scale':0.5},{'name':'dpo'}]").status()).isEqualTo(200);
    assertThat(server.engine.taken.get(0).adapters())
        .containsExactly(new dev.graft.trainer.serve.AdapterUse("sft", 0.5f), new dev.graft.trainer.serve.AdapterUse("dpo", 1));
  }

  @Test
  void embeddingsAsNumbersAndBase64() {
    JsonNode plain = server.post("/v1/embeddings", "{\"model\":\"base\",\"input\":[\"ab\",\"c\"]}").json();
    assertThat(plain.at("/data/0/embedding")).hasSize(3);
    assertThat(plain.at("/data/0/embedding/1").asDouble()).isEqualTo(2);
    assertThat(plain.at("/data/1/index").asInt()).isEqualTo(1);
    assertThat(plain.at("/usage/total_tokens").asInt()).isEqualTo(3);
    String text = server.post("/v1/embeddings", "{\"model\":\"sft\",\"input\":[1,2,3],\"encoding_format\":\"base64\"}").json().at("/data/0/embedding").asText();
    ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(text)).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(new float[] {bytes.getFloat(), bytes.getFloat(), bytes.getFloat()}).containsExactly(0.5f, 3, -1.25f);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
    "'temperature':-1 | temperature",
    "'temperature':'hot' | temperature",
    "'temperature':1e999 | temperature",
    "'top_p':2 | top_p",
    "'top_k':1.5 | top_k",
    "'min_p':1 | min_p",
    "'repetition_penalty':0 | repetition_penalty",
    "'presence_penalty':3 | presence_penalty",
    "'logit_bias':{'x':1} | logit_bias",
    "'logit_bias':{'99999999':1} | logit_bias",
    "'logit_bias':{'1':101} | logit_bias",
    "'n':0 | n",
    "'n':100 | n",
    "'seed':1.5 | seed",
    "'seed':99999999999999999999 | seed",
    "'stop':['']  | stop",
    "'stop':5 | stop",
    "'stream':'yes' | stream",
    "'stream_options':{'include_usage':true} | stream_options",
    "'max_tokens':0 | max_tokens",
    "'max_tokens':-5 | max_tokens",
    "'max_tokens':5,'max_completion_tokens':5 | max_tokens",
    "'max_completion_tokens':5000 | messages",
    "'top_logprobs':2 | top_logprobs",
    "'logprobs':true,'top_logprobs':21 | top_logprobs",
    "'response_format':{'type':'yaml'} | response_format.type",
    "'response_format':{'type':'json_schema'} | response_format.json_schema",
    "'response_format':'json' | response_format.type",
    "'guided_regex':'(' | guided_regex",
    "'guided_regex':'a','guided_choice':['b'] | guided_regex",
    "'tool_choice':'required' | tool_choice",
    "'tools':{} | tools",
    "'adapters':[{'name':'none'}] | adapters",
    "'adapters':[{'name':'sft','scale':'big'}] | adapters.scale",
    "'functions':[] | functions",
    "'colour':'red' | colour",
    "'user':'\\ud800' | NONE"
  })
  void badFieldsAreNamed(String fields, String param) {
    FakeServer.Reply reply = server.chat(fields);
    if (param.equals("NONE")) {
      assertThat(reply.status()).isEqualTo(200);
      return;
    }
    assertThat(reply.status()).as(reply.body()).isEqualTo(400);
    JsonNode error = reply.json().path("error");
    assertThat(error.path("param").asText()).isEqualTo(param);
    assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
    assertThat(error.path("message").asText()).isNotBlank();
    assertThat(error.has("code")).isTrue();
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
    "{'messages':[]} | model",
    "{'model':5,'messages':[]} | model",
    "{'model':'base'} | messages",
    "{'model':'base','messages':[]} | messages",
    "{'model':'base','messages':['hi']} | messages[0]",
    "{'model':'base','messages':[{'role':'king','content':'x'}]} | messages[0].role",
    "{'model':'base','messages':[{'role':'user','content':[{'type':'image_url','image_url':{'url':'data:'}}]}]} | messages[0].content"
  })
  void badMessagesAreNamed(String body, String param) {
    FakeServer.Reply reply = server.post("/v1/chat/completions", body.replace('\'', '"'));
    assertThat(reply.status()).as(reply.body()).isEqualTo(400);
    assertThat(reply.json().at("/error/param").asText()).isEqualTo(param);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
    "'prompt':5 | prompt", "'prompt':[] | prompt", "'prompt':[-1] | prompt", "'prompt':[1.5] | prompt", "'prompt':[99999999] | prompt", "'prompt':[[]] | prompt",
    "'prompt':['a',[1],7] | prompt", "'prompt':'a','best_of':3 | best_of", "'prompt':'a','suffix':'b' | suffix", "'prompt':'a','echo':true,'logprobs':1 | echo",
    "'prompt':'a','logprobs':true | logprobs", "'prompt':'\\ud800' | prompt"
  })
  void badCompletionsAreNamed(String fields, String param) {
    FakeServer.Reply reply = server.complete(fields);
    assertThat(reply.status()).as(reply.body()).isEqualTo(400);
    assertThat(reply.json().at("/error/param").asText()).isEqualTo(param);
  }

  @Test
  void contextOverflowHasItsCode() {
    JsonNode error = server.complete("'prompt':'" + "x".repeat(FakeEngine.CONTEXT) + "'").json().path("error");
    assertThat(error.path("code").asText()).isEqualTo("context_length_exceeded");
    assertThat(error.path("message").asText()).contains("256");
    assertThat(server.chat("'max_tokens':255").json().at("/error/code").asText()).isEqualTo("context_length_exceeded");
    assertThat(server.chat("'max_tokens':254").status()).isEqualTo(200);
  }

  @Test
  void unknownModelIs404() {
    FakeServer.Reply reply = server.post("/v1/completions", "{\"model\":\"gpt\",\"prompt\":\"a\"}");
    assertThat(reply.status()).isEqualTo(404);
    assertThat(reply.json().at("/error/code").asText()).isEqualTo("model_not_found");
    assertThat(reply.json().at("/error/param").asText()).isEqualTo("model");
  }
  private static JsonNode json(String text) {
    try {
      return Fields.JSON.readTree(text);
    } catch (IOException e) {
      throw new AssertionError(text, e);
    }
  }
}
