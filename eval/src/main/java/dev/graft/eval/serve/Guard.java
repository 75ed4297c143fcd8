package dev.graft.eval.serve;

import io.vertx.core.http.HttpServerRequest;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Who may ask: keys, and which names and pages of a browser. Threads may share it. */
final class Guard {
  private static final Set<String> LOOPBACK_NAMES = Set.of("localhost", "127.0.0.1", "[::1]");

  private final byte[] apiKey;
  private final byte[] adminKey;
  private final boolean loopback;
  private final String host;
  private final List<String> origins;

  Guard(ServeSettings settings) {
    apiKey = settings.apiKey() == null ? null : digest(settings.apiKey());
    adminKey = settings.adminKey() == null ? null : digest(settings.adminKey());
    loopback = isLoopback(settings.host());
    host = settings.host().toLowerCase(Locale.ROOT);
    origins = settings.corsOrigins();
  }

  /** Whether only this machine reaches an address. */
  static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  boolean hasAdmin() {
    return adminKey != null;
  }

  /** @throws ApiException when the request does not bring the key of requests, or of the administrator */
  void checkKey(HttpServerRequest request, boolean admin) {
    if (!admin && apiKey == null) {
      return;
    }
    String header = request.getHeader("authorization");
    byte[] given = digest(header != null && header.regionMatches(true, 0, "Bearer ", 0, 7) ? header.substring(7).strip() : "");
    boolean known = MessageDigest.isEqual(given, admin ? adminKey : apiKey) | (adminKey != null && MessageDigest.isEqual(given, adminKey));
    if (!known) {
      throw ApiException.invalid(401, "Incorrect or missing " + (admin ? "admin" : "API") + " key; send it as 'Authorization: Bearer KEY'", "invalid_api_key");
    }
  }

  /**
   * Against pages of other sites that a browser on this machine shows: a name that was made to point here (DNS rebinding), and requests across origins.
   *
   * @throws ApiException when it is one
   */
  void checkOrigin(HttpServerRequest request) {
    String authority = request.getHeader("host");
    String name = authority == null ? "" : authority.toLowerCase(Locale.ROOT).replaceFirst(":\\d+$", "");
    if (loopback && !LOOPBACK_NAMES.contains(name) && !name.equals(host) && !name.equals("[" + host + "]")) {
      throw ApiException.invalid(403, "The Host header does not name this machine's loopback address", "host_not_allowed");
    }
    String origin = request.getHeader("origin");
    if (origin != null && !allowed(origin) && !origin.equalsIgnoreCase("http://" + authority) && !origin.equalsIgnoreCase("https://" + authority)) {
      throw ApiException.invalid(403, "Pages of another origin may not ask; start the server with --cors-origin to let them", "origin_not_allowed");
    }
  }

  /** Headers that let an allowed page read the answer. @return whether this was the browser's question whether it may, now answered */
  boolean cors(Exchange exchange) {
    HttpServerRequest request = exchange.request();
    String origin = request.getHeader("origin");
    if (origin == null || !allowed(origin)) {
      return false;
    }
    exchange.header("access-control-allow-origin", origins.contains("*") ? "*" : origin);
    exchange.header("vary", "origin");
    exchange.header("access-control-expose-headers", "x-request-id, retry-after");
    if (!request.method().name().equals("OPTIONS") || request.getHeader("access-control-request-method") == null) {
      return false;
    }
    String headers = request.getHeader("access-control-request-headers");
    exchange.header("access-control-allow-methods", "GET, POST, DELETE");
    exchange.header("access-control-allow-headers", headers == null ? "authorization, content-type" : headers);
    exchange.header("access-control-max-age", "600");
    exchange.empty(204);
    return true;
  }

  private boolean allowed(String origin) {
    return origins.contains("*") || origins.contains(origin);
  }

  private static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
