package dev.graft.eval.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/** Clients that ask a server over loopback, each one request after the other, and measure what they see. */
final class ServeBench {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int NEVER = -100;

  private final Settings settings;
  private final LongAdder done = new LongAdder();
  private final LongAdder pieces = new LongAdder();
  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /**
   * The load.
   *
   * @param clients at once  @param prompt tokens of each prompt, random and never twice the same  @param answer tokens of each answer  @param rounds requests of each client
   * @param vocabulary ids are below this  @param ends tokens that would end an answer early, and are kept from it
   * @param exact the server counts an answer's tokens, not its pieces of text, so that the count must be right  @param limit most time for all of it
   */
  record Settings(int clients, int prompt, int answer, int rounds, int vocabulary, Set<Integer> ends, long seed, boolean exact, Duration limit) {
    /** One short request for each of so many models. */
    Settings warmUp(int models) {
      return new Settings(1, 2, 2, models, vocabulary, ends, -seed, exact, limit);
    }
  }

  /** The load took longer than it may. */
  static final class UnfinishedException extends IOException {
    private static final long serialVersionUID = 1;
    private final int requests;
    private final long answers;
    private final long pieces;
    private final double seconds;

    UnfinishedException(int requests, long answers, long pieces, double seconds) {
      super(String.format(Locale.ROOT, "%d of %d answers were whole after %.0f s, and %d pieces of text had come", answers, requests, seconds, pieces));
      this.requests = requests;
      this.answers = answers;
      this.pieces = pieces;
      this.seconds = seconds;
    }

    int requests() {
      return requests;
    }

    /** Answers that were whole by then. */
    long answers() {
      return answers;
    }

    /** Pieces of text that had come: about tokens. */
    long pieces() {
      return pieces;
    }

    double seconds() {
      return seconds;
    }
  }

  /**
   * What the clients saw.
   *
   * @param seconds from the first request to the last answer's end  @param answerTokens of all answers, none of which ends early
   * @param firstText seconds of each request to its first text, ascending  @param gaps seconds between two pieces of text, ascending
   */
  record Load(int requests, double seconds, long promptTokens, long answerTokens, double[] firstText, double[] gaps) {
    /** Tokens of answers a second, of all clients together. */
    double tokensPerSecond() {
      return answerTokens / seconds;
    }

    /** @param values ascending  @return the value that this share of them does not exceed, 0 when there are none */
    static double quantile(double[] values, double share) {
      return values.length == 0 ? 0 : values[Math.min(values.length - 1, (int) Math.ceil(share * values.length) - 1)];
    }
  }

  /** One answer as its client saw it. */
  private record Seen(long promptTokens, long answerTokens, double firstText, List<Double> gaps) {}

  ServeBench(Settings settings) {
    this.settings = settings;
  }

  /**
   * Runs the load.
   *
   * @param models that the requests name, in turn
   * @throws UnfinishedException when it takes longer than its limit  @throws IOException when an answer is not whole
   */
  Load run(URI server, List<String> models) throws IOException, InterruptedException {
    ExecutorService threads = Executors.newFixedThreadPool(settings.clients);
    long start = System.nanoTime();
    try {
      List<Future<List<Seen>>> clients = new ArrayList<>();
      for (int i = 0; i < settings.clients; i++) {
        int client = i;
        Callable<List<Seen>> work = () -> client(server, models, client);
        clients.add(threads.submit(work));
      }
      List<Seen> all = new ArrayList<>();
      for (Future<List<Seen>> client : clients) {
        all.addAll(client.get(start + settings.limit.toNanos() - System.nanoTime(), TimeUnit.NANOSECONDS));
      }
      double seconds = (System.nanoTime() - start) * 1e-9;
      return new Load(all.size(), seconds, all.stream().mapToLong(Seen::promptTokens).sum(), all.stream().mapToLong(Seen::answerTokens).sum(),
          all.stream().mapToDouble(Seen::firstText).sorted().toArray(), all.stream().flatMap(seen -> seen.gaps.stream()).mapToDouble(gap -> gap).sorted().toArray());
    } catch (TimeoutException e) {
      throw new UnfinishedException(settings.clients * settings.rounds, done.sum(), pieces.sum(), (System.nanoTime() - start) * 1e-9);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
    } finally {
      threads.shutdownNow();
    }
  }

  private List<Seen> client(URI server, List<String> models, int client) throws IOException, InterruptedException {
    SplittableRandom random = new SplittableRandom(settings.seed + client);
    List<Seen> seen = new ArrayList<>();
    for (int round = 0; round < settings.rounds; round++) {
      seen.add(ask(server, models.get((client + round) % models.size()), random));
    }
    return seen;
  }

  private Seen ask(URI server, String model, SplittableRandom random) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(server.resolve("/v1/completions")).POST(HttpRequest.BodyPublishers.ofString(body(model, random))).build();
    long start = System.nanoTime();
    HttpResponse<Stream<String>> response = http.send(request, HttpResponse.BodyHandlers.ofLines());
    try (Stream<String> lines = response.body()) {
      if (response.statusCode() != 200) {
        throw new IOException("status " + response.statusCode() + ": " + String.join(" ", lines.toList()));
      }
      return read(lines.iterator(), start);
    }
  }

  private Seen read(Iterator<String> lines, long start) throws IOException {
    List<Double> gaps = new ArrayList<>();
    JsonNode usage = null;
    double first = 0;
    long last = 0;
    boolean over = false;
    while (lines.hasNext()) {
      String line = lines.next();
      over |= line.equals("data: [DONE]");
      if (!line.startsWith("data: {")) {
        continue;
      }
      JsonNode event = JSON.readTree(line.substring(6));
      if (event.hasNonNull("error")) {
        throw new IOException("the server failed: " + event.at("/error/message").asText());
      } else if (event.hasNonNull("usage")) {
        usage = event.path("usage");
      } else if (!event.at("/choices/0/text").asText().isEmpty()) {
        long now = System.nanoTime();
        pieces.increment();
        if (last == 0) {
          first = (now - start) * 1e-9;
        } else {
          gaps.add((now - last) * 1e-9);
        }
        last = now;
      }
    }
    if (!over || usage == null || settings.exact && usage.path("completion_tokens").asInt() != settings.answer) {
      throw new IOException("an answer ended early");
    }
    done.increment();
    return new Seen(usage.path("prompt_tokens").asLong(), settings.answer, last == 0 ? (System.nanoTime() - start) * 1e-9 : first, gaps);
  }

  private String body(String model, SplittableRandom random) {
    ObjectNode body = JSON.createObjectNode().put("model", model).put("max_tokens", settings.answer).put("temperature", 0).put("stream", true);
    body.putObject("stream_options").put("include_usage", true);
    ObjectNode bias = body.putObject("logit_bias");
    settings.ends.forEach(id -> bias.put(Integer.toString(id), NEVER));
    ArrayNode prompt = body.putArray("prompt");
    Arrays.stream(random.ints(settings.prompt, 0, settings.vocabulary).toArray()).forEach(prompt::add);
    return body.toString();
  }
}
