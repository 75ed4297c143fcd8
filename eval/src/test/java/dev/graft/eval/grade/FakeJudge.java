package dev.graft.eval.grade;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** An endpoint of chat completions that behaves as a test wants; it counts what it answered with a grade. */
public final class FakeJudge implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger requests = new AtomicInteger();
  private final Map<String, AtomicInteger> asked = new ConcurrentHashMap<>();
  private final List<JsonNode> bodies = new CopyOnWriteArrayList<>();
  private final List<String> keys = new CopyOnWriteArrayList<>();
  private volatile Behaviour behaviour;

  /** How a request is answered. */
  public interface Behaviour {
    /** @param request its number, from 1  @param question text of the last user's message but reminders */
    void answer(HttpExchange exchange, int request, String question) throws IOException, InterruptedException;
  }

  public FakeJudge(Behaviour behaviour) throws IOException {
    this.behaviour = behaviour;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  public void behave(Behaviour other) {
    behaviour = other;
  }

  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  /** Requests that came. */
  public int requests() {
    return requests.get();
  }

  /** How often each question was asked. */
  public Map<String, AtomicInteger> asked() {
    return asked;
  }

  public List<JsonNode> bodies() {
    return bodies;
  }

  public List<String> keys() {
    return keys;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      int number = requests.incrementAndGet();
      JsonNode body = JSON.readTree(exchange.getRequestBody());
      bodies.add(body);
      keys.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
      String question = body.path("messages").path(0).path("content").asText();
      asked.computeIfAbsent(question, q -> new AtomicInteger()).incrementAndGet();
      behaviour.answer(exchange, number, question);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  public static void reply(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  public static void says(HttpExchange exchange, String text) throws IOException {
    reply(exchange, 200, JSON.writeValueAsString(Map.of("choices", List.of(Map.of("message", Map.of("role", "assistant", "content", text), "finish_reason", "stop")))));
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
