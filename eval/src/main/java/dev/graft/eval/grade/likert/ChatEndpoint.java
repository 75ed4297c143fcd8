package dev.graft.eval.grade.likert;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One request to an endpoint of OpenAI's chat completions, and what came of it. Redirects are not followed: they could take the key elsewhere. Any thread. */
final class ChatEndpoint {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MAX_REPLY_BYTES = 4 << 20;
  private static final int LONGEST = 20_000;
  private static final int SHOWN = 200;

  private final EndpointOptions options;
  private final HttpClient client;
  /** Parameters that the model turned out not to take. */
  private final Set<String> unwanted = ConcurrentHashMap.newKeySet();

  ChatEndpoint(EndpointOptions options) {
    this.options = options;
    this.client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER).connectTimeout(options.timeout()).build();
  }

  /** How a request ended. */
  enum Kind {
    /** The model's words. */
    ANSWER,
    /** A reply without an answer in it. */
    GARBAGE,
    /** It may work later. */
    AGAIN,
    /** This request will never work. */
    REFUSED,
    /** None will. */
    FATAL
  }

  /**
   * What came of a request.
   *
   * @param text the answer, or what is wrong  @param waitMillis that the server asked for, or empty
   */
  record Outcome(Kind kind, String text, OptionalLong waitMillis) {}

  /** A message of a conversation. */
  record Message(String role, String content) {}

  /** Sends a conversation and waits for the answer. */
  Outcome send(List<Message> messages) throws InterruptedException {
    Set<String> without = Set.copyOf(unwanted);
    CompletableFuture<HttpResponse<String>> future = client.sendAsync(request(body(messages, without)), info -> new LimitedBody(MAX_REPLY_BYTES));
    try {
      HttpResponse<String> response = future.get(options.timeout().toMillis(), TimeUnit.MILLISECONDS);
      Outcome outcome = outcome(response);
      return outcome.kind() == Kind.REFUSED && adapts(response.body(), without) ? send(messages) : outcome;
    } catch (TimeoutException e) {
      future.cancel(true);
      return again("no answer within " + options.timeout().toMillis() / 1000.0 + " s");
    } catch (InterruptedException e) {
      future.cancel(true);
      throw e;
    } catch (ExecutionException e) {
      return again(reason(e.getCause()));
    }
  }

  private static Outcome again(String why) {
    return new Outcome(Kind.AGAIN, why, OptionalLong.empty());
  }

  private static String reason(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnknownHostException || cause instanceof UnresolvedAddressException) {
        return "the host is not known";
      } else if (cause instanceof java.net.http.HttpTimeoutException) {
        return "no connection in time";
      } else if (cause instanceof ConnectException) {
        return "the connection is refused";
      }
    }
    return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
  }

  private String body(List<Message> messages, Set<String> without) {
    ObjectNode body = JSON.createObjectNode().put("model", options.model());
    ArrayNode list = body.putArray("messages");
    messages.forEach(message -> list.addObject().put("role", message.role()).put("content", message.content()));
    if (!without.contains("temperature")) {
      body.put("temperature", 0);
    }
    body.put(without.contains("max_tokens") ? "max_completion_tokens" : "max_tokens", options.maxTokens());
    return body.toString();
  }

  private HttpRequest request(String body) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(options.url()).timeout(options.timeout()).header("Content-Type", "application/json").header("Accept", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body, StandardCharsets.UTF_8));
    if (options.key() != null) {
      builder.header("Authorization", "Bearer " + options.key());
    }
    return builder.build();
  }

  /** Some models refuse max_tokens (they want max_completion_tokens) or a temperature; whether leaving that is new. */
  private boolean adapts(String body, Set<String> without) {
    String parameter = parse(body).path("error").path("param").asText("");
    if ((parameter.equals("max_tokens") || parameter.equals("temperature")) && !without.contains(parameter)) {
      unwanted.add(parameter);
      return true;
    }
    return false;
  }

  private Outcome outcome(HttpResponse<String> response) {
    int status = response.statusCode();
    JsonNode root = parse(response.body());
    JsonNode error = root.path("error");
    if (status == 200 && error.isObject() && !root.has("choices")) {
      status = error.path("code").isInt() ? error.path("code").intValue() : 200; // some gateways answer 200 with an error inside
    }
    if (status == 200) {
      JsonNode message = root.path("choices").path(0).path("message");
      String content = content(message.path("content"));
      boolean cut = root.path("choices").path(0).path("finish_reason").asText().equals("length");
      return content == null || content.isBlank()
          ? new Outcome(Kind.GARBAGE, cut ? "nothing within " + options.maxTokens() + " tokens (raise --judge-max-tokens)" : "no answer: " + shown(response.body()), OptionalLong.empty())
          : new Outcome(Kind.ANSWER, end(content.strip()), OptionalLong.empty());
    }
    String said = error.isTextual() ? error.asText() : error.path("message").asText(root.path("message").asText(""));
    String text = "HTTP " + status + (said.isBlank() ? "" : ": " + shown(said));
    if (status == 408 || status == 409 || status == 425 || status == 429 || status >= 500) {
      boolean spent = error.path("code").asText().equals("insufficient_quota"); // waiting does not help
      return new Outcome(spent ? Kind.FATAL : Kind.AGAIN, text, Backoff.asked(response.headers(), Instant.now()));
    }
    return new Outcome(status == 400 || status == 413 || status == 422 ? Kind.REFUSED : Kind.FATAL, text, OptionalLong.empty());
  }

  /** A string, or the text parts of a list; null where there is none. */
  private static String content(JsonNode content) {
    if (content.isArray()) {
      StringBuilder text = new StringBuilder();
      content.forEach(part -> text.append(part.path("text").asText("")));
      return text.toString();
    }
    return content.isTextual() ? content.textValue() : null;
  }

  /** The last of a long reply, where a grade stands behind thoughts. */
  private static String end(String content) {
    return content.length() <= LONGEST ? content : content.substring(content.length() - LONGEST);
  }

  private static JsonNode parse(String body) {
    try {
      JsonNode node = JSON.readTree(body);
      return node == null ? JSON.missingNode() : node;
    } catch (JsonProcessingException e) {
      return JSON.missingNode();
    }
  }

  /** A server's words for a message: one line, not too long, without the key. */
  private String shown(String text) {
    String line = options.key() == null ? text : text.replace(options.key(), "***");
    line = line.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
    return line.isEmpty() ? "an empty reply" : line.length() > SHOWN ? line.substring(0, SHOWN) + "..." : line;
  }
}
