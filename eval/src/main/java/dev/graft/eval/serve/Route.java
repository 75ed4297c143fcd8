package dev.graft.eval.serve;

import java.util.Optional;
import java.util.stream.Stream;

/** What the server answers to, besides the page's files. */
enum Route {
  HEALTH("GET", "/health", Access.OPEN),
  METRICS("GET", "/metrics", Access.API),
  MODELS("GET", "/v1/models", Access.API),
  MODEL("GET", "/v1/models/", Access.API),
  CHAT("POST", "/v1/chat/completions", Access.API),
  COMPLETIONS("POST", "/v1/completions", Access.API),
  EMBEDDINGS("POST", "/v1/embeddings", Access.API),
  ADD_ADAPTER("POST", "/admin/adapters", Access.ADMIN),
  DROP_ADAPTER("DELETE", "/admin/adapters/", Access.ADMIN);

  /** Which key lets one in. */
  enum Access {
    OPEN,
    API,
    ADMIN
  }

  private final String method;
  private final String path;
  private final Access access;

  Route(String method, String path, Access access) {
    this.method = method;
    this.path = path;
    this.access = access;
  }

  /** The routes of a path, whatever the method; a path that ends with a slash stands for all that begin with it. */
  static Stream<Route> of(String path) {
    return Stream.of(values()).filter(route -> route.path.endsWith("/") ? path.startsWith(route.path) && path.length() > route.path.length() : path.equals(route.path));
  }

  static Optional<Route> of(String method, String path) {
    String asked = method.equals("HEAD") ? "GET" : method;
    return of(path).filter(route -> route.method.equals(asked)).findFirst();
  }

  /** What of a path stands behind the route's own. */
  String rest(String of) {
    return of.substring(path.length());
  }

  String method() {
    return method;
  }

  Access access() {
    return access;
  }

  /** For logs and metrics. */
  String label() {
    return path.endsWith("/") ? path + "{name}" : path;
  }
}
