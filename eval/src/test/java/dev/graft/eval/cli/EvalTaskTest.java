package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** graft eval --task: several outcomes of one answer, judges that come later, and data that is not right. */
class EvalTaskTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROWS = 12;
  private static final String TASK = """
      name: mine
      source: {file: rows.jsonl}
      splits: {train: 12, eval: 1, dev: 1, test: 12}
      max-tokens: 24
      import:
        format: table
        columns: {id: id, text: text, u: u, r: r, split: split}
        prompt: "{text}"
        completion: "U: {u}\\nR: {r}"
        rejected: {change: [u, r]}
      outcomes:
        - {name: who, grader: label, labels: [md, ma], field: r, answer: {line: "R:"}, positive: md, metric: f1, test: mcnemar}
        - {name: soon, grader: label, labels: [now, later], field: u, answer: {line: "U:"}, positive: now, metric: f1, test: mcnemar}
        - {name: same, grader: exact, metric: accuracy, test: mcnemar}
      """;

  @TempDir static Path shared;
  private static Path model;
  private static Path adapter;
  private static Path data;
  private static Path task;
  private static Path whole;

  @TempDir Path folder;
  private HttpServer server;

  @BeforeAll
  static void train() throws IOException {
    model = shared.resolve("model.gguf");
    Cli.run("bench", "make-model", "--architecture", "llama", "--type", "Q8_0", "--layers", 2, "--width", 256, "--heads", 4, "--kv-heads", 2, "--feed-forward", 256,
        "--vocabulary-size", 300, "--context", 256, "--output", model, "--quiet").ok();
    task = Files.writeString(shared.resolve("mine.yaml"), TASK);
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < 26; i++) {
      rows.add(JSON.createObjectNode().put("id", "r" + i).put("text", (i % 2 == 0 ? "pain " : "form ") + (i % 3 == 0 ? "note " : "mail ") + i).put("u", i % 2 == 0 ? "now" : "later")
          .put("r", i % 3 == 0 ? "md" : "ma").put("split", i < 12 ? "train" : i == 12 ? "eval" : i == 13 ? "dev" : "test").toString());
    }
    Files.write(shared.resolve("rows.jsonl"), rows);
    data = shared.resolve("data");
    Cli.run("data", "prepare", "--task", task, "--output", data, "--quiet").ok();
    Path run = shared.resolve("run");
    Cli.run("sft", "--model", model, "--data", data.resolve("sft/test.jsonl"), "--output", run, "--max-steps", 60, "--batch-size", 6, "--learning-rate", "0.01", "--lora-rank", 8, "--quiet")
        .ok();
    adapter = run.resolve("adapter.gguf");
    whole = shared.resolve("whole");
    Cli.run(command(whole)).ok();
  }

  private static Object[] command(Path output, Object... more) {
    List<Object> args = new ArrayList<>(List.of("eval", "--task", task, "--data-dir", data, "--model", model, "--adapter", "tuned=" + adapter, "--output", output, "--quiet"));
    args.addAll(Arrays.asList(more));
    return args.toArray();
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.stop(0);
    }
  }

  @Test
  void aLineForEachRowSystemAndOutcome() throws IOException {
    List<JsonNode> lines = Golden.lines(whole.resolve("predictions.jsonl"));
    assertThat(lines).hasSize(ROWS * 2 * 3);
    for (int i = 0; i < lines.size(); i++) {
      JsonNode line = lines.get(i);
      int row = 14 + i / 6;
      assertThat(line.path("id").asText()).isEqualTo("r" + row);
      assertThat(line.path("system").asText()).isEqualTo(i / 3 % 2 == 0 ? "base" : "tuned");
      String outcome = List.of("who", "soon", "same").get(i % 3);
      assertThat(line.path("outcome").asText()).isEqualTo(outcome);
      String who = row % 3 == 0 ? "md" : "ma";
      String soon = row % 2 == 0 ? "now" : "later";
      assertThat(line.path("gold").asText()).isEqualTo(outcome.equals("who") ? who : outcome.equals("soon") ? soon : "U: " + soon + "\nR: " + who);
      assertThat(line.path("answer")).isEqualTo(lines.get(i - i % 3).path("answer"));
      if (line.path("system").asText().equals("tuned")) {
        assertThat(line.path("answer").asText()).isEqualTo("U: " + soon + "\nR: " + who);
        assertThat(line.path("label")).isEqualTo(line.path("gold"));
        assertThat(line.path("score").asInt()).isEqualTo(1);
      }
    }
    JsonNode metrics = JSON.readTree(whole.resolve("metrics.json").toFile());
    assertThat(metrics.path("task").asText()).isEqualTo("mine");
    for (String outcome : List.of("who", "soon")) {
      Object[] file = {whole.resolve("predictions.jsonl"), "--outcome", outcome, "--positive", outcome.equals("who") ? "md" : "now", "--json"};
      JsonNode again = JSON.readTree(Cli.run("metrics", file[0], file[1], file[2], file[3], file[4], file[5]).ok().out());
      assertThat(metrics.path("outcomes").path(outcome).path("systems")).isEqualTo(again.path("systems"));
      assertThat(again.path("systems").path("tuned").path("f1").asDouble()).isEqualTo(1);
    }
    JsonNode pair = metrics.path("outcomes").path("soon").path("comparisons").get(0).deepCopy();
    ((ObjectNode) pair).remove("systems");
    JsonNode compared = JSON.readTree(Cli.run("compare", whole.resolve("predictions.jsonl"), whole.resolve("predictions.jsonl"), "--system", "base", "--system-b", "tuned", "--outcome", "soon",
        "--json").ok().out());
    assertThat(compared.path("mcnemar")).isEqualTo(pair.path("mcnemar"));
    assertThat(metrics.path("systems").path("tuned").path("tokens").asInt()).isPositive();
    assertThat(Cli.run("metrics", whole.resolve("predictions.jsonl")).fails(2).err()).contains("holds the outcomes who, soon, same; choose one with --outcome");
    assertThat(Cli.run("compare", whole.resolve("predictions.jsonl"), whole.resolve("predictions.jsonl"), "--outcome", "when").fails(2).err()).contains("--outcome when");
  }

  /** Also between two outcomes of an answer. */
  @ParameterizedTest
  @ValueSource(ints = {1, 10, 71})
  void whatWasCutGoesOnToTheSameFile(int lines) throws IOException {
    List<String> all = Files.readAllLines(whole.resolve("predictions.jsonl"));
    Path output = Files.createDirectories(folder.resolve("cut"));
    Files.writeString(output.resolve("predictions.jsonl"), String.join("\n", all.subList(0, lines)) + (lines > 0 ? "\n" : "") + "{\"id\": \"r1");
    Files.copy(whole.resolve("eval.json"), output.resolve("eval.json"));
    Cli.run(command(output, "--resume")).ok();
    assertThat(output.resolve("predictions.jsonl")).hasSameTextualContentAs(whole.resolve("predictions.jsonl"));
    assertThat(JSON.readTree(output.resolve("metrics.json").toFile()).path("outcomes")).isEqualTo(JSON.readTree(whole.resolve("metrics.json").toFile()).path("outcomes"));
  }

  @Test
  void anotherTaskDoesNotGoOn() throws IOException {
    Path other = Files.writeString(folder.resolve("mine.yaml"), TASK.replace("positive: now", "positive: later"));
    Object[] args = command(whole, "--resume");
    args[2] = other;
    assertThat(Cli.run(args).fails(2).err()).contains("outcomes");
  }

  /** Grades 4; "no idea" about row r15; and fails from a request on. */
  private String judge(AtomicInteger failAfter, Set<String> asked) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/chat/completions", exchange -> {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      boolean fails = failAfter.decrementAndGet() < 0;
      if (!fails) {
        asked.add(body);
      }
      String reply = body.contains("mail 15") || body.contains("note 15") ? "no idea" : "4";
      byte[] json = ("{\"choices\": [{\"message\": {\"content\": \"" + reply + "\"}}]}").getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(fails ? 500 : 200, json.length);
      exchange.getResponseBody().write(json);
      exchange.close();
    });
    server.start();
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  @Test
  void aJudgeComesWhenAllAnswersAreThereAndLosesNoGrade() throws IOException {
    Path likert = Files.writeString(folder.resolve("likert.yaml"), TASK.substring(0, TASK.indexOf("outcomes:")).replace("file: rows.jsonl", "file: " + shared.resolve("rows.jsonl"))
        .replace("rejected: {change: [u, r]}", "rejected: {template: nothing}") + """
        outcomes:
          - {name: quality, grader: likert, metric: mean_score, test: paired-t, rubric: "Is it triage?"}
          - {name: same, grader: exact, metric: accuracy, test: mcnemar}
        """);
    Path output = folder.resolve("judged");
    AtomicInteger failAfter = new AtomicInteger(7);
    Set<String> asked = ConcurrentHashMap.newKeySet();
    Object[] args = command(output, "--judge-url", judge(failAfter, asked), "--judge-model", "m", "--judge-retries", 0, "--judge-parallel", 1, "--resume");
    args[2] = likert;
    assertThat(Cli.run(args).fails(1).err()).contains("grades are kept");
    assertThat(Golden.lines(output.resolve("answers.jsonl"))).hasSize(2 * ROWS);
    assertThat(output.resolve("metrics.json")).doesNotExist();
    int before = asked.size();
    assertThat(before).isPositive();
    byte[] answers = Files.readAllBytes(output.resolve("answers.jsonl"));
    failAfter.set(Integer.MAX_VALUE);
    Cli.run(args).ok();
    assertThat(output.resolve("answers.jsonl")).hasBinaryContent(answers);
    assertThat(asked.stream().allMatch(body -> body.contains("Is it triage?"))).isTrue();
    List<JsonNode> lines = Golden.lines(output.resolve("predictions.jsonl"));
    assertThat(lines).hasSize(2 * 2 * ROWS);
    for (JsonNode line : lines) {
      boolean none = line.path("id").asText().equals("r15");
      if (line.path("outcome").asText().equals("quality")) {
        assertThat(line.path("score").isNull()).isEqualTo(none);
        assertThat(line.has("ungraded")).isEqualTo(none);
        assertThat(none || line.path("score").asInt() == 4).isTrue();
      } else {
        assertThat(line.path("score").isInt()).isTrue();
      }
    }
    JsonNode quality = JSON.readTree(output.resolve("metrics.json").toFile()).path("outcomes").path("quality");
    assertThat(quality.path("systems").path("tuned").path("n").asInt()).isEqualTo(ROWS - 1);
    assertThat(quality.path("systems").path("tuned").path("ungraded").asInt()).isEqualTo(1);
    assertThat(quality.path("comparisons").get(0).path("n").asInt()).isEqualTo(ROWS - 1);
    byte[] predictions = Files.readAllBytes(output.resolve("predictions.jsonl"));
    Files.write(output.resolve("predictions.jsonl"), Arrays.copyOf(predictions, predictions.length / 2)); // killed while writing
    Cli.run(args).ok();
    assertThat(output.resolve("predictions.jsonl")).hasBinaryContent(predictions);
    args[Arrays.asList(args).indexOf("m")] = "another";
    assertThat(Cli.run(args).fails(2).err()).contains("judge");
  }

  @Test
  void theTaskSaysWhereItsRowsAre() throws IOException {
    Path output = folder.resolve("own");
    Cli.run("eval", "--task", task, "--model", model, "--output", output, "--quiet").ok();
    assertThat(output.resolve("data/sft/test.jsonl")).hasSameTextualContentAs(data.resolve("sft/test.jsonl"));
    assertThat(Golden.lines(output.resolve("predictions.jsonl"))).hasSize(3 * ROWS);
  }

  @Test
  void whatCannotBeJudgedIsOneLine() throws IOException {
    Path out = folder.resolve("out");
    Object[] ok = command(out);
    Cli.run("eval", "--model", model, "--output", out).fails(2);
    assertThat(Cli.run(command(out, "--labels", "a,b")).fails(2).err()).contains("--labels and --positive are said by the task");
    assertThat(Cli.run(command(out, "--judge-model", model)).fails(2).err()).contains("--judge-model is for outcomes with the grader likert");
    Object[] none = ok.clone();
    none[2] = "utis";
    assertThat(Cli.run(none).fails(2).err()).contains("--task utis: no such task; there are uti");
    none[2] = "uti";
    assertThat(Cli.run(none).fails(2).err()).contains("holds rows of the task mine, not uti");
    Path empty = Files.writeString(folder.resolve("empty.jsonl"), "\n");
    Cli.Result result = Cli.run("eval", "--task", task, "--data", empty, "--model", model, "--output", out).fails(3);
    assertThat(result.err().lines()).hasSize(1).first().asString().contains("empty.jsonl");
    Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"prompt\": \"a\", \"completion\": \"U: now\", \"u\": \"now\"}\n");
    assertThat(Cli.run("eval", "--task", task, "--data", rows, "--model", model, "--output", out).fails(3).err())
        .contains("rows.jsonl:1: has no 'r', which the outcome who takes for the right answer");
    Path label = Files.writeString(folder.resolve("label.jsonl"), "{\"prompt\": \"a\", \"completion\": \"U: now\", \"u\": \"now\", \"r\": \"nurse\"}\n");
    assertThat(Cli.run("eval", "--task", task, "--data", label, "--model", model, "--output", out).fails(3).err())
        .contains("label.jsonl:1: its right answer is 'nurse', which is none of the labels md, ma of the outcome who");
    Path twice = Files.writeString(folder.resolve("twice.jsonl"), "{\"id\": 1, \"prompt\": \"a\", \"completion\": \"b\", \"u\": \"now\", \"r\": \"ma\"}\n".repeat(2));
    assertThat(Cli.run("eval", "--task", task, "--data", twice, "--model", model, "--output", out).fails(3).err()).contains("twice.jsonl:2: id '1' is also that of line 1");
  }
}
