package dev.graft.eval.serve;

import java.util.List;

/**
 * How a server listens and what it lets through.
 *
 * @param port 0 for any free one
 * @param apiKey that requests must bring, or null  @param adminKey that lets adapters be added and dropped, or null for nobody
 * @param queue most requests that wait  @param parallel most that are answered at once
 * @param maxBodyBytes of a request  @param maxTokens most of an answer, 0 for what the context leaves
 * @param corsOrigins pages of other origins that may ask; "*" for all  @param accessLog a file, {@code -} for standard error or {@code none}
 */
public record ServeSettings(
    String host,
    int port,
    String apiKey,
    String adminKey,
    int queue,
    int parallel,
    int maxBodyBytes,
    int maxTokens,
    List<String> corsOrigins,
    String accessLog) {
  /** On loopback, at any free port, open to this machine, without an access log. */
  public static ServeSettings local() {
    return new ServeSettings("127.0.0.1", 0, null, null, 64, 8, 4 << 20, 0, List.of(), "none");
  }

  /** Whether other machines may reach it. */
  public boolean open() {
    return !Guard.isLoopback(host);
  }

  /** The same with another number of requests at once. */
  public ServeSettings withParallel(int requests) {
    return new ServeSettings(host, port, apiKey, adminKey, queue, requests, maxBodyBytes, maxTokens, corsOrigins, accessLog);
  }

  ServeSettings withKeys(String api, String admin) {
    return new ServeSettings(host, port, api, admin, queue, parallel, maxBodyBytes, maxTokens, corsOrigins, accessLog);
  }

  ServeSettings withLimits(int waiting, int bodyBytes, int tokens) {
    return new ServeSettings(host, port, apiKey, adminKey, waiting, parallel, bodyBytes, tokens, corsOrigins, accessLog);
  }

  ServeSettings withCors(List<String> origins) {
    return new ServeSettings(host, port, apiKey, adminKey, queue, parallel, maxBodyBytes, maxTokens, origins, accessLog);
  }

  ServeSettings withAccessLog(String file) {
    return new ServeSettings(host, port, apiKey, adminKey, queue, parallel, maxBodyBytes, maxTokens, corsOrigins, file);
  }
}
