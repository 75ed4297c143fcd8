package dev.graft.eval.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One request and its answer, with what the access log says of it. All of it on its connection's event loop, but for {@link #run}. */
final class Exchange {
  private static final long BODY_MILLIS = TimeUnit.SECONDS.toMillis(60);
  private static final long STALL_MILLIS = TimeUnit.SECONDS.toMillis(30);
  private static final long STALLED_BYTES = 1 << 20;

  private static final int LOGGED = 200;

  private final Vertx vertx;
  private final Context context;
  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final String id = "req-" + UUID.randomUUID();
  private final long start = System.nanoTime();
  private final ObjectNode log = Fields.JSON.createObjectNode();
  private String route = "other";
  private Runnable gone = () -> {};
  private Runnable whenOver = () -> {};
  private volatile boolean over;
  private long stalledBytes;

  Exchange(Vertx vertx, HttpServerRequest request) {
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    this.request = request;
    this.response = request.response();
    response.putHeader("x-request-id", id);
    response.closeHandler(closed -> {
      leave();
      finished();
    });
    response.endHandler(ended -> finished());
    response.exceptionHandler(failure -> leave());
  }

  private void finished() {
    Runnable told = whenOver;
    whenOver = () -> {};
    told.run();
  }

  /** What to do once when everything was sent, or the client has left. */
  void onOver(Runnable action) {
    whenOver = action;
  }

  /** The client is gone: whoever works for it hears of that, once. */
  private void leave() {
    if (!over && !response.ended()) {
      over = true;
      log.put("gone", true);
      gone.run();
    }
  }

  HttpServerRequest request() {
    return request;
  }

  String id() {
    return id;
  }

  /** When it came, as {@link System#nanoTime} counts. */
  long start() {
    return start;
  }

  /** More for the access log. */
  ObjectNode log() {
    return log;
  }

  /** The route's name, for logs and metrics. */
  String route() {
    return route;
  }

  void route(String name) {
    route = name;
  }

  /** Status that was sent; 499 when the client left before that, as nginx writes it. */
  int status() {
    return response.headWritten() ? response.getStatusCode() : 499;
  }

  /** Whether nothing more can or need be sent. */
  boolean over() {
    return over || response.ended() || response.closed();
  }

  /** The access log's line: who asked what, how it went and how long it took. */
  ObjectNode logLine(long nanos) {
    ObjectNode line = Fields.JSON.createObjectNode().put("time", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString()).put("id", id);
    line.put("remote", request.remoteAddress() == null ? "" : request.remoteAddress().hostAddress()).put("method", request.method().name());
    line.put("path", shortened(request.path())).put("status", status()).put("ms", Math.round(nanos / 1e4) / 100.0).put("bytes", response.bytesWritten());
    line.put("user_agent", shortened(request.getHeader("user-agent")));
    return line.setAll(log);
  }

  private static String shortened(String text) {
    return text == null || text.length() <= LOGGED ? text : text.substring(0, LOGGED) + "…";
  }

  /** What to do when the client goes away before it has everything. */
  void onGone(Runnable action) {
    if (over) {
      action.run();
    } else {
      gone = action;
    }
  }

  /** Runs something on the event loop, from any thread; not when the server is closed. */
  void run(Runnable action) {
    try {
      context.runOnContext(ignored -> guarded(action));
    } catch (RejectedExecutionException closed) {
      // nobody is there any more to hear of it
    }
  }

  /** What goes wrong here would leave the client waiting for ever. */
  private void guarded(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      log.put("error", e.getClass().getSimpleName() + ": " + e.getMessage());
      gone.run();
      error(ApiException.failed(500, "The request failed: internal error; the server's log has it under " + id));
    }
  }

  void header(String name, String value) {
    response.putHeader(name, value);
  }

  /** Reads the body and hands it on; too large or too slow a one is answered here. */
  void body(int most, Consumer<byte[]> then) {
    long declared = length();
    if (declared > most) {
      refuseBody(most);
      return;
    }
    Buffer body = Buffer.buffer();
    long timer = vertx.setTimer(BODY_MILLIS, late -> {
      closeAfterwards();
      error(ApiException.invalid(408, "The body took longer than " + BODY_MILLIS / 1000 + " s to arrive", "request_timeout"));
    });
    request.exceptionHandler(failure -> vertx.cancelTimer(timer));
    request.handler(part -> {
      if (body.length() + part.length() > most) {
        vertx.cancelTimer(timer);
        request.handler(rest -> {});
        refuseBody(most);
      } else if (!over()) {
        body.appendBuffer(part);
      }
    });
    request.endHandler(end -> {
      vertx.cancelTimer(timer);
      if (!over()) {
        then.accept(body.getBytes());
      }
    });
  }

  private long length() {
    try {
      String header = request.getHeader("content-length");
      return header == null ? 0 : Long.parseLong(header.strip());
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

  private void refuseBody(int most) {
    closeAfterwards();
    error(ApiException.invalid(413, "The body is larger than " + most + " bytes; send less, or start the server with a larger --max-body-bytes", "request_too_large"));
  }

  private void closeAfterwards() {
    response.putHeader("connection", "close");
    run(() -> vertx.setTimer(1000, later -> request.connection().close())); // the client may still be sending: let it read the answer first
  }

  void error(ApiException failure) {
    if (over()) {
      return;
    }
    if (response.headWritten()) { // a stream that has begun
      event(failure.json());
      finish();
      return;
    }
    if (failure.status() == 401) {
      response.putHeader("www-authenticate", "Bearer");
    }
    json(failure.status(), failure.json());
  }

  void json(int status, JsonNode body) {
    send(status, "application/json; charset=utf-8", bytes(body));
  }

  void send(int status, String type, byte[] body) {
    if (over()) {
      return;
    }
    response.setStatusCode(status).putHeader("content-type", type).putHeader("x-content-type-options", "nosniff");
    if (request.method().equals(HttpMethod.HEAD)) {
      response.putHeader("content-length", Integer.toString(body.length)).end();
    } else {
      response.end(Buffer.buffer(body));
    }
  }

  /** A status without a body. */
  void empty(int status) {
    if (!over()) {
      response.setStatusCode(status).end();
    }
  }

  /** Begins a stream of server-sent events, if it has not begun. */
  void stream() {
    if (!over() && !response.headWritten()) {
      response.setStatusCode(200).setChunked(true).putHeader("content-type", "text/event-stream; charset=utf-8").putHeader("cache-control", "no-cache")
          .putHeader("x-accel-buffering", "no").putHeader("x-content-type-options", "nosniff");
    }
  }

  /** One event; a client that does not take them for long is left. */
  void event(JsonNode data) {
    write(bytes(data));
  }

  /** The end of a stream of events, as OpenAI's has it. */
  void doneEvent() {
    write("[DONE]".getBytes(StandardCharsets.US_ASCII));
    finish();
  }

  private void finish() {
    if (!over()) {
      response.end();
    }
  }

  private void write(byte[] data) {
    if (over()) {
      return;
    }
    boolean free = !response.writeQueueFull();
    response.write(Buffer.buffer(data.length + 8).appendString("data: ").appendBytes(data).appendString("\n\n"));
    if (!response.writeQueueFull()) {
      stalledBytes = 0;
      return;
    }
    stalledBytes += data.length;
    if (free) {
      long timer = vertx.setTimer(STALL_MILLIS, late -> cut());
      response.drainHandler(drained -> {
        vertx.cancelTimer(timer);
        stalledBytes = 0;
      });
    } else if (stalledBytes > STALLED_BYTES) {
      cut();
    }
  }

  private void cut() {
    if (!over() && response.writeQueueFull()) {
      log.put("stalled", true);
      leave();
      request.connection().close();
    }
  }

  private static byte[] bytes(JsonNode node) {
    try {
      return Fields.JSON.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
