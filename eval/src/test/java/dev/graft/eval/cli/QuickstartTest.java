package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.eval.quickstart.DemoBase;
import dev.graft.eval.process.Stage;
import dev.graft.eval.quickstart.Stages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo base that is shipped, and the quickstart's own work; its stages have tests of their own. */
class QuickstartTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @Test
  void theDemoBaseIsSmallAndKnowsClinicalText() throws IOException {
    Path base = folder.resolve("base.gguf");
    DemoBase.write(base);
    assertThat(Files.size(base)).isLessThan(6_000_000);
    assertThat(Cli.run("inspect", base).ok().out()).containsPattern("chat template +yes").contains("Graft demo base");
    Cli.run("data", "make", "corpus", "--n", 400, "--seed", 99, "--output", folder.resolve("corpus"), "--quiet").ok();
    List<String> chats = Files.readAllLines(folder.resolve("corpus/train.jsonl")).stream().filter(line -> line.contains("\"messages\"")).toList();
    Path rows = Files.write(folder.resolve("chats.jsonl"), chats);
    Cli.Result scored = Cli.run("score", "--model", base, "--data", rows, "--output", folder.resolve("scores.jsonl"), "--json", "--quiet").ok();
    assertThat(JSON.readTree(scored.out()).path("perplexity").asDouble()).isBetween(1.0, 4.0); // of a model that knows nothing: 4096
  }

  @Test
  void anotherLlamaLoadsTheDemoBase() throws IOException {
    Path base = folder.resolve("base.gguf");
    DemoBase.write(base);
    String question = "To which group does painful urination belong?";
    String ours = Cli.run("generate", "--model", base, "--prompt", question, "--max-tokens", 8, "--quiet").ok().out();
    String llamas = Cli.run("generate", "--model", base, "--prompt", question, "--max-tokens", 8, "--engine", "llama.cpp", "--quiet").ok().out();
    assertThat(ours).contains("Urinary");
    assertThat(llamas).isEqualTo(ours);
  }

  @Test
  void whatIsDoneIsNotDoneAgain() throws IOException {
    Stages stages = new Stages(folder, 7);
    Files.writeString(folder.resolve("seed"), "7\n");
    for (Stage stage : stages.all()) {
      Files.createDirectories(stage.result().getParent());
      Files.writeString(stage.result(), "{\"systems\": {\"sft\": {\"f1\": 0.625, \"accuracy\": 0.5}}}");
    }
    Files.writeString(folder.resolve("stages.json"), "{\"sft\": {\"seconds\": 12.5, \"peak_memory_bytes\": 104857600}}");
    String out = Cli.run("quickstart", folder, "--seed", 7).ok().out();
    assertThat(out).contains("done before: " + stages.adapter("dpo")).containsPattern("sft +0\\.625 +- +- +0\\.500 +12\\.5 s, +100 MiB").contains("graft sft --model MODEL.gguf");
    JsonNode json = JSON.readTree(Cli.run("quickstart", folder, "--seed", 7, "--json").ok().out());
    assertThat(json.path("systems").path("sft").path("f1").asDouble()).isEqualTo(0.625);
    assertThat(Cli.run("quickstart", folder, "--seed", 8).fails(2).err()).contains("--seed 7");
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThat(Cli.run("quickstart", file).fails(1).err()).contains("file");
  }
}
