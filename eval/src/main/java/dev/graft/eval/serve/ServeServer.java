package dev.graft.eval.serve;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The HTTP server: listens at once, answers once it is {@link #ready}, and at the end finishes what runs. It owns neither engine nor tokenizer. Threads may share it.
 */
public final class ServeServer implements AutoCloseable {
  private static final int CLOSE_SECONDS = 10;
  private static final long SWEEP_MILLIS = 5000;
  private static final int DRAIN_STEP_MILLIS = 20;

  private final Vertx vertx;
  private final ServeMetrics metrics = new ServeMetrics();
  private final Connections connections = new Connections();
  private final AccessLog log;
  private final Router router;
  private HttpServer server;

  private ServeServer(Vertx vertx, ServeSettings settings, AccessLog log) {
    this.vertx = vertx;
    this.log = log;
    router = new Router(vertx, settings, metrics);
  }

  /** Begins to listen; everything but health is refused until it is ready. @throws IOException when the address cannot be had, or the access log not be opened */
  public static ServeServer listen(ServeSettings settings) throws IOException {
    AccessLog log = AccessLog.open(settings.accessLog());
    VertxOptions options = new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1).setInternalBlockingPoolSize(1).setBlockedThreadCheckInterval(60_000);
    options.setFileSystemOptions(new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false));
    ServeServer serve = new ServeServer(Vertx.vertx(options), settings, log);
    try {
      serve.open(settings);
      return serve;
    } catch (IOException | RuntimeException e) {
      serve.close();
      throw e;
    }
  }

  private void open(ServeSettings settings) throws IOException {
    HttpServerOptions options = new HttpServerOptions().setHttp2ClearTextEnabled(false).setHandle100ContinueAutomatically(true).setMaxInitialLineLength(8192)
        .setMaxHeaderSize(16_384).setTcpNoDelay(true).setReuseAddress(true);
    try {
      server = vertx.createHttpServer(options).connectionHandler(connections::add).requestHandler(this::handle).invalidRequestHandler(this::malformed)
          .listen(settings.port(), settings.host()).toCompletionStage().toCompletableFuture().join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof IOException reason ? reason : new IOException(e.getCause());
    }
    vertx.setPeriodic(SWEEP_MILLIS, tick -> connections.closeIdle());
  }

  /** The port that it listens at. */
  public int port() {
    return server.actualPort();
  }

  /** From now on it answers with this model, which stays open until the server is closed. */
  public void ready(ServedModel model) {
    ready(model.served());
  }

  /** From now on it answers with this. */
  void ready(Served served) {
    metrics.engine(served);
    router.ready(served);
  }

  private Exchange begin(HttpServerRequest request) {
    Exchange exchange = new Exchange(vertx, request);
    connections.begin(request.connection());
    router.began();
    exchange.onOver(() -> over(exchange));
    return exchange;
  }

  private void handle(HttpServerRequest request) {
    router.handle(begin(request));
  }

  private void malformed(HttpServerRequest request) {
    Exchange exchange = begin(request);
    exchange.header("connection", "close");
    Throwable cause = request.decoderResult() == null ? null : request.decoderResult().cause();
    String name = cause == null ? "" : cause.getClass().getSimpleName();
    int status = name.contains("TooLongHttpLine") ? 414 : name.contains("TooLongHttpHeader") ? 431 : 400;
    exchange.error(ApiException.invalid(status, "This is no HTTP request that the server can read", "invalid_http"));
    exchange.run(() -> request.connection().close());
  }

  private void over(Exchange exchange) {
    HttpServerRequest request = exchange.request();
    long nanos = System.nanoTime() - exchange.start();
    connections.end(request.connection());
    router.ended();
    metrics.request(exchange.route(), exchange.status(), nanos);
    log.add(exchange.logLine(nanos));
  }

  /** Refuses new requests from now on, and waits for those that run. @return false when some still ran at the end of that time */
  public boolean drain(Duration most) throws InterruptedException {
    router.drain();
    long end = System.nanoTime() + most.toNanos();
    while (router.running() > 0) {
      if (System.nanoTime() > end) {
        return false;
      }
      Thread.sleep(DRAIN_STEP_MILLIS);
    }
    return true;
  }

  /** Closes every connection; answers that run are cut, and their clients' engine is told so. */
  @Override
  public void close() {
    try {
      vertx.close().toCompletionStage().toCompletableFuture().get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // the process ends, or the test does: there is nobody to tell
    }
    log.close();
    metrics.close();
  }
}
