package dev.graft.eval.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.eval.grade.likert.EndpointJudge;
import dev.graft.eval.grade.likert.EndpointOptions;
import dev.graft.eval.grade.likert.GradeCache;
import dev.graft.eval.grade.likert.Grading;
import dev.graft.eval.grade.likert.Likert;
import dev.graft.eval.grade.likert.LikertJudge;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.StopRequest;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An endpoint that is busy, slow, away or silly loses no grade, and none is paid twice. */
class EndpointJudgeTest {
  @TempDir Path folder;

  private static List<LikertJudge.Question> questions(int n) {
    return IntStream.range(0, n).mapToObj(i -> new LikertJudge.Question("row " + i, "question " + i)).toList();
  }

  private static EndpointOptions options(String url, int retries, long timeoutMillis, int parallel) {
    return new EndpointOptions(EndpointOptions.address(url), "judge-1", "sk-secret-1", retries, Duration.ofMillis(timeoutMillis), parallel, 8, Duration.ofMillis(1));
  }

  private Grading.Result grade(EndpointOptions options, int n) {
    try (GradeCache cache = GradeCache.open(folder.resolve("grades")); EndpointJudge judge = new EndpointJudge(options)) {
      return new Grading(judge, cache).grade(questions(n), Silent.LISTENER, new StopRequest());
    }
  }

  private static int number(String question) {
    return Integer.parseInt(question.substring("question ".length()));
  }

  private static List<Integer> grades(Grading.Result result) {
    return result.grades().stream().map(grade -> grade == null ? 0 : grade.grade()).toList();
  }

  private static List<Integer> expected(int n) {
    return IntStream.range(0, n).map(i -> i % 5 + 1).boxed().toList();
  }

  @Test
  void busyAndBrokenAnswersAreAskedAgainAndEveryGradeIsPaidOnce() throws IOException {
    AtomicInteger given = new AtomicInteger();
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      switch (request % 5) {
        case 1 -> {
          exchange.getResponseHeaders().add("Retry-After", "0");
          FakeJudge.reply(exchange, 429, "{\"error\": {\"message\": \"slow down\"}}");
        }
        case 2 -> FakeJudge.reply(exchange, 503, "");
        case 3 -> exchange.close(); // no answer at all
        default -> {
          given.incrementAndGet();
          FakeJudge.says(exchange, (number(question) % 5 + 1) + ".");
        }
      }
    })) {
      assertThat(grades(grade(options(fake.url(), 50, 30_000, 3), 20))).isEqualTo(expected(20));
      assertThat(given.get()).isEqualTo(20);
      int before = fake.requests();
      Grading.Result again = grade(options(fake.url(), 50, 30_000, 3), 20);
      assertThat(grades(again)).isEqualTo(expected(20));
      assertThat(again.cached()).isEqualTo(20);
      assertThat(fake.requests()).isEqualTo(before);
      assertThat(fake.keys()).containsOnly("Bearer sk-secret-1");
      assertThat(Files.readString(folder.resolve("grades"))).doesNotContain("sk-secret").doesNotContain("127.0.0.1");
    }
  }

  @Test
  void retryAfterIsWaitedFor() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      if (request == 1) {
        exchange.getResponseHeaders().add("Retry-After", "1");
        FakeJudge.reply(exchange, 429, "");
      } else {
        FakeJudge.says(exchange, "3");
      }
    })) {
      long start = System.nanoTime();
      grade(options(fake.url(), 1, 30_000, 1), 1);
      assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(1_000_000_000L); // a lower bound only
    }
  }

  @Test
  void whatWasGradedBeforeTheEndpointWentAwayIsKept() throws IOException {
    AtomicInteger given = new AtomicInteger();
    FakeJudge.Behaviour good = (exchange, request, question) -> {
      given.incrementAndGet();
      FakeJudge.says(exchange, "" + (number(question) % 5 + 1));
    };
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      if (number(question) < 7) {
        good.answer(exchange, request, question);
      } else {
        Thread.sleep(60_000); // times out
      }
    })) {
      assertThatThrownBy(() -> grade(options(fake.url(), 0, 3000, 2), 20)).isInstanceOfSatisfying(RunException.class, e -> assertThat(e.exitCode()).isEqualTo(1))
          .hasMessageContaining("no answer within 3.0 s (1 try)").hasMessageContaining("7 of 20 grades are kept in").hasMessageContaining("run the same command again");
      fake.behave(good);
      assertThat(grades(grade(options(fake.url(), 1, 30_000, 2), 20))).isEqualTo(expected(20));
      assertThat(given.get()).as("grades paid").isEqualTo(20);
    }
  }

  @Test
  void aRefusedConnectionIsOneLine() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    assertThatThrownBy(() -> grade(options("http://127.0.0.1:" + port, 2, 2000, 4), 9)).isInstanceOf(RunException.class)
        .hasMessageContaining("cannot be reached: the connection is refused (3 tries)").hasMessageContaining("0 of 9 grades");
  }

  @Test
  void garbageIsAskedForThriceAndThenNamed() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      switch (number(question)) {
        case 0 -> FakeJudge.says(exchange, "I would say 2 or 3");
        case 1 -> FakeJudge.reply(exchange, 200, "<html>not json</html>");
        case 2 -> FakeJudge.reply(exchange, 200, "{\"choices\": [{\"message\": {\"content\": null}, \"finish_reason\": \"length\"}]}");
        case 3 -> FakeJudge.says(exchange, request % 2 == 0 ? "7" : "seven");
        default -> FakeJudge.says(exchange, "Grade: 4/5");
      }
    })) {
      Grading.Result result = grade(options(fake.url(), 0, 30_000, 1), 5);
      assertThat(grades(result)).containsExactly(0, 0, 0, 0, 4);
      assertThat(result.why()).containsOnlyKeys(0, 1, 2, 3);
      assertThat(result.why().get(0)).contains("no grade from 1 to 5 in 3 replies").contains("'I would say 2 or 3'");
      assertThat(result.why().get(2)).contains("--judge-max-tokens");
      assertThat(fake.requests()).isEqualTo(13);
      assertThat(fake.bodies().get(1).path("messages")).hasSize(3);
      assertThat(fake.bodies().get(1).path("messages").get(1).path("content").asText()).isEqualTo("I would say 2 or 3");
      fake.behave((exchange, request, question) -> FakeJudge.says(exchange, "5"));
      assertThat(grades(grade(options(fake.url(), 0, 30_000, 1), 5))).containsExactly(5, 5, 5, 5, 4);
      assertThat(fake.requests()).isEqualTo(17);
    }
  }

  @Test
  void aWrongKeyEndsAtOnceAndIsNotShown() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> FakeJudge.reply(exchange, 401, "{\"error\": {\"message\": \"bad key sk-secret-1\"}}"))) {
      assertThatThrownBy(() -> grade(options(fake.url(), 5, 30_000, 1), 9)).isInstanceOf(RunException.class).hasMessageContaining("HTTP 401: bad key ***");
      assertThat(fake.requests()).isEqualTo(1);
    }
  }

  @Test
  void aQuestionThatIsRefusedDoesNotStopTheOthers() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      if (number(question) == 1) {
        FakeJudge.reply(exchange, 400, "{\"error\": {\"message\": \"context length exceeded\"}}");
      } else {
        FakeJudge.says(exchange, "2");
      }
    })) {
      Grading.Result result = grade(options(fake.url(), 5, 30_000, 1), 3);
      assertThat(grades(result)).containsExactly(2, 0, 2);
      assertThat(result.why().get(1)).contains("HTTP 400: context length exceeded");
    }
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> FakeJudge.reply(exchange, 400, "{\"error\": \"no such model\"}"))) {
      assertThatThrownBy(() -> grade(options(fake.url(), 5, 30_000, 1), 9)).hasMessageContaining("refuses every question: HTTP 400: no such model");
      assertThat(fake.requests()).isEqualTo(3);
    }
  }

  @Test
  void parametersThatAModelDoesNotTakeAreLeft() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      switch (request) {
        case 1 -> FakeJudge.reply(exchange, 400, "{\"error\": {\"message\": \"use max_completion_tokens\", \"param\": \"max_tokens\", \"code\": \"unsupported_parameter\"}}");
        case 2 -> FakeJudge.reply(exchange, 400, "{\"error\": {\"message\": \"only 1\", \"param\": \"temperature\", \"code\": \"unsupported_value\"}}");
        default -> FakeJudge.says(exchange, "5");
      }
    })) {
      assertThat(grades(grade(options(fake.url(), 0, 30_000, 1), 2))).containsExactly(5, 5);
      assertThat(fake.requests()).isEqualTo(4);
      assertThat(fake.bodies().get(3).has("temperature")).isFalse();
      assertThat(fake.bodies().get(3).path("max_completion_tokens").asInt()).isEqualTo(8);
    }
  }

  @Test
  void anEndlessReplyDoesNotFillTheMemory() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      exchange.sendResponseHeaders(200, 0);
      byte[] chunk = new byte[1 << 16];
      for (int i = 0; i < 1000; i++) {
        exchange.getResponseBody().write(chunk);
      }
    })) {
      assertThatThrownBy(() -> grade(options(fake.url(), 0, 20_000, 1), 1)).hasMessageContaining("the reply is longer than 4 MiB");
    }
  }

  @Test
  void equalQuestionsAreAskedOnce() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> FakeJudge.says(exchange, "4"));
        GradeCache cache = GradeCache.open(folder.resolve("grades"));
        EndpointJudge judge = new EndpointJudge(options(fake.url(), 0, 30_000, 4))) {
      LikertJudge.Question same = new LikertJudge.Question("row", "question 1");
      assertThat(grades(new Grading(judge, cache).grade(List.of(same, same, same), Silent.LISTENER, new StopRequest()))).containsExactly(4, 4, 4);
      assertThat(fake.requests()).isEqualTo(1);
    }
  }

  @Test
  void aTornLineIsCutAndTheRestKept() throws IOException {
    Path file = folder.resolve("grades");
    try (GradeCache cache = GradeCache.open(file)) {
      cache.put("k1", "j", new Likert(3, null, null, "3"));
      cache.put("k2", "j", new Likert(5, 4.5, 0.9, null));
      assertThatThrownBy(() -> GradeCache.open(file)).isInstanceOf(RunException.class).hasMessageContaining("another graft is grading");
    }
    Files.writeString(file, "what is this\n{\"key\": \"k3\", \"gra", StandardOpenOption.APPEND);
    try (GradeCache cache = GradeCache.open(file)) {
      assertThat(cache.get("k1")).contains(new Likert(3, null, null, "3"));
      assertThat(cache.get("k2")).contains(new Likert(5, 4.5, 0.9, null));
      assertThat(cache.get("k3")).isEmpty();
      assertThat(cache.strange()).isEqualTo(1);
      cache.put("k3", "j", new Likert(1, null, null, "1"));
    }
    assertThat(Files.readAllLines(file)).hasSize(4);
    Files.writeString(file, Files.readString(file).stripTrailing()); // whole, but for its end
    try (GradeCache cache = GradeCache.open(file)) {
      assertThat(cache.get("k3")).contains(new Likert(1, null, null, "1"));
    }
    assertThat(Files.readString(file)).endsWith("}\n");
  }
}
