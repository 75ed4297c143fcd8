package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.GraftRuntime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** inspect, generate, version, standard streams. */
class CommandsTest {
  private static final Golden GOLDEN = Golden.of("llama_q4_k_m");
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @Test
  void versionsAgree() {
    assertThat(GraftRuntime.nativeVersion()).isEqualTo(GraftVersion.VERSION);
    assertThat(Cli.run("--version").ok().out()).startsWith("graft " + GraftVersion.VERSION);
  }

  @Test
  void inspectCountsParametersAndSaysWhetherItTrains() throws IOException {
    JsonNode json = JSON.readTree(Cli.run("inspect", GOLDEN.model(), "--json").ok().out());
    long parameters = 0;
    for (JsonNode tensor : json.path("tensors")) {
      long product = 1;
      for (JsonNode n : tensor.path("shape")) {
        product *= n.asLong();
      }
      parameters += product;
    }
    assertThat(json.path("parameters").asLong()).isEqualTo(parameters).isPositive();
    assertThat(json.path("architecture").asText()).isEqualTo("llama");
    assertThat(json.path("trainable").asBoolean()).isTrue();
    assertThat(json.path("types").has("Q4_K")).isTrue();
    assertThat(Cli.run("inspect", GOLDEN.model()).ok().out()).contains("blk.0.attn_q.weight").contains("tokenizer.ggml.tokens").contains("Graft can train");
    assertThat(Cli.run("inspect", GOLDEN.adapter()).ok().out()).contains("LoRA adapter");
  }

  @Test
  void aFileThatIsNoModelIsOneLine() throws IOException {
    Path empty = Files.writeString(folder.resolve("empty.gguf"), "");
    Cli.run("inspect", empty).fails(3);
    Path text = Files.writeString(folder.resolve("text.gguf"), "this is not a model at all, but a text");
    Cli.run("score", "--model", text, "--data", GOLDEN.sft(), "--output", folder.resolve("o")).fails(3);
    Cli.run("inspect", folder.resolve("missing.gguf")).fails(3);
  }

  /** Trains the rows until the model knows them, then asks. */
  @Test
  void generateGivesTheTrainedAnswers() throws IOException {
    Path run = folder.resolve("run");
    Cli.run("sft", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--output", run, "--quiet", "--max-steps", 60, "--batch-size", 7, "--learning-rate", 0.01, "--lora-rank", 8).ok();
    Path answers = folder.resolve("answers.jsonl");
    Cli.run("generate", "--model", GOLDEN.model(), "--adapter", run.resolve("adapter.gguf"), "--data", GOLDEN.sft(), "--output", answers, "--quiet", "--max-tokens", 30,
        "--parallel", 3).ok();
    List<JsonNode> rows = Golden.lines(GOLDEN.sft());
    List<JsonNode> lines = Golden.lines(answers);
    assertThat(lines).hasSameSizeAs(rows);
    for (int i = 0; i < rows.size(); i++) {
      assertThat(lines.get(i).path("index").asInt(-1)).isEqualTo(i);
      assertThat(lines.get(i).path("ids")).as("row %d", i).isEqualTo(rows.get(i).path("completion_ids"));
      assertThat(lines.get(i).path("finish_reason").asText()).isEqualTo("stop");
      assertThat(lines.get(i).path("text").isTextual()).isTrue();
    }
  }

  @Test
  void samplingFollowsTheSeedAlone() throws IOException {
    List<Path> outputs = List.of(folder.resolve("a"), folder.resolve("b"), folder.resolve("c"));
    Object[][] more = {{"--parallel", 1, "--seed", 5}, {"--parallel", 4, "--seed", 5}, {"--parallel", 4, "--seed", 6}};
    for (int i = 0; i < 3; i++) {
      List<Object> args = new java.util.ArrayList<>(List.of("generate", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--output", outputs.get(i), "--quiet",
          "--temperature", 1, "--top-k", 50, "--top-p", 0.95, "--max-tokens", 12));
      args.addAll(List.of(more[i]));
      Cli.run(args.toArray()).ok();
    }
    assertThat(outputs.get(0)).hasSameTextualContentAs(outputs.get(1));
    assertThat(Files.readString(outputs.get(0))).isNotEqualTo(Files.readString(outputs.get(2)));
  }

  @Test
  void whatDoesNotFitTheContextIsAnErrorNotACut() {
    Path answers = folder.resolve("answers.jsonl");
    assertThat(Cli.run("generate", "--model", GOLDEN.model(), "--data", GOLDEN.sft(), "--output", answers, "--quiet", "--max-tokens", 600).fails(3).err())
        .contains(GOLDEN.sft() + ":1: the prompt's ").contains("and --max-tokens 600 exceed the context of 512");
    Cli.run("generate", "--model", GOLDEN.model(), "--prompt", "a", "--template", "none", "--quiet", "--max-tokens", 600).fails(2);
    assertThat(answers).doesNotExist();
  }

  @Test
  void aTemplateThatIsNoneIsAUsageError() throws IOException {
    Path empty = Files.writeString(folder.resolve("empty.jinja"), "\n");
    for (Object template : List.of("", folder, empty)) {
      assertThat(Cli.run("generate", "--model", GOLDEN.model(), "--prompt", "a", "--template", template, "--quiet").fails(2).err()).contains("--template " + template);
    }
  }

  @Test
  void withoutMaxTokensEachRowGetsWhatItsPromptLeaves() throws IOException {
    String ids = "5, ".repeat(499) + "5";
    Path rows = Files.writeString(folder.resolve("rows.jsonl"), "{\"prompt_ids\": [5], \"completion_ids\": [6]}\n{\"prompt_ids\": [" + ids + "], \"completion_ids\": [6]}\n");
    Path answers = folder.resolve("answers.jsonl");
    Cli.Result result = Cli.run("generate", "--model", GOLDEN.model(), "--data", rows, "--output", answers).ok();
    List<JsonNode> lines = Golden.lines(answers);
    assertThat(lines.get(1).path("ids").size()).isLessThanOrEqualTo(12);
    assertThat(lines.get(0).path("ids").size()).isGreaterThan(12);
    assertThat(result.err()).contains("2 rows, ").contains(" tokens generated; ");
  }

  @Test
  void aReaderThatGoesAwayIsNoFailureButAFullDiskIs() throws IOException, InterruptedException {
    List<String> head = List.of("/bin/bash", "-c", "set -o pipefail; \"$0\" \"$@\" | head -n 1");
    Cli.Result piped = Cli.start(folder, head, "inspect", GOLDEN.model()).await();
    assertThat(piped.code()).as(piped.err()).isZero();
    assertThat(piped.err()).isEmpty();
    List<String> full = List.of("/bin/bash", "-c", "\"$0\" \"$@\" > /dev/full");
    assertThat(Cli.start(folder, full, "inspect", GOLDEN.model()).await().fails(1).err()).contains("standard output");
  }
}
