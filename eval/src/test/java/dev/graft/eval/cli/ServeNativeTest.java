package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.CacheType;
import dev.graft.bindings.GraftRuntime;
import dev.graft.eval.serve.ServeServer;
import dev.graft.eval.serve.ServeSettings;
import dev.graft.eval.serve.ServedEngine;
import dev.graft.eval.serve.ServedModel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Our own engine behind the API. */
@Timeout(120)
class ServeNativeTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Golden GOLDEN = Golden.of("llama_f32");

  @TempDir Path folder;
  private final HttpClient http = HttpClient.newHttpClient();
  private ServeServer server;
  private ServedModel model;
  private URI root;

  @BeforeEach
  void start() throws IOException {
    ServeSettings local = ServeSettings.local();
    server = ServeServer.listen(new ServeSettings(local.host(), 0, null, "boss", 64, 8, local.maxBodyBytes(), 0, List.of(), "none"));
    model = new ServedEngine(GOLDEN.model(), "none", ServedEngine.NATIVE, 8, 64, 0, 0, CacheType.F32, 1).open("base", Map.of("tuned", GOLDEN.adapter()), () -> GraftRuntime.open("cpu", null, 1), note -> {});
    server.ready(model);
    root = URI.create("http://127.0.0.1:" + server.port());
  }

  @AfterEach
  void stop() {
    server.close();
    model.close();
  }

  @Test
  void answersAreThoseOfGenerate() throws Exception {
    Path rows = folder.resolve("rows.jsonl");
    List<String> prompts = List.of("[1,5,9]", "[1,5,9,30,31]", "[1,200,7,7]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]");
    Files.write(rows, prompts.stream().map(ids -> "{\"prompt_ids\":" + ids + ",\"completion_ids\":[1]}").toList());
    Path base = folder.resolve("base.jsonl");
    Path tuned = folder.resolve("tuned.jsonl");
    Cli.run("generate", "--model", GOLDEN.model(), "--data", rows, "--output", base, "--max-tokens", 12, "--threads", 1, "--quiet").ok();
    Cli.run("generate", "--model", GOLDEN.model(), "--adapter", GOLDEN.adapter(), "--data", rows, "--output", tuned, "--max-tokens", 12, "--threads", 1, "--quiet").ok();
    List<CompletableFuture<JsonNode>> replies = new ArrayList<>();
    for (String name : List.of("base", "tuned")) {
      for (String ids : prompts) {
        replies.add(CompletableFuture.supplyAsync(() -> post("/v1/completions", "{\"model\":\"" + name + "\",\"prompt\":" + ids + ",\"max_tokens\":12,\"temperature\":0}")));
      }
    }
    List<String> texts = replies.stream().map(reply -> reply.join().at("/choices/0/text").asText()).toList();
    List<String> expected = new ArrayList<>();
    Golden.lines(base).forEach(line -> expected.add(line.path("text").asText()));
    Golden.lines(tuned).forEach(line -> expected.add(line.path("text").asText()));
    assertThat(texts).isEqualTo(expected);
    assertThat(texts.subList(0, 4)).isNotEqualTo(texts.subList(4, 8));
  }

  @Test
  void formsHold() {
    JsonNode choice = post("/v1/completions", "{\"model\":\"tuned\",\"prompt\":[1,5],\"max_tokens\":40,\"guided_choice\":[\"yes\",\"no\"]}");
    assertThat(choice.at("/choices/0/text").asText()).isIn("yes", "no");
    JsonNode regex = post("/v1/completions", "{\"model\":\"base\",\"prompt\":[1,5],\"max_tokens\":40,\"guided_regex\":\"[ab]{3}\"}");
    assertThat(regex.at("/choices/0/text").asText()).matches("[ab]{3}");
    JsonNode wrong = post("/v1/completions", "{\"model\":\"base\",\"prompt\":[1,5],\"guided_regex\":\"(\"}");
    assertThat(wrong.at("/error/param").asText()).isEqualTo("guided_regex");
  }

  @Test
  void anAdapterOfAnotherBaseIsRefused() {
    JsonNode refused = post("/admin/adapters", "{\"name\":\"other\",\"path\":\"" + Golden.of("llama_q8_0").folder().resolve("model.gguf") + "\"}");
    assertThat(refused.at("/error/param").asText()).isEqualTo("path");
    assertThat(post("/admin/adapters", "{\"name\":\"again\",\"path\":\"" + GOLDEN.adapter() + "\"}").path("id").asText()).isEqualTo("again");
    String ask = "{\"model\":\"%s\",\"prompt\":[1,5,9],\"max_tokens\":6,\"temperature\":0}";
    assertThat(post("/v1/completions", ask.formatted("again")).at("/choices/0/text")).isEqualTo(post("/v1/completions", ask.formatted("tuned")).at("/choices/0/text"));
  }

  private JsonNode post(String path, String body) {
    try {
      HttpRequest request = HttpRequest.newBuilder(root.resolve(path)).header("Authorization", "Bearer boss").POST(HttpRequest.BodyPublishers.ofString(body)).build();
      return JSON.readTree(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
