package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A client of a server on this machine. */
class ApiClient {
  final URI root;
  private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5)).build();

  ApiClient(int port) {
    root = URI.create("http://127.0.0.1:" + port);
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
}
