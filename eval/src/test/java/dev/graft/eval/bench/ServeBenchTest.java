package dev.graft.eval.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.graft.eval.bench.ServeBench.Load;
import dev.graft.eval.bench.ServeBench.Settings;
import dev.graft.eval.bench.ServeBench.UnfinishedException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ServeBenchTest {
  private static final String PIECE = "data: {\"choices\":[{\"text\":\"a\"}]}\n\n";

  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicInteger asked = new AtomicInteger();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private HttpServer server;
  private int hangsFrom = Integer.MAX_VALUE;
  private String last = whole(3);

  @BeforeEach
  void listen() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/v1/completions", exchange -> {
      boolean hangs = asked.incrementAndGet() >= hangsFrom;
      exchange.getRequestBody().readAllBytes();
      exchange.sendResponseHeaders(200, 0);
      try (OutputStream body = exchange.getResponseBody()) {
        body.write(PIECE.repeat(2).getBytes(StandardCharsets.UTF_8));
        body.flush();
        if (hangs) {
          end.await(1, TimeUnit.MINUTES);
        } else {
          body.write(last.getBytes(StandardCharsets.UTF_8));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    server.start();
  }

  @AfterEach
  void stop() {
    end.countDown();
    server.stop(0);
    threads.shutdownNow();
  }

  private static String whole(int tokens) {
    return "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":" + tokens + "}}\n\ndata: [DONE]\n\n";
  }

  private Load run(boolean exact, Duration limit) throws IOException, InterruptedException {
    Settings settings = new Settings(2, 5, 3, 2, 100, Set.of(7), 1, exact, limit);
    return new ServeBench(settings).run(URI.create("http://127.0.0.1:" + server.getAddress().getPort()), List.of("m"));
  }

  @Test
  void countsWhatWasAskedFor() throws Exception {
    Load load = run(true, Duration.ofMinutes(1));
    assertThat(load.requests()).isEqualTo(4);
    assertThat(load.promptTokens()).isEqualTo(20);
    assertThat(load.answerTokens()).isEqualTo(12);
    assertThat(load.firstText()).hasSize(4);
    assertThat(load.gaps()).hasSize(4);
    last = whole(2); // pieces, say
    assertThat(run(false, Duration.ofMinutes(1)).answerTokens()).isEqualTo(12);
    assertThatThrownBy(() -> run(true, Duration.ofMinutes(1))).isInstanceOf(IOException.class).hasMessageContaining("ended early");
    last = "data: {\"error\":{\"message\":\"it died\"}}\n\n";
    assertThatThrownBy(() -> run(false, Duration.ofMinutes(1))).isInstanceOf(IOException.class).hasMessageContaining("it died");
  }

  @Test
  @Timeout(30)
  void aServerThatHangsIsReported() {
    hangsFrom = 3;
    assertThatThrownBy(() -> run(true, Duration.ofSeconds(2))).isInstanceOfSatisfying(UnfinishedException.class, e -> {
      assertThat(e.requests()).isEqualTo(4);
      assertThat(e.answers()).isEqualTo(2);
      assertThat(e.pieces()).isEqualTo(8);
      assertThat(e.seconds()).isBetween(2.0, 20.0);
    });
  }

  @Test
  void theBestOfEachSideIsCompared() {
    ServeComparison result = new ServeComparison(16, 2, 8);
    assertThat(result.ratio()).isNull();
    result.add(ServeComparison.OURS, took(2));
    result.add(ServeComparison.PEER, took(9));
    result.add(ServeComparison.OURS, took(3));
    result.add(ServeComparison.PEER, took(6));
    assertThat(result.ratio()).isEqualTo(3);
    result.unfinished(new UnfinishedException(4, 1, 2, 3));
    assertThat(result.ratio()).isNull();
    assertThat(ServeBenchReport.json(result)).containsEntry("ratio_to_peer", null).containsEntry("threads", 2);
  }

  private static Load took(double seconds) {
    return new Load(1, seconds, 1, 12, new double[] {1}, new double[0]);
  }
}
