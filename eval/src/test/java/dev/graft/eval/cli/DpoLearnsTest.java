package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole way: preferences of a kind are learnt, hold for prompts that were not seen, and llama.cpp says what our own engine says. */
class DpoLearnsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> COMPLAINTS = List.of("fever", "chills", "a cough", "back pain", "a rash", "dizziness", "nausea", "a sore throat", "fatigue", "a headache");

  @TempDir Path folder;

  private Path pairs(String name, List<String> complaints, String template) throws IOException {
    List<String> rows = new ArrayList<>();
    for (String complaint : complaints) {
      rows.add(JSON.createObjectNode().put("prompt", String.format(template, complaint)).put("chosen", "please call us today").put("rejected", "no idea, goodbye").toString());
    }
    return Files.write(folder.resolve(name), rows);
  }

  @Test
  void theMarginRisesOnUnseenPairsAndLlamaCppAgrees() throws IOException {
    Path model = folder.resolve("model.gguf");
    Cli.run("bench", "make-model", "--architecture", "llama", "--type", "Q8_0", "--layers", 2, "--width", 256, "--heads", 4, "--kv-heads", 2, "--feed-forward", 256,
        "--vocabulary-size", 300, "--context", 256, "--output", model, "--quiet").ok();
    Path train = pairs("train.jsonl", COMPLAINTS.subList(0, 8), "I have %s since Monday");
    Path unseen = pairs("unseen.jsonl", COMPLAINTS.subList(8, 10), "Now there is %s again");
    Path run = folder.resolve("run");
    Cli.run("dpo", "--model", model, "--data", train, "--eval-data", unseen, "--eval-steps", 10, "--output", run, "--max-steps", 30, "--batch-size", 4, "--learning-rate", 0.002,
        "--lora-rank", 8, "--sft-weight", 1, "--quiet").ok();
    List<JsonNode> evaluations = Golden.lines(run.resolve("metrics.jsonl")).stream().filter(line -> line.has("eval_loss")).toList();
    assertThat(evaluations).hasSize(3);
    JsonNode last = evaluations.get(2);
    assertThat(last.path("eval_rewards/margins").asDouble()).isGreaterThan(evaluations.get(0).path("eval_rewards/margins").asDouble()).isGreaterThan(1);
    assertThat(last.path("eval_rewards/accuracies").asDouble()).isEqualTo(1);
    assertThat(last.path("eval_logps/chosen").asDouble()).isGreaterThan(last.path("eval_logps/rejected").asDouble());

    Path adapter = run.resolve("adapter.gguf");
    List<String> ours = answers(model, adapter, unseen, "native");
    assertThat(ours).allSatisfy(answer -> assertThat(answer).startsWith("pleas"));
    assertThat(answers(model, adapter, unseen, "llama.cpp")).isEqualTo(ours);
  }

  private List<String> answers(Path model, Path adapter, Path data, String engine) throws IOException {
    Path output = Files.createTempFile(folder, "answers", ".jsonl");
    Cli.run("generate", "--model", model, "--adapter", adapter, "--data", data, "--output", output, "--max-tokens", 12, "--engine", engine, "--quiet").ok();
    List<String> answers = new ArrayList<>();
    for (JsonNode row : Golden.lines(output)) {
      answers.add(row.path("text").asText());
    }
    return answers;
  }
}
