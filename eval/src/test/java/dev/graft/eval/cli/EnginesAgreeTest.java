package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The whole way: a small model answers nonsense, {@code graft sft} teaches it three answers, and both our own engine and llama.cpp, given the adapter file,
 * say them. llama.cpp computes everything again from the two files, so this is also the check that the adapter means the same to others.
 */
class EnginesAgreeTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> PROMPTS = List.of("fever and chills", "dysuria, no fever", "refill request");
  private static final List<String> ANSWERS = List.of("call a physician today", "UTI: yes", "the assistant can do it");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"llama,F32", "llama,Q8_0", "llama,Q4_K", "qwen2,F32"})
  void adapterTeachesBothEngines(String architecture, String type) throws IOException {
    Path model = folder.resolve("model.gguf");
    Cli.run("bench", "make-model", "--architecture", architecture, "--type", type, "--layers", 2, "--width", 256, "--heads", 4, "--kv-heads", 2, "--feed-forward", 256,
        "--vocabulary-size", 300, "--context", 256, "--output", model, "--quiet").ok();
    Path data = folder.resolve("rows.jsonl");
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < PROMPTS.size(); i++) {
      rows.add(JSON.createObjectNode().put("prompt", PROMPTS.get(i)).put("completion", ANSWERS.get(i)).toString());
    }
    Files.write(data, rows);
    Path run = folder.resolve("run");
    Cli.run("sft", "--model", model, "--data", data, "--output", run, "--max-steps", 60, "--batch-size", 3, "--learning-rate", "0.01", "--lora-rank", 8, "--quiet").ok();
    Path adapter = run.resolve("adapter.gguf");

    List<String> base = answers(model, null, data, "native");
    assertThat(answers(model, adapter, data, "native")).isEqualTo(ANSWERS);
    assertThat(answers(model, adapter, data, "llama.cpp")).isEqualTo(ANSWERS);
    assertThat(base).doesNotContainAnyElementsOf(ANSWERS);
    if (type.equals("F32")) {
      assertThat(answers(model, null, data, "llama.cpp")).isEqualTo(base);
      mergedAndQuantizedAnswersTheSame(run, data);
    }
  }

  private void mergedAndQuantizedAnswersTheSame(Path run, Path data) throws IOException {
    Path merged = folder.resolve("merged.gguf");
    Cli.run("merge", "--run", run, "--type", "F16", "--output", merged, "--no-report", "--quiet").ok();
    assertThat(answers(merged, null, data, "native")).isEqualTo(ANSWERS);
    for (String type : List.of("Q8_0", "Q6_K", "Q4_K_M")) {
      Path quantized = folder.resolve(type + ".gguf");
      Cli.run("quantize", merged, quantized, type, "--quiet").ok();
      assertThat(answers(quantized, null, data, "native")).as(type).isEqualTo(ANSWERS);
      assertThat(answers(quantized, null, data, "llama.cpp")).as(type).isEqualTo(ANSWERS);
    }
  }

  private List<String> answers(Path model, Path adapter, Path data, String engine) throws IOException {
    Path output = Files.createTempFile(folder, "answers", ".jsonl");
    List<Object> command = new ArrayList<>(List.of("generate", "--model", model, "--data", data, "--output", output, "--max-tokens", 40, "--engine", engine, "--quiet"));
    if (adapter != null) {
      command.addAll(List.of("--adapter", adapter));
    }
    Cli.run(command.toArray()).ok();
    List<String> answers = new ArrayList<>();
    for (String line : Files.readAllLines(output)) {
      JsonNode row = JSON.readTree(line);
      assertThat(row.get("index").asInt()).isEqualTo(answers.size());
      answers.add(row.get("text").asText());
    }
    return answers;
  }
}
