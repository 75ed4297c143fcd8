package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** graft eval with a small model, an adapter that was taught the answers, and one that was taught half of them wrongly. */
class EvalCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROWS = 24;

  @TempDir static Path shared;
  private static Path model;
  private static Path data;
  private static Path good;
  private static Path bad;
  private static Path whole;

  @TempDir Path folder;

  @BeforeAll
  static void train() throws IOException {
    model = shared.resolve("model.gguf");
    Cli.run("bench", "make-model", "--architecture", "llama", "--type", "Q8_0", "--layers", 2, "--width", 256, "--heads", 4, "--kv-heads", 2, "--feed-forward", 256,
        "--vocabulary-size", 300, "--context", 256, "--output", model, "--quiet").ok();
    List<String> rows = new ArrayList<>();
    List<String> wrong = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      rows.add(row(i, i % 2 == 0 ? "UTI" : "No UTI"));
      wrong.add(row(i, i % 2 == 0 && i % 3 > 0 ? "UTI" : "No UTI."));
    }
    data = Files.write(shared.resolve("rows.jsonl"), rows);
    good = taught("good", data);
    bad = taught("bad", Files.write(shared.resolve("wrong.jsonl"), wrong));
    whole = shared.resolve("whole");
    Cli.run(command(whole, "--parallel", 7)).ok();
  }

  private static String row(int i, String answer) {
    return JSON.createObjectNode().put("id", "r" + i).put("prompt", (i % 2 > 0 ? "sore knee " : i % 3 > 0 ? "burning urine " : "flank pain ") + i).put("completion", answer).toString();
  }

  private static Path taught(String name, Path rows) {
    Path run = shared.resolve(name);
    Cli.run("sft", "--model", model, "--data", rows, "--output", run, "--max-steps", 60, "--batch-size", 8, "--learning-rate", "0.01", "--lora-rank", 8, "--quiet").ok();
    return run.resolve("adapter.gguf");
  }

  private static Object[] command(Path output, Object... more) {
    List<Object> args = new ArrayList<>(List.of("eval", "--model", model, "--adapter", good, "--adapter", "half=" + bad, "--data", data, "--output", output, "--labels", "UTI, No UTI",
        "--positive", "uti", "--quiet"));
    args.addAll(Arrays.asList(more));
    return args.toArray();
  }

  private static Path predictions(Path output) {
    return output.resolve("predictions.jsonl");
  }

  @Test
  void everySystemAnswersEveryRowAsItWouldAlone() throws IOException {
    List<JsonNode> lines = Golden.lines(predictions(whole));
    assertThat(lines).hasSize(3 * ROWS);
    String[] systems = {"base", "good", "half"};
    Path[] adapters = {null, good, bad};
    for (int s = 0; s < 3; s++) {
      Path alone = folder.resolve("alone" + s);
      List<Object> args = new ArrayList<>(List.of("generate", "--model", model, "--data", data, "--output", alone, "--max-tokens", 32, "--quiet", "--parallel", 1));
      if (adapters[s] != null) {
        args.addAll(List.of("--adapter", adapters[s]));
      }
      Cli.run(args.toArray()).ok();
      List<JsonNode> answers = Golden.lines(alone);
      for (int i = 0; i < ROWS; i++) {
        JsonNode line = lines.get(3 * i + s);
        assertThat(line.path("id").asText()).isEqualTo("r" + i);
        assertThat(line.path("system").asText()).isEqualTo(systems[s]);
        assertThat(line.path("gold").asText()).isEqualTo(i % 2 == 0 ? "UTI" : "No UTI");
        assertThat(line.path("answer")).as("%s, row %d", systems[s], i).isEqualTo(answers.get(i).path("text"));
        assertThat(line.path("score").asInt()).isEqualTo(line.path("gold").equals(line.get("label")) ? 1 : 0);
        assertThat(line.path("prompt").asText()).startsWith(i % 2 > 0 ? "sore" : i % 3 > 0 ? "burning" : "flank");
      }
    }
    assertThat(lines.stream().filter(line -> line.path("system").asText().equals("good"))).allMatch(line -> line.path("score").asInt() == 1);
  }

  @Test
  void theResultIsThatOfMetricsAndCompare() throws IOException {
    JsonNode result = JSON.readTree(whole.resolve("metrics.json").toFile());
    assertThat(result.path("rows").asInt()).isEqualTo(ROWS);
    assertThat(result.path("seconds").asDouble()).isPositive();
    assertThat(result.path("peak_memory_bytes").asLong()).isPositive();
    JsonNode again = JSON.readTree(Cli.run("metrics", predictions(whole), "--positive", "UTI", "--json").ok().out()).path("systems");
    for (String name : List.of("base", "good", "half")) {
      JsonNode system = result.path("systems").path(name).deepCopy();
      assertThat(((ObjectNode) system).remove("seconds").asDouble()).isPositive();
      assertThat(((ObjectNode) system).remove("tokens").asLong()).isPositive();
      assertThat(system).isEqualTo(again.path(name));
    }
    assertThat(again.path("good").path("f1").asDouble()).isEqualTo(1);
    assertThat(again.path("half").path("sensitivity").asDouble()).isEqualTo(8.0 / 12);
    assertThat(again.path("half").path("specificity").asDouble()).isEqualTo(1);
    assertThat(result.path("comparisons")).hasSize(3);
    JsonNode pair = result.path("comparisons").get(2).deepCopy();
    assertThat(((ObjectNode) pair).remove("systems")).isEqualTo(JSON.valueToTree(List.of("good", "half")));
    assertThat(pair).isEqualTo(JSON.readTree(Cli.run("compare", predictions(whole), predictions(whole), "--system", "good", "--system-b", "half", "--json").ok().out()));
    assertThat(pair.path("mcnemar").path("b").asInt()).isEqualTo(4);
  }

  @Test
  void aTableGoesToStdoutOrJson() throws IOException {
    Cli.Result table = Cli.run(command(whole, "--resume")).ok();
    assertThat(table.out()).contains("sensitivity [95%]").contains("good vs half").doesNotContain("NaN");
    assertThat(table.err()).isEmpty();
    JsonNode json = JSON.readTree(Cli.run(command(whole, "--resume", "--json")).ok().out());
    assertThat(json.path("resumed").asInt()).isEqualTo(3 * ROWS);
    assertThat(json.path("systems").path("good").path("accuracy").asDouble()).isEqualTo(1);
  }

  /** Whole lines, a torn one, nothing, all but the last byte. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3, 0.77, 0.999})
  void whatWasCutGoesOnToTheSameFile(double share) throws IOException {
    byte[] bytes = Files.readAllBytes(predictions(whole));
    Path output = folder.resolve("cut");
    Files.createDirectories(output);
    Files.write(predictions(output), Arrays.copyOf(bytes, Math.min(bytes.length - 1, (int) (bytes.length * share))));
    Files.copy(whole.resolve("eval.json"), output.resolve("eval.json"));
    Cli.run(command(output, "--resume")).ok();
    assertThat(Files.readString(predictions(output))).isEqualTo(new String(bytes, StandardCharsets.UTF_8));
    JsonNode result = JSON.readTree(output.resolve("metrics.json").toFile());
    assertThat(result.path("answered").asInt() + result.path("resumed").asInt()).isEqualTo(3 * ROWS);
    assertThat(result.path("systems").path("half").path("sensitivity").asDouble()).isEqualTo(8.0 / 12);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aKilledOrStoppedRunGoesOnToTheSameFile(boolean killed) throws IOException, InterruptedException {
    Path output = folder.resolve("killed");
    Cli.Child child = Cli.start(folder, command(output, "--parallel", 2));
    child.awaitLines(predictions(output), 5);
    if (killed) {
      child.process().destroyForcibly();
    } else {
      child.process().destroy();
    }
    assertThat(child.await().code()).isNotZero();
    assertThat(output.resolve("metrics.json")).doesNotExist();
    assertThat(Cli.run(command(output)).fails(2).err()).contains("already holds predictions; go on with --resume");
    Cli.run(command(output, "--resume")).ok();
    assertThat(predictions(output)).hasSameTextualContentAs(predictions(whole));
  }

  @Test
  void aResumeWithOtherFlagsOrFilesIsRefused() throws IOException {
    String before = Files.readString(predictions(whole));
    assertThat(Cli.run(command(whole, "--resume", "--max-tokens", 5)).fails(2).err()).contains("max-tokens 5 (it was 32)");
    assertThat(Cli.run(command(whole, "--resume", "--no-base")).fails(2).err()).contains("systems");
    Path other = Files.writeString(folder.resolve("rows.jsonl"), Files.readString(data).replace("burning", "painful"));
    assertThat(Cli.run(swapped(data, other)).fails(2).err()).contains("data " + other + " is another file than " + data);
    assertThat(Cli.run(swapped("half=" + bad, "half=" + good)).fails(2).err()).contains("adapter half").contains("is another file");
    assertThat(Files.readString(predictions(whole))).isEqualTo(before);
  }

  private static Object[] swapped(Object old, Object now) {
    return Arrays.stream(command(whole, "--resume")).map(arg -> arg.equals(old) ? now : arg).toArray();
  }

  @Test
  void aLineOfSomethingElseIsNotResumed() throws IOException {
    Path output = folder.resolve("other");
    Files.createDirectories(output);
    List<String> lines = new ArrayList<>(Files.readAllLines(predictions(whole)));
    lines.set(4, lines.get(5));
    Files.write(predictions(output), lines);
    Files.copy(whole.resolve("eval.json"), output.resolve("eval.json"));
    assertThat(Cli.run(command(output, "--resume")).fails(3).err()).contains("predictions.jsonl:5: is not what this evaluation writes there (id 'r1' of 'good')");
    assertThat(Files.readAllLines(predictions(output))).isEqualTo(lines);
    Cli.run(command(output, "--overwrite")).ok();
    assertThat(predictions(output)).hasSameTextualContentAs(predictions(whole));
  }

  @Test
  void llamaCppIsASecondOpinion() throws IOException {
    Path output = folder.resolve("llama");
    Cli.run("eval", "--model", model, "--adapter", good, "--no-base", "--adapter", "half=" + bad, "--data", data, "--output", output, "--labels", "UTI,No UTI", "--engine", "llama.cpp",
        "--quiet").ok();
    List<JsonNode> lines = Golden.lines(predictions(output));
    assertThat(lines).hasSize(2 * ROWS);
    for (int i = 0; i < ROWS; i++) {
      assertThat(lines.get(i).path("system").asText()).isEqualTo("good");
      assertThat(lines.get(i).path("answer").asText()).isEqualTo(i % 2 == 0 ? "UTI" : "No UTI");
      assertThat(lines.get(ROWS + i).path("system").asText()).isEqualTo("half");
    }
    assertThat(JSON.readTree(output.resolve("metrics.json").toFile()).path("comparisons").get(0).path("mcnemar").path("b").asInt()).isEqualTo(4);
  }

  @Test
  void withoutLabelsTheCompletionIsTheOnlyRightAnswer() throws IOException {
    Path output = folder.resolve("exact");
    Cli.run("eval", "--model", model, "--adapter", good, "--no-base", "--data", data, "--output", output, "--positive", "No UTI", "--quiet").ok();
    assertThat(Golden.lines(predictions(output))).allMatch(line -> line.path("score").asInt() == 1 && line.path("label").equals(line.path("gold")));
  }

  @Test
  void chatsIdsAndLabelsOfRowsAreUnderstood() throws IOException {
    Path rows = Files.write(folder.resolve("mixed.jsonl"), List.of(
        "{\"messages\": [{\"role\": \"user\", \"content\": \"burning urine 0\"}, {\"role\": \"assistant\", \"content\": \"UTI\"}]}",
        "{\"prompt\": [{\"role\": \"user\", \"content\": \"sore knee 1\"}], \"completion\": [{\"role\": \"assistant\", \"content\": \"no uti.\"}]}",
        "{\"prompt\": \"burning urine 2\", \"completion\": \"because of the burning: UTI\", \"label\": \"UTI\"}",
        "",
        "{\"id\": \"own\", \"prompt\": \"sore knee 3\", \"label\": \"No UTI\"}"));
    Path output = folder.resolve("mixed");
    Cli.run("eval", "--model", model, "--adapter", good, "--no-base", "--data", rows, "--output", output, "--labels", "UTI,No UTI", "--template", "chatml", "--quiet").ok();
    List<JsonNode> lines = Golden.lines(predictions(output));
    assertThat(lines).extracting(line -> line.path("id").asText()).containsExactly("0", "1", "2", "own");
    assertThat(lines.get(0).path("id").isInt()).isTrue();
    assertThat(lines).extracting(line -> line.path("gold").asText()).containsExactly("UTI", "No UTI", "UTI", "No UTI");
    assertThat(lines.get(0).path("prompt")).hasSize(1);
  }
}
