package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.BindException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How the server behaves: keys, limits, queue, clients that leave, its beginning and its end. */
@Timeout(60)
class ServeServerTest {
  private static final ServeSettings QUIET = ServeSettings.local();
  private static final String CHAT = "{\"model\":\"base\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"secret\"}]}";

  @TempDir Path folder;

  @Test
  void listensBeforeTheModelIsThere() throws IOException {
    try (FakeServer server = FakeServer.loading(QUIET)) {
      assertThat(server.get("/health").status()).isEqualTo(503);
      assertThat(server.get("/health").json().path("status").asText()).isEqualTo("loading");
      FakeServer.Reply early = server.chat("");
      assertThat(early.status()).isEqualTo(503);
      assertThat(early.header("retry-after")).isNotNull();
      assertThat(early.json().at("/error/code").asText()).isEqualTo("loading");
      server.ready();
      assertThat(server.get("/health").json().path("status").asText()).isEqualTo("ok");
      assertThat(server.chat("").status()).isEqualTo(200);
    }
  }

  @Test
  void keys() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET.withKeys("sesame", "boss"))) {
      assertThat(server.get("/health").status()).isEqualTo(200);
      for (FakeServer.Reply reply : List.of(server.get("/v1/models"), server.get("/v1/models", "Authorization", "Bearer sesam"), server.get("/metrics"),
          server.get("/v1/models", "Authorization", "sesame"))) {
        assertThat(reply.status()).isEqualTo(401);
        assertThat(reply.json().at("/error/code").asText()).isEqualTo("invalid_api_key");
      }
      assertThat(server.get("/v1/models", "Authorization", "Bearer sesame").status()).isEqualTo(200);
      assertThat(server.get("/v1/models", "Authorization", "bearer boss").status()).isEqualTo(200);
      assertThat(server.post("/admin/adapters", "{}", "Authorization", "Bearer sesame").status()).isEqualTo(401);
    }
  }

  @Test
  void adaptersComeAndGo() throws IOException {
    Path file = Files.createFile(folder.resolve("new.gguf"));
    try (FakeServer server = FakeServer.start(QUIET.withKeys(null, "boss"))) {
      String body = "{\"name\":\"new\",\"path\":\"" + file + "\"}";
      assertThat(server.post("/admin/adapters", body).status()).isEqualTo(401);
      FakeServer.Reply added = server.post("/admin/adapters", body, "Authorization", "Bearer boss");
      assertThat(added.status()).isEqualTo(201);
      assertThat(added.json().path("parent").asText()).isEqualTo("base");
      assertThat(server.get("/v1/models").json().path("data").findValuesAsText("id")).containsExactly("base", "sft", "dpo", "new");
      assertThat(server.post("/v1/completions", "{\"model\":\"new\",\"prompt\":\"a\"}").json().at("/choices/0/text").asText()).startsWith("new w1");
      assertThat(server.post("/admin/adapters", body, "Authorization", "Bearer boss").status()).isEqualTo(409);
      assertThat(server.post("/admin/adapters", "{\"name\":\"x\",\"path\":\"/nowhere\"}", "Authorization", "Bearer boss").status()).isEqualTo(400);
      assertThat(server.post("/admin/adapters", "{\"name\":\"a b\",\"path\":\"" + file + "\"}", "Authorization", "Bearer boss").json().at("/error/param").asText()).isEqualTo("name");
      assertThat(server.delete("/admin/adapters/new", "Authorization", "Bearer boss").json().path("deleted").asBoolean()).isTrue();
      assertThat(server.delete("/admin/adapters/new", "Authorization", "Bearer boss").status()).isEqualTo(404);
      assertThat(server.post("/v1/completions", "{\"model\":\"new\",\"prompt\":\"a\"}").status()).isEqualTo(404);
    }
    try (FakeServer server = FakeServer.start(QUIET)) {
      assertThat(server.post("/admin/adapters", "{}").status()).as("off without a key").isEqualTo(404);
    }
  }

  @Test
  void badRequestsGetTheirStatusAndTheServerLivesOn() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET.withLimits(8, 2000, 4))) {
      for (String body : List.of("", "{", "[]", "nonsense", "{\"model\":\"base\",\"model\":\"base\"}", "{\"temperature\":NaN}", "{} {}", "[".repeat(1900))) {
        FakeServer.Reply reply = server.post("/v1/chat/completions", body);
        assertThat(reply.status()).as(body).isEqualTo(400);
        assertThat(reply.json().at("/error/message").asText()).isNotBlank();
      }
      byte[] latin = "{\"model\":\"base\",\"prompt\":\"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1);
      assertThat(server.send(server.request("/v1/completions").POST(HttpRequest.BodyPublishers.ofByteArray(latin))).status()).isEqualTo(400);
      assertThat(server.post("/v1/completions", "x".repeat(2001)).status()).isEqualTo(413);
      HttpRequest.BodyPublisher endless = HttpRequest.BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(new byte[5000]));
      assertThat(server.send(server.request("/v1/completions").POST(endless)).status()).as("chunked").isEqualTo(413);
      assertThat(server.chat("'max_tokens':5").json().at("/error/param").asText()).as("the server's limit").isEqualTo("max_tokens");
      assertThat(server.chat("").json().at("/choices/0/finish_reason").asText()).isEqualTo("length");
      assertThat(server.get("/v1/chat/completions").status()).isEqualTo(405);
      assertThat(server.get("/v1/chat/completions").header("allow")).isEqualTo("POST");
      assertThat(server.get("/v1/nothing").status()).isEqualTo(404);
      assertThat(server.get("/../../etc/passwd").status()).isIn(400, 404);
      assertThat(raw(server, "BANANA\r\n\r\n")).contains(" 400 ");
      assertThat(raw(server, "GET /" + "x".repeat(9000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")).contains(" 414 ");
      assertThat(raw(server, "GET /health HTTP/1.1\r\nHost: localhost\r\nx: " + "x".repeat(20000) + "\r\n\r\n")).contains(" 431 ");
      assertThat(server.chat("").status()).isEqualTo(200);
    }
  }

  @Test
  void strangersOfABrowserAreKeptOut() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET.withCors(List.of("https://good.example")))) {
      assertThat(raw(server, "GET /v1/models HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 403");
      assertThat(raw(server, "GET /v1/models HTTP/1.1\r\nHost: LOCALHOST:80\r\nConnection: close\r\n\r\n")).startsWith("HTTP/1.1 200");
      assertThat(server.get("/v1/models", "Origin", "https://evil.example").status()).isEqualTo(403);
      FakeServer.Reply good = server.get("/v1/models", "Origin", "https://good.example");
      assertThat(good.status()).isEqualTo(200);
      assertThat(good.header("access-control-allow-origin")).isEqualTo("https://good.example");
      assertThat(server.get("/v1/models", "Origin", server.root.toString()).status()).isEqualTo(200);
      FakeServer.Reply preflight = server.send(server.request("/v1/chat/completions", "Origin", "https://good.example", "Access-Control-Request-Method", "POST")
          .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
      assertThat(preflight.status()).isEqualTo(204);
      assertThat(preflight.header("access-control-allow-methods")).contains("POST");
      assertThat(server.get("/health").header("access-control-allow-origin")).isNull();
    }
  }

  @Test
  void aFullQueueIs429AndPassesBy() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET.withLimits(2, 4 << 20, 0))) {
      server.engine.pace = 100;
      List<CompletableFuture<FakeServer.Reply>> replies = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        replies.add(CompletableFuture.supplyAsync(() -> server.chat(""), task -> new Thread(task).start()));
      }
      List<FakeServer.Reply> all = replies.stream().map(CompletableFuture::join).toList();
      assertThat(all).extracting(FakeServer.Reply::status).containsOnly(200, 429);
      assertThat(all).filteredOn(reply -> reply.status() == 429).allSatisfy(reply -> {
        assertThat(Integer.parseInt(reply.header("retry-after"))).isBetween(1, 60);
        assertThat(reply.json().at("/error/code").asText()).isEqualTo("queue_full");
      });
      assertThat(server.chat("").status()).isEqualTo(200);
    }
  }

  @Test
  void allOfARequestOrNoneIsTaken() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET.withLimits(3, 4 << 20, 0))) {
      server.engine.pace = 200;
      assertThat(server.chat("'n':8").status()).isEqualTo(429);
      await(() -> server.engine.cancelled.size() == server.engine.taken.size());
      assertThat(server.engine.taken).isNotEmpty();
    }
  }

  @Test
  void aClientThatLeavesIsNoticed() throws Exception {
    try (FakeServer server = FakeServer.start(QUIET)) {
      server.engine.pace = 30;
      server.engine.words = 200;
      for (boolean stream : new boolean[] {true, false}) {
        server.engine.cancelled.clear();
        try (Socket socket = ask(server, stream)) {
          if (stream) {
            BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            assertThat(in.readLine()).startsWith("HTTP/1.1 200");
          } else {
            await(() -> server.engine.status().active() == 1);
          }
        }
        await(() -> server.engine.cancelled.size() == 1);
        await(() -> server.engine.status().active() == 0);
      }
      assertThat(server.get("/metrics").body()).contains("status=\"499\"");
    }
  }

  @Test
  void aClientThatDoesNotReadIsCut() throws Exception {
    try (FakeServer server = FakeServer.start(QUIET)) {
      server.engine.words = 250;
      List<Socket> deaf = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(1024);
        socket.connect(new java.net.InetSocketAddress("127.0.0.1", server.root.getPort()));
        send(socket, "{\"model\":\"base\",\"stream\":true,\"n\":40,\"logprobs\":true,\"top_logprobs\":20,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}");
        deaf.add(socket);
      }
      await(() -> server.engine.cancelled.size() > 1);
      for (Socket socket : deaf) {
        socket.close();
      }
      server.engine.words = 0;
      assertThat(server.chat("").status()).isEqualTo(200);
    }
  }

  @Test
  void anEngineThatFails() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET)) {
      server.engine.failAfter = 0;
      FakeServer.Reply reply = server.chat("'stream':true");
      assertThat(reply.status()).as("nothing was sent yet").isEqualTo(500);
      assertThat(reply.json().at("/error/type").asText()).isEqualTo("server_error");
      server.engine.failAfter = 2;
      assertThat(server.chat("").status()).isEqualTo(500);
      List<String> events = server.chat("'stream':true").events();
      assertThat(events.get(events.size() - 1)).contains("\"error\"");
      server.engine.failAfter = -1;
      server.engine.broken = true;
      assertThat(server.chat("").status()).as("an engine that ends an answer with nothing").isEqualTo(500);
      server.engine.broken = false;
      assertThat(server.chat("").status()).isEqualTo(200);
    }
  }

  @Test
  void stopsInGoodOrder() throws Exception {
    try (FakeServer server = FakeServer.start(QUIET)) {
      server.engine.pace = 100;
      CompletableFuture<FakeServer.Reply> running = CompletableFuture.supplyAsync(() -> server.chat("'stream':true"));
      await(() -> server.engine.status().active() == 1);
      CompletableFuture<Boolean> drained = CompletableFuture.supplyAsync(() -> drain(server, 10));
      await(() -> server.get("/health").status() == 503);
      assertThat(server.chat("").json().at("/error/code").asText()).isEqualTo("shutting_down");
      assertThat(drained.get()).isTrue();
      assertThat(running.get().events()).last().isEqualTo("[DONE]");
    }
    try (FakeServer server = FakeServer.start(QUIET)) {
      server.engine.pace = 50;
      server.engine.words = 200;
      try (Socket socket = ask(server, true)) {
        await(() -> server.engine.status().active() == 1);
        assertThat(drain(server, 0)).isFalse();
        server.server.close();
        await(() -> server.engine.cancelled.size() == 1);
        assertThat(socket.getInputStream().readAllBytes()).isNotNull();
      }
    }
  }

  private static boolean drain(FakeServer server, int seconds) {
    try {
      return server.server.drain(Duration.ofSeconds(seconds));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void metricsTellWhatHappened() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET)) {
      server.chat("");
      server.chat("'n':0");
      server.get("/nothing");
      String text = server.get("/metrics").body();
      assertThat(text).contains("graft_http_requests_seconds_count{route=\"/v1/chat/completions\",status=\"200\"} 1", "route=\"/v1/chat/completions\",status=\"400\"} 1",
          "route=\"other\",status=\"404\"} 1", "graft_queue_waiting 0", "graft_cache_tokens 3", "graft_prompt_tokens_total 7", "graft_prompt_tokens_reused_total 2",
          "graft_answer_tokens_total 5", "graft_time_to_first_token_seconds_bucket", "graft_time_to_first_token_seconds_count 1", "graft_adapters 2", "jvm_memory_used_bytes");
    }
  }

  @Test
  void theAccessLogHasNoContents() throws Exception {
    Path file = folder.resolve("access.jsonl");
    try (FakeServer server = FakeServer.start(ServeSettings.local().withAccessLog(file.toString()))) {
      server.post("/v1/chat/completions", CHAT.formatted(true));
      server.get("/v1/models?key=1");
    }
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(2);
    JsonNode line = Fields.JSON.readTree(lines.get(0));
    assertThat(line.path("status").asInt()).isEqualTo(200);
    assertThat(line.path("path").asText()).isEqualTo("/v1/chat/completions");
    assertThat(line.path("model").asText()).isEqualTo("base");
    assertThat(line.path("prompt_tokens").asInt()).isEqualTo(6);
    assertThat(line.path("completion_tokens").asInt()).isEqualTo(5);
    assertThat(line.has("first_ms") && line.has("ms") && line.has("time") && line.has("remote") && line.has("id")).isTrue();
    assertThat(String.join("", lines)).doesNotContain("secret", "w1", "key=1");
  }

  @Test
  void aTakenPortIsSaid() throws IOException {
    try (FakeServer server = FakeServer.start(QUIET)) {
      ServeSettings same = new ServeSettings("127.0.0.1", server.root.getPort(), null, null, 1, 1, 1000, 0, List.of(), "none");
      assertThatThrownBy(() -> ServeServer.listen(same)).isInstanceOf(BindException.class);
    }
  }

  private static Socket ask(FakeServer server, boolean stream) throws IOException {
    Socket socket = new Socket("127.0.0.1", server.root.getPort());
    send(socket, CHAT.formatted(stream));
    return socket;
  }

  private static void send(Socket socket, String body) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  private static String raw(FakeServer server, String request) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", server.root.getPort())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8)).readLine();
    }
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("it did not happen in time").isLessThan(end);
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}
