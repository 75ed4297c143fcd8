package dev.graft.eval.serve;

import io.vertx.core.http.HttpConnection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Open connections: not too many, and none that does nothing for long (a client that never finishes its request line, say). Threads may share it. */
final class Connections {
  private static final int MOST = 1024;
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(75);

  private final Map<HttpConnection, Use> open = new ConcurrentHashMap<>();

  private static final class Use {
    final AtomicInteger running = new AtomicInteger();
    volatile long last = System.nanoTime();
  }

  /** A new one. */
  void add(HttpConnection connection) {
    if (open.size() >= MOST) {
      connection.close();
      return;
    }
    open.put(connection, new Use());
    connection.closeHandler(closed -> open.remove(connection));
    connection.exceptionHandler(broken -> connection.close());
  }

  void begin(HttpConnection connection) {
    Use use = open.get(connection);
    if (use != null) {
      use.running.incrementAndGet();
    }
  }

  void end(HttpConnection connection) {
    Use use = open.get(connection);
    if (use != null) {
      use.last = System.nanoTime();
      use.running.decrementAndGet();
    }
  }

  /** Closes those that did nothing for long. */
  void closeIdle() {
    long now = System.nanoTime();
    open.forEach((connection, use) -> {
      if (use.running.get() == 0 && now - use.last > IDLE_NANOS) {
        connection.close();
      }
    });
  }
}
