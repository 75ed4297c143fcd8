package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.eval.grade.FakeJudge;
import dev.graft.eval.quickstart.DemoBase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** graft grade run. */
class GradeRunTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private Path file(String name, List<String> lines) throws IOException {
    return Files.write(folder.resolve(name), lines);
  }

  private static ObjectNode prediction(Object id, String system, String gold, String answer) {
    ObjectNode node = JSON.createObjectNode();
    node.set("id", JSON.valueToTree(id));
    return node.put("system", system).put("gold", gold).put("answer", answer).put("label", "old").put("score", 0).put("prompt", "task " + id);
  }

  private Path some(int n) throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      lines.add(prediction(i, "m", "gold", "answer " + i).toString());
    }
    return file("p.jsonl", lines);
  }

  private List<JsonNode> read(Path file) throws IOException {
    List<JsonNode> nodes = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      nodes.add(JSON.readTree(line));
    }
    return nodes;
  }

  @Test
  void equivalenceTakesAliasesFromTheData() throws IOException {
    Path data = file("test.jsonl", List.of("{\"id\": 0, \"prompt\": \"task 0\", \"completion\": \"Gout\", \"aliases\": [\"Gouty arthritis\"]}",
        "{\"id\": 1, \"prompt\": \"task 1\", \"completion\": \"Sepsis\"}"));
    Path predictions = file("p.jsonl", List.of(prediction(0, "a", "Gout", "gouty arthritis").toString(), prediction(1, "a", "Sepsis", "No sepsis").toString(),
        prediction(0, "b", "Gout", "The diagnosis is gout.").put("kept", 7).toString(), prediction(1, "b", "Sepsis", "sepsis").toString()));
    Path out = folder.resolve("graded.jsonl");
    Cli.Result result = Cli.run("grade", "run", "--predictions", predictions, "--data", data, "--grader", "equivalence", "--output", out).ok();
    assertThat(result.out()).contains("mean score");
    List<JsonNode> lines = read(out);
    assertThat(lines.stream().map(line -> line.path("score").asInt())).containsExactly(1, 0, 1, 1);
    assertThat(lines.get(2).path("label").asText()).isEqualTo("Gout");
    assertThat(lines.get(2).path("kept").asInt()).isEqualTo(7);
    assertThat(lines.get(1).path("label").isNull()).isTrue();
    assertThat(Cli.run("compare", out, "--json").ok().out()).contains("\"c\" : 1");
    Cli.Result without = Cli.run("grade", "run", "--predictions", predictions, "--grader", "equivalence", "--output", folder.resolve("o2.jsonl"), "--json").ok();
    assertThat(JSON.readTree(without.out()).path("systems").path("a").path("mean_score").asDouble()).isZero();
  }

  @Test
  void theChecklistNeedsFacts() throws IOException {
    Path data = file("test.jsonl", List.of("{\"id\": 0, \"completion\": \"x\", \"facts\": [{\"any_of\": [\"gout\"]}, {\"any_of\": [\"toe\"], \"weight\": 3}]}"));
    Path predictions = file("p.jsonl", List.of(prediction(0, "a", "x", "in the toe").toString()));
    Path out = folder.resolve("graded.jsonl");
    Cli.run("grade", "run", "--predictions", predictions, "--data", data, "--grader", "checklist", "--output", out).ok();
    JsonNode line = read(out).get(0);
    assertThat(line.path("score").asInt()).isEqualTo(4);
    assertThat(line.path("share").asDouble()).isEqualTo(0.75);
    assertThat(line.path("missing").toString()).isEqualTo("[\"gout\"]");
    assertThat(Cli.run("grade", "run", "--predictions", predictions, "--grader", "checklist", "--output", out).fails(3).err()).contains(predictions + ":1: has no facts");
    Path other = file("other.jsonl", List.of("{\"id\": 1, \"completion\": \"x\"}"));
    assertThat(Cli.run("grade", "run", "--predictions", predictions, "--data", other, "--grader", "checklist", "--output", out).fails(3).err()).contains(predictions + ":1: id '0' is not in " + other);
  }

  @Test
  void aJudgeKilledInTheMiddleGoesOnWhereItWas() throws IOException, InterruptedException {
    Path predictions = some(30);
    Path out = folder.resolve("graded.jsonl");
    Path cache = folder.resolve("graded.jsonl.grades");
    AtomicInteger given = new AtomicInteger();
    FakeJudge.Behaviour good = (exchange, request, question) -> {
      given.incrementAndGet();
      FakeJudge.says(exchange, "3");
    };
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> {
      if (request <= 10) {
        good.answer(exchange, request, question);
      } else {
        Thread.sleep(60_000); // the process is killed meanwhile
      }
    })) {
      Object[] args = {"grade", "run", "--predictions", predictions, "--grader", "likert", "--judge-url", fake.url(), "--judge-model", "j", "--judge-parallel", "2", "--output", out};
      Cli.Child child = Cli.start(folder.resolve("child"), args);
      child.awaitLines(cache, 10);
      child.process().destroyForcibly().waitFor();
      assertThat(out).doesNotExist();
      fake.behave(good);
      Cli.Result result = Cli.run(args).ok();
      assertThat(result.err()).contains("30 of 30 graded, 10 of them before");
      assertThat(given.get()).as("grades paid").isEqualTo(30);
      assertThat(read(out).stream().map(line -> line.path("score").asInt())).hasSize(30).containsOnly(3);
      assertThat(read(out).get(4).path("label").isNull()).isTrue();
      assertThat(Cli.run("metrics", out, "--json").ok().out()).contains("\"mean_score\" : 3.0");
    }
  }

  @Test
  void ungradedAnswersAreNamedAndLeftOut() throws IOException {
    Path predictions = some(3);
    Path out = folder.resolve("graded.jsonl");
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> FakeJudge.says(exchange, question.contains("answer 1") ? "no idea" : "5"))) {
      Cli.Result result = Cli.run("grade", "run", "--predictions", predictions, "--grader", "likert", "--judge-url", fake.url(), "--judge-model", "j", "--output", out).ok();
      assertThat(result.err()).contains("row 1 of m is ungraded: the judge gave no grade").contains("2 of 3 graded");
      assertThat(read(out).get(1).path("score").isNull()).isTrue();
      assertThat(read(out).get(1).path("ungraded").asText()).contains("'no idea'");
      assertThat(Cli.run("metrics", out, "--json").ok().out()).contains("\"n\" : 2");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--grader likrt|--grader likrt is not known; did you mean likert?",
        "--grader likert|needs --judge-model",
        "--grader likert --judge-model none.gguf|no such file; give a GGUF",
        "--grader likert --judge-model m --judge-url localhost|is no http or https address",
        "--grader likert --judge-model m --judge-url http://h/v1 --judge-key-env GRAFT_NO_SUCH_KEY|GRAFT_NO_SUCH_KEY: the environment has no such variable",
        "--grader likert --judge-model m --judge-url http://h/v1 --judge-retries -1|--judge-retries -1",
        "--grader likert --judge-model m --judge-url http://h/v1 --judge-timeout 0|--judge-timeout 0.0",
        "--grader likert --judge-model m --judge-url http://h/v1 --judge-parallel 0|--judge-parallel 0",
        "--grader likert --judge-model m --judge-url http://h/v1 --judge-backoff NaN|--judge-backoff NaN"
      })
  void flagsThatMakeNoSenseAreOneLine(String flags, String message) throws IOException {
    List<Object> args = new ArrayList<>(List.of("grade", "run", "--predictions", some(1), "--output", folder.resolve("o.jsonl")));
    args.addAll(List.of((Object[]) flags.split(" ")));
    assertThat(Cli.run(args.toArray()).fails(2).err()).contains(message);
  }

  /** The demo base under another architecture's name, whose tensors are called the same: llama.cpp knows it, our engine does not. */
  @Test
  void aJudgeThatOurEngineDoesNotKnowRunsInLlamaCpp() throws IOException {
    Path demo = folder.resolve("demo.gguf");
    DemoBase.write(demo);
    String bytes = Files.readString(demo, StandardCharsets.ISO_8859_1).replace("llama.", "gemma.").replaceFirst("(?s)(general\\.architecture.{12})llama", "$1gemma");
    Path gemma = Files.writeString(folder.resolve("gemma.gguf"), bytes, StandardCharsets.ISO_8859_1);
    Path out = folder.resolve("graded.jsonl");
    Object[] args = {"grade", "run", "--predictions", some(2), "--grader", "likert", "--judge-model", gemma, "--output", out};
    assertThat(Cli.run(args).ok().err()).contains("architecture \"gemma\" is not supported").contains("llama.cpp runs the judge instead").contains("2 of 2 graded");
    assertThat(read(out)).allSatisfy(line -> assertThat(line.path("score").asInt()).isBetween(1, 5));
    assertThat(read(out).get(0).path("reply").asText()).matches("[1-5]");
    assertThat(read(out).get(0).path("scale").toString()).isEqualTo("[1,5]");
  }

  @Test
  void nothingIsAskedThatCouldNotBeWritten() throws IOException {
    try (FakeJudge fake = new FakeJudge((exchange, request, question) -> FakeJudge.says(exchange, "3"))) {
      for (Path output : List.of(folder, folder.resolve("no/such/folder.jsonl"), some(1))) {
        Cli.Result result = Cli.run("grade", "run", "--predictions", some(1), "--grader", "likert", "--judge-url", fake.url(), "--judge-model", "j", "--output", output);
        assertThat(result.code()).isIn(1, 2);
        assertThat(result.err().lines()).hasSize(1);
      }
      assertThat(fake.requests()).isZero();
    }
  }

  @Test
  void badPredictionsAreNamed() throws IOException {
    for (String[] bad : new String[][] {{"{\"id\": 1}", "has no answer"}, {"{\"answer\": \"x\"}", "has no id"}, {"nonsense", "is not valid JSON"}, {"{\"id\": 1, \"answer\": \"x\"}", "has no gold"},
        {"{\"id\": 0, \"system\": \"m\", \"gold\": \"g\", \"answer\": \"x\"}", "is also on line 1"}, {"{\"id\": 1, \"gold\": \"g\", \"answer\": {}}", "answer is an object"}}) {
      Path file = file("bad.jsonl", List.of(prediction(0, "m", "g", "a").toString(), bad[0]));
      assertThat(Cli.run("grade", "run", "--predictions", file, "--grader", "equivalence", "--output", folder.resolve("o.jsonl")).fails(3).err()).contains(file + ":2: ").contains(bad[1]);
    }
    Path file = some(1);
    assertThat(Cli.run("grade", "run", "--predictions", file, "--grader", "equivalence", "--output", file).fails(2).err()).contains("is also an input");
  }
}
