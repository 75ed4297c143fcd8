package dev.graft.eval.serve;

import dev.graft.trainer.serve.EngineStatus;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** What Prometheus reads at {@code /metrics}. Threads may share it. */
final class ServeMetrics implements AutoCloseable {
  private static final Duration[] BUCKETS = buckets();

  private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Timer firstToken = timer("graft.time.to.first.token", "From a request's arrival to the first text of its answer").register(registry);
  private final Timer answer = timer("graft.answer", "From a request's arrival to the end of its answer").register(registry);
  private final Timer betweenTokens = timer("graft.time.per.token", "Mean time between the tokens of an answer, after the first").register(registry);

  ServeMetrics() {
    new JvmMemoryMetrics().bindTo(registry);
  }

  /** Reads the engine's own counters from now on. */
  void engine(Served served) {
    gauge(served, "graft.queue.waiting", "Requests not begun", EngineStatus::waiting);
    gauge(served, "graft.queue.active", "Requests at work", EngineStatus::active);
    gauge(served, "graft.cache.tokens", "Tokens in the cache", EngineStatus::cacheTokens);
    gauge(served, "graft.cache.capacity.tokens", "Tokens that the cache holds", EngineStatus::cacheCapacity);
    counter(served, "graft.prompt.tokens", "Tokens of prompts computed", EngineStatus::promptTokens);
    counter(served, "graft.prompt.tokens.reused", "Tokens of prompts found in the cache", EngineStatus::reusedTokens);
    counter(served, "graft.answer.tokens", "Tokens generated", EngineStatus::answerTokens);
    Gauge.builder("graft.adapters", served, s -> s.engine().adapters().size()).description("Adapters loaded").register(registry);
  }

  private void gauge(Served served, String name, String description, ToDoubleFunction<EngineStatus> value) {
    Gauge.builder(name, served, s -> value.applyAsDouble(s.engine().status())).description(description).register(registry);
  }

  private void counter(Served served, String name, String description, ToDoubleFunction<EngineStatus> value) {
    FunctionCounter.builder(name, served, s -> value.applyAsDouble(s.engine().status())).description(description).register(registry);
  }

  private static Timer.Builder timer(String name, String description) {
    return Timer.builder(name).description(description).serviceLevelObjectives(BUCKETS);
  }

  private static Duration[] buckets() {
    long[] millis = {1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000};
    Duration[] buckets = new Duration[millis.length];
    for (int i = 0; i < millis.length; i++) {
      buckets[i] = Duration.ofMillis(millis[i]);
    }
    return buckets;
  }

  /** A request is over. */
  void request(String route, int status, long nanos) {
    timer("graft.http.requests", "Requests by route and status").tags("route", route, "status", Integer.toString(status)).register(registry).record(Duration.ofNanos(nanos));
  }

  void firstToken(long nanos) {
    firstToken.record(Duration.ofNanos(nanos));
  }

  /** An answer is whole. @param nanos from the request's arrival  @param sinceFirst from its first token  @param tokens of it */
  void answered(long nanos, long sinceFirst, int tokens) {
    answer.record(Duration.ofNanos(nanos));
    if (tokens > 1) {
      betweenTokens.record(Duration.ofNanos(sinceFirst / (tokens - 1)));
    }
  }

  /** Seconds after which a place in the queue may be free, by what answers took so far. */
  long retryAfter(int waiting, int parallel) {
    double mean = answer.mean(TimeUnit.MILLISECONDS) / 1000;
    return Math.max(1, Math.min(60, (long) Math.ceil(mean * waiting / Math.max(1, parallel) / 2)));
  }

  /** The text format of Prometheus, version 0.0.4. */
  String text() {
    return registry.scrape();
  }

  @Override
  public void close() {
    registry.close();
  }
}
