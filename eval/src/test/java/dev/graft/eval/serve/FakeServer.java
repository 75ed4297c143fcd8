package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A server in front of a {@link FakeEngine}, and a client of it. */
final class FakeServer implements AutoCloseable {
  static final Vocabulary VOCABULARY = Vocabulary.read(demoBase());

  final FakeEngine engine;
  final ServeServer server;
  final URI root;
  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5)).build();

  private FakeServer(ServeSettings settings, FakeEngine engine) throws IOException {
    this.engine = engine;
    server = ServeServer.listen(settings);
    root = URI.create("http://127.0.0.1:" + server.port());
  }

  static FakeServer start() throws IOException {
    return start(ServeSettings.local());
  }

  static FakeServer start(ServeSettings settings) throws IOException {
    FakeServer server = loading(settings);
    server.ready();
    return server;
  }

  /** One that has no model yet. */
  static FakeServer loading(ServeSettings settings) throws IOException {
    return new FakeServer(settings, new FakeEngine(settings.queue(), "sft", "dpo"));
  }

  void ready() {
    server.ready(new Served("base", engine, new Prompts(), VOCABULARY, new VocabularyForms(VOCABULARY), 1_700_000_000));
  }

  static Path demoBase() {
    try {
      return Path.of(FakeServer.class.getResource("/dev/graft/eval/demo/demo-base.gguf").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A letter is a token. */
  private static final class Prompts implements PromptSource {
    @Override
    public int[] chat(JsonNode messages, Map<String, Object> extra) {
      StringBuilder text = new StringBuilder(String.valueOf(extra.getOrDefault("tools", "")));
      messages.forEach(message -> text.append(message.path("content").asText()));
      return text(text.toString());
    }

    @Override
    public int[] text(String text) {
      return text.chars().map(c -> c % 128).toArray();
    }

    @Override
    public boolean takesTools() {
      return true;
    }
  }

  /** A reply, its body also as JSON where it is. */
  record Reply(int status, String body, HttpResponse<String> whole) {
    JsonNode json() {
      try {
        return Fields.JSON.readTree(body);
      } catch (IOException e) {
        throw new AssertionError(body, e);
      }
    }

    String header(String name) {
      return whole.headers().firstValue(name).orElse(null);
    }

    /** What an event stream's lines of data hold. */
    List<String> events() {
      List<String> events = new ArrayList<>();
      for (String part : body.split("\n\n")) {
        if (!part.startsWith("data: ")) {
          throw new AssertionError("not an event: " + part);
        }
        events.add(part.substring(6));
      }
      return events;
    }
  }

  Reply get(String path, String... headers) {
    return send(request(path, headers).GET());
  }

  Reply post(String path, String body, String... headers) {
    return send(request(path, headers).POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  /** A body in which single quotes stand for double ones. */
  Reply chat(String fields) {
    return post("/v1/chat/completions", ("{'model':'base','messages':[{'role':'user','content':'hi'}]" + (fields.isEmpty() ? "" : "," + fields) + "}").replace('\'', '"'));
  }

  Reply complete(String fields) {
    return post("/v1/completions", ("{'model':'base'," + fields + "}").replace('\'', '"'));
  }

  Reply delete(String path, String... headers) {
    return send(request(path, headers).DELETE());
  }

  HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(root.resolve(path)).timeout(Duration.ofSeconds(20));
    return headers.length == 0 ? builder : builder.headers(headers);
  }

  Reply send(HttpRequest.Builder request) {
    try {
      HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      return new Reply(response.statusCode(), response.body(), response);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    server.close();
    engine.close();
  }
}
