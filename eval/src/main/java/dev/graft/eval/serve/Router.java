package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.bindings.GraftException;
import dev.graft.bindings.UsageException;
import dev.graft.trainer.serve.EngineStatus;
import dev.graft.trainer.serve.QueueFullException;
import io.vertx.core.Vertx;
import io.vertx.core.WorkerExecutor;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Finds out what a request wants, whether it may, and has it done. Event loops share it. */
final class Router {
  private static final int ADMIN_BODY_BYTES = 1 << 16;

  private final ServeSettings settings;
  private final ServeMetrics metrics;
  private final Guard guard;
  private final PageFiles page = new PageFiles();
  private final WorkerExecutor prepare;
  private final WorkerExecutor embed;
  private final WorkerExecutor admin;
  private final AtomicInteger preparing = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private volatile Served served;
  private volatile boolean draining;

  Router(Vertx vertx, ServeSettings settings, ServeMetrics metrics) {
    this.settings = settings;
    this.metrics = metrics;
    guard = new Guard(settings);
    prepare = vertx.createSharedWorkerExecutor("graft-prepare", 2, 1, TimeUnit.HOURS);
    embed = vertx.createSharedWorkerExecutor("graft-embed", 1, 1, TimeUnit.HOURS);
    admin = vertx.createSharedWorkerExecutor("graft-admin", 1, 1, TimeUnit.HOURS);
  }

  void ready(Served loaded) {
    served = loaded;
  }

  void drain() {
    draining = true;
  }

  void began() {
    running.incrementAndGet();
  }

  void ended() {
    running.decrementAndGet();
  }

  /** Requests without a whole answer. */
  int running() {
    return running.get();
  }

  void handle(Exchange exchange) {
    try {
      dispatch(exchange);
    } catch (ApiException e) {
      exchange.error(e);
    } catch (RuntimeException e) {
      exchange.error(failure(exchange, e));
    }
  }

  private void dispatch(Exchange exchange) {
    String path = exchange.request().path() == null ? "" : exchange.request().path();
    String method = exchange.request().method().name();
    if (guard.cors(exchange)) {
      return;
    }
    guard.checkOrigin(exchange.request());
    Route route = Route.of(method, path).filter(found -> found.access() != Route.Access.ADMIN || guard.hasAdmin()).orElse(null);
    if (route == null) {
      unknown(exchange, method, path);
      return;
    }
    exchange.route(route.label());
    if (route.access() != Route.Access.OPEN) {
      guard.checkKey(exchange.request(), route.access() == Route.Access.ADMIN);
    }
    Served now = served;
    if (route.access() != Route.Access.OPEN && route != Route.METRICS) {
      checkState(exchange, now);
    }
    switch (route) {
      case HEALTH -> health(exchange);
      case METRICS -> exchange.send(200, "text/plain; version=0.0.4; charset=utf-8", metrics.text().getBytes(StandardCharsets.UTF_8));
      case MODELS -> models(exchange, now);
      case MODEL -> model(exchange, now, decoded(route.rest(path)));
      case CHAT -> answer(exchange, now, body -> ChatReader.read(body, now, settings.maxTokens()));
      case COMPLETIONS -> answer(exchange, now, body -> CompletionReader.read(body, now, settings.maxTokens()));
      case EMBEDDINGS -> exchange.body(settings.maxBodyBytes(), body -> limited(exchange, embed, () -> EmbeddingCall.answer(body, now, exchange, settings.parallel()), json -> exchange.json(200, json)));
      case ADD_ADAPTER -> exchange.body(ADMIN_BODY_BYTES, body -> blocking(exchange, admin, () -> added(body, now), json -> exchange.json(201, json)));
      case DROP_ADAPTER -> blocking(exchange, admin, () -> dropped(decoded(route.rest(path)), now), json -> exchange.json(200, json));
    }
  }

  private void unknown(Exchange exchange, String method, String path) {
    String allowed = Route.of(path).filter(found -> found.access() != Route.Access.ADMIN || guard.hasAdmin()).map(Route::method).distinct().collect(Collectors.joining(", "));
    boolean file = page.has(path);
    if (file && (method.equals("GET") || method.equals("HEAD"))) {
      exchange.route("/page");
      page.send(exchange);
      return;
    } else if (file || !allowed.isEmpty()) {
      exchange.header("allow", file ? "GET" : allowed);
      throw ApiException.invalid(405, "This path does not take " + method, "method_not_allowed");
    }
    throw ApiException.invalid(404, "There is nothing at this path; the API begins with /v1", "not_found");
  }

  private void checkState(Exchange exchange, Served now) {
    if (draining) {
      exchange.header("connection", "close");
      throw ApiException.unavailable("The server is stopping and takes no more requests", "shutting_down");
    } else if (now == null) {
      exchange.header("retry-after", "2");
      throw ApiException.unavailable("The model is still loading; try again in a moment", "loading");
    }
  }

  private void health(Exchange exchange) {
    String status = draining ? "stopping" : served == null ? "loading" : "ok";
    exchange.header("cache-control", "no-store");
    exchange.json(status.equals("ok") ? 200 : 503, JsonNodeFactory.instance.objectNode().put("status", status));
  }

  private void models(Exchange exchange, Served now) {
    ObjectNode root = JsonNodeFactory.instance.objectNode().put("object", "list");
    ArrayNode data = root.putArray("data");
    now.models().forEach(name -> data.add(model(now, name)));
    exchange.json(200, root);
  }

  private static void model(Exchange exchange, Served now, String name) {
    if (!now.models().contains(name)) {
      throw ApiException.unknownModel(name);
    }
    exchange.json(200, model(now, name));
  }

  private static ObjectNode model(Served now, String name) {
    return JsonNodeFactory.instance.objectNode().put("id", name).put("object", "model").put("created", now.created()).put("owned_by", "graft")
        .put("parent", name.equals(now.name()) ? null : now.name()).put("context_length", now.engine().contextLength());
  }

  private static String decoded(String part) {
    try {
      return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw ApiException.invalid(400, "The path is not percent-encoded UTF-8", "invalid_path");
    }
  }

  /** Reads a body into a job. */
  private interface Reader {
    AnswerJob read(byte[] body);
  }

  private void answer(Exchange exchange, Served now, Reader reader) {
    exchange.body(settings.maxBodyBytes(), body -> {
      EngineStatus status = now.engine().status();
      if (status.waiting() >= settings.queue() + Math.max(0, settings.parallel() - status.active())) { // before the work of reading it
        refuse(exchange, now, ApiException.queueFull());
        return;
      }
      limited(exchange, prepare, () -> {
        AnswerJob job = reader.read(body);
        int most = settings.parallel() + settings.queue();
        if (job.requests().size() > most) {
          throw ApiException.bad("n", "The request asks for " + job.requests().size() + " answers, but this server takes at most " + most + " at once");
        }
        exchange.run(() -> exchange.log().put("model", job.model()).put("stream", job.stream()).put("answers", job.requests().size()));
        new AnswerCall(exchange, job, metrics).submit(now.engine());
        return job;
      }, job -> {});
    });
  }

  /** Work that costs something: only so much of it waits. */
  private <T> void limited(Exchange exchange, WorkerExecutor worker, Callable<T> work, Consumer<T> then) {
    if (preparing.incrementAndGet() > settings.parallel() + settings.queue()) {
      preparing.decrementAndGet();
      refuse(exchange, served, ApiException.queueFull());
      return;
    }
    blocking(exchange, worker, () -> {
      try {
        return exchange.over() ? null : work.call();
      } finally {
        preparing.decrementAndGet();
      }
    }, then);
  }

  private <T> void blocking(Exchange exchange, WorkerExecutor worker, Callable<T> work, Consumer<T> then) {
    worker.executeBlocking(work, false).onComplete(then::accept, failure -> refuse(exchange, served, failure));
  }

  private void refuse(Exchange exchange, Served now, Throwable failure) {
    ApiException known = failure instanceof ApiException api ? api
        : failure instanceof QueueFullException ? ApiException.queueFull() : failure instanceof UsageException ? ApiException.bad(null, failure.getMessage()) : failure(exchange, failure);
    if (known.status() == 429) {
      exchange.header("retry-after", Long.toString(metrics.retryAfter(now.engine().status().waiting() + 1, settings.parallel())));
    }
    exchange.error(known);
  }

  private static ApiException failure(Exchange exchange, Throwable failure) {
    exchange.log().put("error", failure.getClass().getSimpleName() + ": " + failure.getMessage());
    String told = failure instanceof GraftException ? failure.getMessage() : "internal error; the server's log has it under " + exchange.id();
    return ApiException.failed(500, "The request failed: " + told);
  }

  private ObjectNode added(byte[] body, Served now) {
    Fields fields = Fields.parse(body);
    String name = fields.requiredText("name");
    String path = fields.requiredText("path");
    fields.done();
    if (!Served.NAME.matcher(name).matches()) {
      throw ApiException.bad("name", "name must be letters, digits and ._:/@+-, at most 128");
    } else if (now.models().contains(name)) {
      throw new ApiException(409, "invalid_request_error", "There is a model of the name " + name + " already; DELETE it first", "name", "name_taken");
    }
    try {
      now.engine().addAdapter(name, Path.of(path));
    } catch (InvalidPathException e) {
      throw ApiException.bad("path", "path is no path: " + e.getReason());
    } catch (UsageException e) {
      throw ApiException.bad("name", e.getMessage());
    } catch (UnsupportedOperationException e) {
      throw ApiException.bad(null, e.getMessage(), "unsupported");
    } catch (GraftException e) {
      throw ApiException.bad("path", e.getMessage());
    }
    return model(now, name);
  }

  private static ObjectNode dropped(String name, Served now) {
    try {
      if (!now.engine().removeAdapter(name)) {
        throw ApiException.unknownModel(name);
      }
    } catch (UnsupportedOperationException e) {
      throw ApiException.bad(null, e.getMessage(), "unsupported");
    }
    return JsonNodeFactory.instance.objectNode().put("id", name).put("object", "model").put("deleted", true);
  }
}
