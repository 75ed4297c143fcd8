package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code graft doctor}: says what there is; what is missing comes with a cure and the exit code 1. */
class DoctorCommandTest {
  @TempDir Path folder;

  private static Map<String, JsonNode> checks(JsonNode report) {
    Map<String, JsonNode> checks = new HashMap<>();
    report.path("checks").forEach(check -> checks.put(check.path("name").asText().replaceFirst(" \\d.*", ""), check));
    return checks;
  }

  @Test
  void whereTestsRunGraftCanBeUsed() throws IOException {
    JsonNode report = HfFolder.JSON.readTree(Cli.run("doctor", "--model", Golden.of("llama_q4_k_m").model(), "--json").ok().out());
    assertThat(report.path("usable").asBoolean()).isTrue();
    Map<String, JsonNode> checks = checks(report);
    assertThat(checks.keySet()).contains("system", "Java", "native library", "processor", "instruction set", "GPU", "memory", "disk, here", "java-llama.cpp", "model", "weight types", "tokenizer");
    assertThat(checks.get("native library").path("detail").asText()).contains(GraftVersion.VERSION);
    for (String isa : Golden.isas()) {
      assertThat(checks.get("instruction set").path("detail").asText()).contains(isa);
    }
    assertThat(checks.get("weight types").path("detail").asText()).contains("Q4_K (");
    assertThat(checks.get("Java").path("detail").asText()).contains(System.getProperty("java.home"));
    checks.values().forEach(check -> assertThat(check.path("fix").isNull()).as(check.toString()).isEqualTo(check.path("state").asText().equals("ok")));
  }

  @Test
  void aModelThatIsNoneFailsWithACure() throws IOException {
    Path broken = folder.resolve("broken.gguf");
    Files.writeString(broken, "no model");
    Cli.Result result = Cli.run("doctor", "--model", broken);
    assertThat(result.code()).isEqualTo(1);
    assertThat(result.out()).contains("FAILED  model").contains("graft convert");
  }

  @Test
  void aMissingNativeLibraryIsSaidNotThrown() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
        "-Dgraft.library.path=" + folder.resolve("none"), "-cp", System.getProperty("java.class.path"), "dev.graft.eval.cli.Main", "doctor", "--json"));
    Path out = folder.resolve("out.json");
    Process process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(1);
    JsonNode check = checks(HfFolder.JSON.readTree(out.toFile())).get("native library");
    assertThat(check.path("state").asText()).isEqualTo("failed");
    assertThat(check.path("detail").asText()).contains("no file");
    assertThat(check.path("fix").asText()).contains("mvn");
  }
}
